import type { Clock } from '../../common/clock.js';
import type { DnsRecords, DnsSource, DnsType } from './dns-source.js';

/** For records whose time to live is not known. */
const USUAL_TTL_MS = 60_000;
/** For names and types that do not exist (RFC 2308 leaves it to the zone). */
const NOTHING_TTL_MS = 30_000;
/** How long servers that did not answer are not asked the same again. */
const FAILED_TTL_MS = 5_000;
const SHORTEST_TTL_MS = 1_000;
const LONGEST_TTL_MS = 86_400_000;
const ENTRIES = 10_000;

interface Cached {
  readonly records: readonly DnsRecords[DnsType][];
  readonly untilMs: number;
}

/** A question to DNS. */
export interface DnsQuestion {
  readonly type: DnsType;
  readonly name: string;
}

/** Keeps answers for their time to live; the same question is not asked twice at once. */
export class DnsCache {
  readonly #source: DnsSource;
  readonly #clock: Clock;
  readonly #answers = new Map<string, Cached>();
  readonly #asking = new Map<string, Promise<void>>();

  constructor(source: DnsSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** The records if they are known now. */
  known<Type extends DnsType>(type: Type, name: string): readonly DnsRecords[Type][] | undefined {
    const cached = this.#answers.get(keyOf(type, name));
    return cached && cached.untilMs > this.#clock.now()
      ? (cached.records as readonly DnsRecords[Type][])
      : undefined;
  }

  /** Asks, so that `known` has an answer afterwards: an empty one where nobody could be asked. Never rejects. */
  async ask({ type, name }: DnsQuestion): Promise<void> {
    const key = keyOf(type, name);
    const running = this.#asking.get(key);
    if (running) return running;
    const asking = this.#fetch(type, name).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #fetch(type: DnsType, name: string): Promise<void> {
    try {
      const { records, ttlS } = await this.#source.query(type, name);
      const ttlMs = records.length === 0 ? NOTHING_TTL_MS : ttlS === undefined ? USUAL_TTL_MS : ttlS * 1_000;
      this.#keep(type, name, records, Math.min(LONGEST_TTL_MS, Math.max(SHORTEST_TTL_MS, ttlMs)));
    } catch {
      this.#keep(type, name, [], FAILED_TTL_MS);
    }
  }

  #keep(type: DnsType, name: string, records: readonly DnsRecords[DnsType][], ttlMs: number): void {
    const now = this.#clock.now();
    if (this.#answers.size >= ENTRIES) {
      for (const [key, { untilMs }] of this.#answers) if (untilMs <= now) this.#answers.delete(key);
      if (this.#answers.size >= ENTRIES) this.#answers.clear();
    }
    this.#answers.set(keyOf(type, name), { records, untilMs: now + ttlMs });
  }
}

function keyOf(type: DnsType, name: string): string {
  return `${type} ${name.toLowerCase()}`;
}
