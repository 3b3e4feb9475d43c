import type { ClientSession } from '../control/client-session.js';
import type { ReportFormat } from './report.js';

/** Who caused a record: a peer, or an application (and the engine on its behalf). */
export type CdrSource = 'network' | 'application';
export type CdrRole = 'uac' | 'uas' | 'proxy-uac' | 'proxy-uas';
export type CdrStopReason =
  | 'call-rejected'
  | 'call-canceled'
  | 'normal-release'
  | 'session-expired'
  | 'ackbye'
  | 'system-initiated-termination';

/** Call detail records for the applications that asked for `cdr:attempt`, `cdr:start` or `cdr:stop`. */
export class CdrReports {
  readonly #report: ReportFormat;
  readonly #pick: (verb: string) => ClientSession | undefined;

  constructor(report: ReportFormat, pick: (verb: string) => ClientSession | undefined) {
    this.#report = report;
    this.#pick = pick;
  }

  /** An INVITE came or was sent. */
  attempt(source: CdrSource, sip: Buffer): void {
    this.#send('cdr:attempt', source, '', sip);
  }

  /** A call was answered. */
  start(source: CdrSource, sip: Buffer, role: CdrRole): void {
    this.#send('cdr:start', source, `|${role}`, sip);
  }

  /** An attempt failed, or a call ended; `sip` is the message that did it. */
  stop(source: CdrSource, sip: Buffer, reason: CdrStopReason): void {
    this.#send('cdr:stop', source, `|${reason}`, sip);
  }

  #send(record: string, source: CdrSource, rest: string, sip: Buffer): void {
    this.#pick(record)?.send(`${record}|${source}|${this.#report.time()}${rest}`, sip);
  }
}

/** Why an attempt ended with that failure. */
export function rejectionReason(status: number): CdrStopReason {
  return status === 487 ? 'call-canceled' : 'call-rejected';
}
