import { BlockList, isIPv6 } from 'node:net';
import type { Clock } from '../../common/clock.js';
import { RelevoError } from '../../common/errors.js';
import type { Logger } from '../../common/log.js';
import type { ProtectionOptions } from '../engine-options.js';
import { BoundedMap } from './bounded-map.js';
import { LoadWatch } from './load-watch.js';
import { TokenBucket } from './token-bucket.js';

/** What is done with a new call: `pass`, or 503 with Retry-After. */
export type CallVerdict = 'pass' | 'too-many' | 'overloaded';

interface SourceState {
  readonly calls: TokenBucket | undefined;
  /** Answers to malformed messages of this source. */
  readonly malformed: TokenBucket;
  logged: boolean;
}

export interface GatekeeperCounts {
  readonly unknownSources: number;
  readonly callsRefused: number;
  readonly callsShed: number;
  readonly malformedUnanswered: number;
  readonly sources: number;
}

const MAX_SOURCES = 10_000;
const MALFORMED_ANSWERS_PER_S = 5;
const DEFAULT_LAG_MS = 500;
export const DEFAULT_SHED_BACKLOG_BYTES = 8 * 1024 * 1024;

/** Judges what comes in before it costs anything: sources, rates, overload. What it remembers of sources is bounded. */
export class Gatekeeper {
  readonly retryAfterS: number;
  readonly #options: ProtectionOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #backlogBytes: () => number;
  readonly #queuedMs: () => number;
  readonly #allowed: BlockList | undefined;
  readonly #load: LoadWatch;
  readonly #total: TokenBucket | undefined;
  readonly #sources = new BoundedMap<SourceState>(MAX_SOURCES);
  readonly #counts = { unknownSources: 0, callsRefused: 0, callsShed: 0, malformedUnanswered: 0 };

  /**
   * `backlogBytes`: what waits for the application that reads slowest; `queuedMs`: how long messages wait before the
   * engine, or an application, looks at them. Throws `engine_bad_source_list`.
   */
  constructor(
    options: ProtectionOptions,
    clock: Clock,
    log: Logger,
    backlogBytes: () => number,
    queuedMs: () => number = () => 0,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#backlogBytes = backlogBytes;
    this.#queuedMs = queuedMs;
    this.retryAfterS = options.retryAfterS ?? 5;
    this.#allowed = options.allow ? blockListOf(options.allow) : undefined;
    this.#load = new LoadWatch(clock, options.overloadLagMs ?? DEFAULT_LAG_MS);
    this.#total =
      options.callsPerSecond === undefined ? undefined : new TokenBucket(options.callsPerSecond, clock.now());
  }

  /** Whether this source may speak at all; `drop` and `refuse` (403) are for those who may not. */
  judgeSource(address: string): 'pass' | 'drop' | 'refuse' {
    if (!this.#allowed || this.#allowed.check(plain(address), isIPv6(plain(address)) ? 'ipv6' : 'ipv4'))
      return 'pass';
    this.#counts.unknownSources++;
    const source = this.#source(address);
    if (!source.logged) {
      source.logged = true;
      this.#log.warn({ address }, 'SIP from a source that is not allowed; further messages are only counted');
    }
    return this.#options.unknownSources ?? 'drop';
  }

  /** Judges an INVITE outside a dialog. */
  judgeCall(address: string): CallVerdict {
    const bound = this.#options.overloadBacklogBytes ?? DEFAULT_SHED_BACKLOG_BYTES;
    // What waits for T1 before it is looked at is sent again: no new calls then.
    const lagMs = this.#options.overloadLagMs ?? DEFAULT_LAG_MS;
    if (this.#load.overloaded || (lagMs > 0 && this.#queuedMs() > lagMs) || this.#backlogBytes() > bound) {
      this.#counts.callsShed++;
      return 'overloaded';
    }
    const now = this.#clock.now();
    const { calls } = this.#source(address);
    if ((calls && !calls.take(now)) || (this.#total && !this.#total.take(now))) {
      this.#counts.callsRefused++;
      return 'too-many';
    }
    return 'pass';
  }

  /** Whether a malformed message of this source is still worth an answer. */
  answersMalformed(address: string): boolean {
    if (this.#source(address).malformed.take(this.#clock.now())) return true;
    this.#counts.malformedUnanswered++;
    return false;
  }

  counts(): GatekeeperCounts {
    return { ...this.#counts, sources: this.#sources.size };
  }

  /** Idempotent. */
  close(): void {
    this.#load.close();
  }

  #source(address: string): SourceState {
    return this.#sources.obtain(address, () => {
      const now = this.#clock.now();
      const { callsPerSecondPerSource: rate } = this.#options;
      return {
        calls: rate === undefined ? undefined : new TokenBucket(rate, now),
        malformed: new TokenBucket(MALFORMED_ANSWERS_PER_S, now),
        logged: false,
      };
    });
  }
}

function blockListOf(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', bits] = block.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    try {
      if (bits === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(bits), family);
    } catch (error) {
      throw new RelevoError(
        'engine_bad_source_list',
        `"${block}" is no address and no block of addresses`,
        'Write it as 198.51.100.7 or 198.51.100.0/24.',
        { cause: error },
      );
    }
  }
  return list;
}

/** An IPv4 address that came by an IPv6 socket, as IPv4. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

const LF = 0x0a;

/**
 * Whether the start line can be one of SIP: it is the cheapest sign of noise. A keep-alive of CRLF alone passes.
 */
export function looksLikeSip(raw: Buffer): boolean {
  let start = 0;
  while (start < raw.length && start < 8 && (raw[start] === LF || raw[start] === 0x0d)) start++;
  if (start === raw.length) return true;
  const end = raw.indexOf(LF, start);
  if (end < 0) return false;
  return /SIP\/\d/i.test(raw.toString('latin1', start, Math.min(end, start + 8_192)));
}
