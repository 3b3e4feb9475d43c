import { createHash } from 'node:crypto';
import { ApiProblem } from './problem.js';

/** What a request was answered with. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface Entry {
  readonly bodyDigest: string;
  /** Of what the request begins. */
  readonly id: string;
  readonly at: number;
  /** null after a failure: the next request with this key tries again. */
  answer: Promise<Answer> | null;
}

export interface IdempotencyLimits {
  readonly keys: number;
  readonly keepMs: number;
}

export const defaultIdempotencyLimits: IdempotencyLimits = { keys: 10_000, keepMs: 24 * 3600 * 1000 };

/**
 * Remembers the answers to requests that carried an Idempotency-Key, so that a repeated request is answered the
 * same and done once. A request whose outcome is unknown is done again under the same id.
 */
export class IdempotencyKeys {
  readonly #limits: IdempotencyLimits;
  readonly #wallMs: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor(wallMs: () => number, limits: IdempotencyLimits = defaultIdempotencyLimits) {
    this.#wallMs = wallMs;
    this.#limits = limits;
  }

  /**
   * Runs `act` once per key. `scope` tells apart keys of different resources. The same key with another body is
   * refused with 422.
   */
  once(
    scope: string,
    key: string,
    body: unknown,
    id: string,
    act: (id: string, repeated: boolean) => Promise<Answer>,
  ): Promise<Answer> {
    const name = `${scope}\n${key}`;
    const bodyDigest = createHash('sha256').update(JSON.stringify(body)).digest('base64');
    const known = this.#entries.get(name);
    if (known && this.#wallMs() - known.at <= this.#limits.keepMs) {
      if (known.bodyDigest !== bodyDigest)
        throw new ApiProblem(
          422,
          'idempotency_key_reused',
          `the Idempotency-Key ${key} was used with another body`,
          'Use a new key for a new request.',
        );
      return known.answer ?? this.#run(known, () => act(known.id, true));
    }
    const entry: Entry = { bodyDigest, id, at: this.#wallMs(), answer: null };
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    this.#trim();
    return this.#run(entry, () => act(id, false));
  }

  async #run(entry: Entry, act: () => Promise<Answer>): Promise<Answer> {
    const answer = act();
    entry.answer = answer;
    try {
      return await answer;
    } catch (error) {
      if (entry.answer === answer) entry.answer = null;
      throw error;
    }
  }

  #trim(): void {
    for (const name of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.keys) return;
      this.#entries.delete(name);
    }
  }
}
