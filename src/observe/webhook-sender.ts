import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import { signatureOf, type WebhookMessage } from './webhook-body.js';

/** Where and how events are posted. */
export interface WebhookTarget {
  readonly url: string;
  /** Key of the signature; null signs nothing. */
  readonly secret: string | null;
  /** The whole of one try, from the connection to the end of the answer. */
  readonly timeoutMs: number;
  /** Tries after the first one. */
  readonly retries: number;
}

export interface WebhookSenderOptions {
  /** Events that may wait; beyond it the oldest are lost and counted. */
  readonly queue: number;
  /** Requests at once. Events of one call are never sent side by side. */
  readonly lanes: number;
  /** Pause before the first repetition; it doubles up to `maxBackoffMs`. */
  readonly firstBackoffMs: number;
  readonly maxBackoffMs: number;
  /** How long `close` may take to send what waits. */
  readonly closeMs: number;
  readonly version: string;
}

export const defaultWebhookSenderOptions: Omit<WebhookSenderOptions, 'version'> = {
  queue: 5_000,
  lanes: 8,
  firstBackoffMs: 1_000,
  maxBackoffMs: 60_000,
  closeMs: 3_000,
};

/** Counters since the start; `waiting` is a gauge. */
export interface WebhookStats {
  readonly delivered: number;
  /** Tries that failed and were, or will be, repeated. */
  readonly retried: number;
  /** Given up after the last try. */
  readonly failed: number;
  /** Refused by the receiver in a way that a repetition cannot change (3xx, 4xx). */
  readonly rejected: number;
  /** Lost: the queue was full, or the node ended. */
  readonly lost: number;
  readonly waiting: number;
}

type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'rejected'; readonly why: string }
  | { readonly kind: 'again'; readonly why: string; readonly afterMs: number | null };

const ANSWER_BYTES = 64 * 1024;
const AGAIN = new Set([408, 425, 429]);

/**
 * Posts events to one receiver. Whoever hands an event in never waits: a slow or dead receiver costs memory up to the
 * queue's bound, then the oldest events, which are counted. It is logged once until the receiver takes events again.
 */
export class WebhookSender {
  readonly target: WebhookTarget;
  readonly #options: WebhookSenderOptions;
  readonly #log: Logger;
  readonly #agent: Agent;
  readonly #lanes: WebhookMessage[][];
  readonly #running: (Promise<void> | null)[];
  /** Ends pauses between tries: at close everything is tried once more. */
  readonly #hurry = new AbortController();
  /** Requests on their way, to be ended at the bound of `close`. */
  readonly #requests = new Set<AbortController>();
  #stopped = false;
  #closing: Promise<void> | null = null;
  #failing = false;
  #waiting = 0;
  #delivered = 0;
  #retried = 0;
  #failed = 0;
  #rejected = 0;
  #lost = 0;

  constructor(target: WebhookTarget, options: WebhookSenderOptions, log: Logger) {
    this.target = target;
    this.#options = options;
    this.#log = log;
    this.#agent = new Agent({ connections: options.lanes, pipelining: 1 });
    this.#lanes = Array.from({ length: options.lanes }, () => []);
    this.#running = this.#lanes.map(() => null);
  }

  /** The receiver without path and credentials, which may be secrets. */
  get name(): string {
    return new URL(this.target.url).origin;
  }

  get stats(): WebhookStats {
    return {
      delivered: this.#delivered,
      retried: this.#retried,
      failed: this.#failed,
      rejected: this.#rejected,
      lost: this.#lost,
      waiting: this.#waiting,
    };
  }

  send(message: WebhookMessage): void {
    if (this.#closing) {
      this.#lost++;
      return;
    }
    const index = laneOf(message.callId, this.#lanes.length);
    this.#lanes[index]!.push(message);
    this.#waiting++;
    if (this.#waiting > this.#options.queue) this.#loseOldest(index);
    this.#running[index] ??= this.#drain(index);
  }

  /** Sends what waits, each once more at most, within the bound; the rest is lost and counted. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#hurry.abort();
    const bound = setTimeout(() => {
      this.#stopped = true;
      for (const request of this.#requests) request.abort();
    }, this.#options.closeMs);
    await Promise.all(this.#running.filter((lane) => lane !== null));
    clearTimeout(bound);
    await this.#agent.destroy();
  }

  async #drain(index: number): Promise<void> {
    const lane = this.#lanes[index]!;
    for (let message = lane.shift(); message; message = lane.shift()) {
      await this.#deliver(message);
      this.#waiting--;
    }
    this.#running[index] = null;
  }

  /** Never throws. */
  async #deliver(message: WebhookMessage): Promise<void> {
    for (let tries = 1; ; tries++) {
      if (this.#stopped) {
        this.#lost++;
        return;
      }
      const last = tries > this.target.retries || this.#hurry.signal.aborted;
      const verdict = await this.#try(message, tries);
      if (verdict.kind === 'delivered') {
        this.#delivered++;
        if (this.#failing) this.#log.info({ receiver: this.name }, 'webhook receiver takes events again');
        this.#failing = false;
        return;
      }
      this.#complain(verdict.why);
      if (verdict.kind === 'rejected') {
        this.#rejected++;
        return;
      }
      if (last) {
        this.#failed++;
        return;
      }
      this.#retried++;
      await this.#pause(verdict.afterMs ?? this.#backoffMs(tries));
    }
  }

  async #try(message: WebhookMessage, tries: number): Promise<Verdict> {
    const { url, secret, timeoutMs } = this.target;
    const { id, event, body } = message;
    const signature = secret === null ? null : signatureOf(secret, Math.floor(Date.now() / 1000), body);
    const at = new URL(url);
    const request = new AbortController();
    const late = setTimeout(() => request.abort(), timeoutMs);
    this.#requests.add(request);
    try {
      const {
        statusCode,
        headers,
        body: answer,
      } = await this.#agent.request({
        origin: at.origin,
        path: `${at.pathname}${at.search}`,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': `Relevo/${this.#options.version}`,
          'x-relevo-event': event,
          'x-relevo-delivery': id,
          'x-relevo-try': String(tries),
          ...(signature === null ? {} : { 'x-relevo-signature': signature }),
          ...authorizationOf(at),
        },
        body,
        signal: request.signal,
      });
      await answer.dump({ limit: ANSWER_BYTES });
      if (statusCode >= 200 && statusCode < 300) return { kind: 'delivered' };
      const why = `answered ${statusCode}`;
      if (statusCode < 500 && !AGAIN.has(statusCode)) return { kind: 'rejected', why };
      return { kind: 'again', why, afterMs: this.#retryAfterMs(headers['retry-after']) };
    } catch (error) {
      return { kind: 'again', why: messageOf(error), afterMs: null };
    } finally {
      clearTimeout(late);
      this.#requests.delete(request);
    }
  }

  #backoffMs(tries: number): number {
    const { firstBackoffMs, maxBackoffMs } = this.#options;
    const whole = Math.min(firstBackoffMs * 2 ** (tries - 1), maxBackoffMs);
    // Spread, so that the lanes do not come back all at once.
    return whole * (0.75 + Math.random() / 2);
  }

  #retryAfterMs(header: string | string[] | undefined): number | null {
    const seconds = typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : null;
    return seconds === null ? null : Math.min(seconds * 1000, this.#options.maxBackoffMs);
  }

  async #pause(ms: number): Promise<void> {
    try {
      await pause(ms, undefined, { signal: this.#hurry.signal });
    } catch (error) {
      if (!this.#hurry.signal.aborted) throw error;
    }
  }

  /** The oldest of the longest lane goes: the lane that took the last event has one at least. */
  #loseOldest(index: number): void {
    let longest = this.#lanes[index]!;
    for (const lane of this.#lanes) if (lane.length > longest.length) longest = lane;
    longest.shift();
    this.#waiting--;
    this.#lost++;
    this.#complain('its queue is full');
  }

  #complain(why: string): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#log.warn(
      { code: 'webhook_failed', receiver: this.name, cause: why },
      'webhook receiver does not take events; they are repeated for a while, then lost and counted',
    );
  }
}

/** Credentials in the URL become Basic authentication. */
function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(plain).toString('base64')}` };
}

/** Events of one call share a lane, so that they arrive in order. */
function laneOf(callId: string, lanes: number): number {
  let hash = 0;
  for (let at = 0; at < callId.length; at++) hash = (hash * 31 + callId.charCodeAt(at)) >>> 0;
  return hash % lanes;
}
