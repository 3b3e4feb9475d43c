import type { Clock, Timer } from '../../common/clock.js';
import { parseRAck } from '../cseq.js';
import type { SipRequest, SipResponse } from '../message.js';
import { parseDecimal } from '../scan.js';
import type { TimerValues } from '../transaction/timers.js';

interface Unacknowledged {
  readonly rseq: number;
  retransmit: Timer;
  readonly giveUp: Timer;
}

export interface ReliableSenderOptions {
  readonly clock: Clock;
  readonly timers: TimerValues;
  /** CSeq number of the INVITE that is answered. */
  readonly inviteCSeq: number;
  /** The first RSeq, from 1 to 2^31-1 (RFC 3262 3). */
  readonly firstRSeq: number;
  /** No PRACK within 64*T1: the INVITE should be rejected with a 5xx. */
  readonly onTimeout: (rseq: number) => void;
}

/** The UAS side of reliable provisional responses to one INVITE (RFC 3262 3). One is outstanding at a time. */
export class ReliableSender {
  readonly #options: ReliableSenderOptions;
  #nextRSeq: number;
  #outstanding: Unacknowledged | undefined;

  constructor(options: ReliableSenderOptions) {
    this.#options = options;
    this.#nextRSeq = options.firstRSeq;
  }

  /** Whether a response waits for its PRACK; the next must not be sent before. */
  get isWaiting(): boolean {
    return this.#outstanding !== undefined;
  }

  /**
   * Gives the response its RSeq (and Require: 100rel) and starts repeating it with `resend`, T1 doubling.
   * Returns false, and changes nothing, while another is outstanding.
   */
  begin(response: SipResponse, resend: () => void): boolean {
    if (this.#outstanding) return false;
    const { clock, timers, onTimeout } = this.#options;
    const rseq = this.#nextRSeq++;
    response.headers.set('RSeq', String(rseq));
    const required = response.headers.get('require');
    if (required === undefined) response.headers.add('Require', '100rel');
    else if (!required.includes('100rel')) response.headers.replaceFirst('require', `${required}, 100rel`);
    const repeat = (delayMs: number): Timer =>
      clock.after(delayMs, () => {
        if (this.#outstanding?.rseq !== rseq) return;
        this.#outstanding.retransmit = repeat(delayMs * 2);
        resend();
      });
    const giveUp = clock.after(64 * timers.T1, () => {
      this.close();
      onTimeout(rseq);
    });
    this.#outstanding = { rseq, retransmit: repeat(timers.T1), giveUp };
    return true;
  }

  /** A PRACK came: `matched` is answered 2xx, `unmatched` 481 (RFC 3262 3). */
  onPrack(prack: SipRequest): 'matched' | 'unmatched' {
    const rack = parseRAck(prack.headers.get('rack') ?? '');
    if (!rack || rack.rseq !== this.#outstanding?.rseq) return 'unmatched';
    if (rack.cseq.number !== this.#options.inviteCSeq || rack.cseq.method !== 'INVITE') return 'unmatched';
    this.close();
    return 'matched';
  }

  /** Stops repeating: the PRACK came, or the final response was sent. Idempotent. */
  close(): void {
    this.#outstanding?.retransmit.cancel();
    this.#outstanding?.giveUp.cancel();
    this.#outstanding = undefined;
  }
}

/** What a provisional response is to its receiver: `unreliable` needs no PRACK; `repeated` and `out-of-order` are dropped. */
export type ReliableVerdict = 'unreliable' | 'new' | 'repeated' | 'out-of-order';

/**
 * The UAC side (RFC 3262 4): tells new reliable provisional responses of one early dialog from repeated ones and from
 * those that overtook another. `lastRSeq` is that of the last new one, undefined before the first.
 */
export function judgeReliable(response: SipResponse, lastRSeq: number | undefined): ReliableVerdict {
  const value = response.headers.get('rseq');
  const required = response.headers.getAll('require').join(',');
  if (value === undefined || response.status === 100 || !required.includes('100rel')) return 'unreliable';
  const rseq = parseDecimal(value, 0xffffffff);
  if (rseq === undefined) return 'unreliable';
  if (lastRSeq === undefined || rseq === lastRSeq + 1) return 'new';
  return rseq <= lastRSeq ? 'repeated' : 'out-of-order';
}

/** The RAck value for a reliable provisional response (RFC 3262 7.2). */
export function rackFor(response: SipResponse): string {
  return `${response.headers.get('rseq') ?? ''} ${response.headers.get('cseq') ?? ''}`;
}
