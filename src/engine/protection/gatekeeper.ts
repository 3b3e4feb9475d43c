import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { SipRequest } from '../../sip/message.js';
import type { ProtectionOptions } from '../engine-options.js';
import { BanList } from './ban-list.js';
import { BoundedMap } from './bounded-map.js';
import { CallCensus } from './call-census.js';
import { LoadWatch } from './load-watch.js';
import { SourceList, sourceKey } from './source-list.js';
import { TokenBucket } from './token-bucket.js';

/** What is done with a new call: `pass`, or 503 with Retry-After. */
export type CallVerdict = 'pass' | 'too-many' | 'overloaded';

/** Whether a source may speak: `drop` hears nothing of us, `refuse` gets 403. */
export type Standing = 'pass' | 'drop' | 'refuse';

interface SourceState {
  readonly calls: TokenBucket | undefined;
  /** Answers to malformed messages of this source. */
  readonly malformed: TokenBucket;
  malformedSinceMs: number;
  malformedCount: number;
  logged: boolean;
}

/** All but `sources` and `banned` count since the start. */
export interface GatekeeperCounts {
  readonly unknownSources: number;
  /** Messages of sources on the deny list. */
  readonly denied: number;
  /** Messages of sources that were banned. */
  readonly dropped: number;
  /** Requests of scanners. */
  readonly scanners: number;
  readonly bans: number;
  /** Calls over a rate, and over a number at once. */
  readonly callsRefused: number;
  readonly callsBeyondLimit: number;
  readonly callsShed: number;
  readonly malformedUnanswered: number;
  readonly sources: number;
  readonly banned: number;
}

/** What the gatekeeper looks at besides messages. */
export interface GatekeeperViews {
  /** Bytes that wait for the application that reads slowest. */
  readonly backlogBytes: () => number;
  /** How long messages wait before the engine, or an application, looks at them. */
  readonly queuedMs: () => number;
  /** The address of the peer of each of its calls. */
  readonly callers: () => Iterable<string>;
}

const MAX_SOURCES = 10_000;
const MALFORMED_ANSWERS_PER_S = 5;
const MALFORMED_WINDOW_MS = 10_000;
const DEFAULT_MALFORMED_BEFORE_BAN = 200;
const DEFAULT_BAN_MS = 600_000;
const DEFAULT_LAG_MS = 500;
export const DEFAULT_SHED_BACKLOG_BYTES = 8 * 1024 * 1024;
/** What scanners in wide use call themselves. */
export const KNOWN_SCANNERS: readonly string[] = [
  'friendly-scanner',
  'friendly-request',
  'sipvicious',
  'sip-scan',
  'sipscan',
  'sundayddr',
  'sipcli',
  'pplsip',
  'iWar',
  'SIVuS',
  'Gulp',
  'sipsscuser',
  'sip-suite',
  'scan-sip',
];

/** Judges what comes in before it costs anything: sources, rates, overload. What it remembers of sources is bounded. */
export class Gatekeeper {
  readonly retryAfterS: number;
  readonly #options: ProtectionOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #views: GatekeeperViews;
  readonly #allowed: SourceList | undefined;
  readonly #denied: SourceList | undefined;
  #trusted: SourceList | undefined;
  readonly #scanners: readonly string[];
  readonly #bans: BanList;
  readonly #load: LoadWatch;
  readonly #total: TokenBucket | undefined;
  readonly #census: CallCensus | undefined;
  readonly #sources = new BoundedMap<SourceState>(MAX_SOURCES);
  readonly #counts = {
    unknownSources: 0,
    denied: 0,
    dropped: 0,
    scanners: 0,
    bans: 0,
    callsRefused: 0,
    callsBeyondLimit: 0,
    callsShed: 0,
    malformedUnanswered: 0,
  };

  /** Throws `engine_bad_source_list`. */
  constructor(options: ProtectionOptions, clock: Clock, log: Logger, views: GatekeeperViews) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#views = views;
    this.retryAfterS = options.retryAfterS ?? 5;
    this.#allowed = options.allow && new SourceList(options.allow);
    this.#denied = listOf(options.deny);
    this.#trusted = listOf(options.trusted);
    this.#scanners = (options.scanners ?? KNOWN_SCANNERS).map((word) => word.toLowerCase());
    this.#bans = new BanList(clock, options.banMs ?? DEFAULT_BAN_MS);
    this.#load = new LoadWatch(clock, options.overloadLagMs ?? DEFAULT_LAG_MS);
    this.#total =
      options.callsPerSecond === undefined ? undefined : new TokenBucket(options.callsPerSecond, clock.now());
    if (options.maxCalls !== undefined || options.maxCallsPerSource !== undefined)
      this.#census = new CallCensus(clock, () => keysOf(views.callers()));
  }

  /** Whether this source may speak at all. */
  judgeSource(address: string): Standing {
    if (this.#denied?.has(address)) {
      this.#counts.denied++;
      return 'drop';
    }
    if (this.#bans.has(() => sourceKey(address))) {
      this.#counts.dropped++;
      return 'drop';
    }
    if (!this.#allowed || this.#allowed.has(address)) return 'pass';
    this.#counts.unknownSources++;
    const source = this.#source(address);
    if (!source.logged) {
      source.logged = true;
      this.#log.warn({ address }, 'SIP from a source that is not allowed; further messages are only counted');
    }
    return this.#options.unknownSources ?? 'drop';
  }

  /** Whether what comes from there is heard; the same as `judgeSource`, but that nothing is counted. */
  admits(address: string): boolean {
    if (this.#denied?.has(address) || this.#bans.has(() => sourceKey(address))) return false;
    return !this.#allowed || this.#options.unknownSources === 'refuse' || this.#allowed.has(address);
  }

  /** Whether the source is one that no rate of its own and no ban touches. */
  trusts(address: string): boolean {
    return this.#trusted?.has(address) ?? false;
  }

  /** Besides those of the options, these are trusted from now on. Throws `engine_bad_source_list`. */
  setTrusted(blocks: readonly string[]): void {
    this.#trusted = listOf([...(this.#options.trusted ?? []), ...blocks]);
  }

  /** Whether a new request is of a scanner, which must not learn that there is somebody. Its source is banned. */
  isScanner(request: SipRequest, address: string): boolean {
    const agent = request.headers.get('user-agent')?.toLowerCase();
    if (agent === undefined || !this.#scanners.some((word) => agent.includes(word))) return false;
    if (this.trusts(address)) return false;
    this.#counts.scanners++;
    this.#ban(address, 'a scanner');
    return true;
  }

  /** Judges an INVITE outside a dialog. */
  judgeCall(address: string): CallVerdict {
    const bound = this.#options.overloadBacklogBytes ?? DEFAULT_SHED_BACKLOG_BYTES;
    // What waits for T1 before it is looked at is sent again: no new calls then.
    const lagMs = this.#options.overloadLagMs ?? DEFAULT_LAG_MS;
    if (
      this.#load.overloaded ||
      (lagMs > 0 && this.#views.queuedMs() > lagMs) ||
      this.#views.backlogBytes() > bound
    ) {
      this.#counts.callsShed++;
      return 'overloaded';
    }
    const now = this.#clock.now();
    const trusted = this.trusts(address);
    const calls = trusted ? undefined : this.#source(address).calls;
    if ((calls && !calls.take(now)) || (this.#total && !this.#total.take(now))) {
      this.#counts.callsRefused++;
      return 'too-many';
    }
    const { maxCalls = Infinity, maxCallsPerSource = Infinity } = this.#options;
    const mostOfSource = trusted ? Infinity : maxCallsPerSource;
    if (this.#census && !this.#census.admit(sourceKey(address), mostOfSource, maxCalls)) {
      this.#counts.callsBeyondLimit++;
      return 'too-many';
    }
    return 'pass';
  }

  /** Notes a malformed message; beyond the bound its source is banned. */
  noteMalformed(address: string): void {
    const source = this.#source(address);
    const now = this.#clock.now();
    if (now - source.malformedSinceMs >= MALFORMED_WINDOW_MS) {
      source.malformedSinceMs = now;
      source.malformedCount = 0;
    }
    const bound = this.#options.malformedBeforeBan ?? DEFAULT_MALFORMED_BEFORE_BAN;
    if (++source.malformedCount > bound && !this.trusts(address)) this.#ban(address, 'malformed messages');
  }

  /** Whether a malformed message of this source is still worth an answer. */
  answersMalformed(address: string): boolean {
    if (this.#source(address).malformed.take(this.#clock.now())) return true;
    this.#counts.malformedUnanswered++;
    return false;
  }

  counts(): GatekeeperCounts {
    return { ...this.#counts, sources: this.#sources.size, banned: this.#bans.size };
  }

  /** Idempotent. */
  close(): void {
    this.#load.close();
  }

  /** A source whose calls are in progress is not banned: an address can be forged over UDP. */
  #ban(address: string, why: string): void {
    const key = sourceKey(address);
    if (!this.#bans.enabled || this.#bans.has(() => key)) return;
    for (const caller of this.#views.callers()) if (sourceKey(caller) === key) return;
    this.#bans.ban(key);
    this.#counts.bans++;
    this.#log.warn({ address, why }, 'a source is banned for a while');
  }

  #source(address: string): SourceState {
    return this.#sources.obtain(sourceKey(address), () => {
      const now = this.#clock.now();
      const { callsPerSecondPerSource: rate } = this.#options;
      return {
        calls: rate === undefined ? undefined : new TokenBucket(rate, now),
        malformed: new TokenBucket(MALFORMED_ANSWERS_PER_S, now),
        malformedSinceMs: now,
        malformedCount: 0,
        logged: false,
      };
    });
  }
}

function listOf(blocks: readonly string[] | undefined): SourceList | undefined {
  return blocks && blocks.length > 0 ? new SourceList(blocks) : undefined;
}

function* keysOf(addresses: Iterable<string>): Iterable<string> {
  for (const address of addresses) yield sourceKey(address);
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
