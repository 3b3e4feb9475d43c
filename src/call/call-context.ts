import type { Clock } from '../common/clock.js';
import type { Random } from '../common/random.js';
import type { CallCommand } from './call-io.js';
import type { CallRecord } from './call-record.js';
import { SessionIds } from './context/session-ids.js';
import type { DestinationDirectory } from './destinations/destination-directory.js';
import type { DialogDirectory } from './dialog-directory.js';
import type { MediaCommand } from './media-port.js';
import { NamedTimers } from './named-timers.js';
import type { CallPlan, Project, Trunk } from './project.js';
import type { LegId, SignallingCommand } from './signalling-port.js';

/** Sessions of the whole thread, by trunk. */
export interface SessionLimits {
  /** Takes a session of this trunk; else why there is none. What was taken is given back by `release`. */
  take(trunk: string): string | null;
  release(trunk: string): void;
}

/** What a call is given. Time is read from the clock; timers are commands. */
export interface CallDeps {
  readonly callId: string;
  readonly plan: CallPlan;
  readonly project: Project;
  readonly trunk: Trunk;
  readonly clock: Pick<Clock, 'now' | 'wallMs'>;
  readonly random: Random;
  readonly destinations: DestinationDirectory;
  /** The dialogs of all calls of this thread; without it no other call can be joined. */
  readonly dialogs?: DialogDirectory;
  /** What counts against the limits of trunks and node beside the calls themselves; without it there is no limit. */
  readonly sessions?: SessionLimits;
  /** Can the media mix several parties? True where it is not said. */
  readonly mixes?: boolean;
}

/** What every machine of one call shares: its data, its way out, its timers and its numbering. */
export class CallContext {
  readonly deps: CallDeps;
  readonly timers: NamedTimers;
  readonly sessionIds: SessionIds;
  #out: CallCommand[] = [];
  #lastLeg = 1;
  #lastRequest = 0;
  #badInputs = 0;

  constructor(deps: CallDeps) {
    this.deps = deps;
    this.sessionIds = new SessionIds(() => deps.random.uuid());
    this.timers = new NamedTimers((command) => this.emit(command));
  }

  get callId(): string {
    return this.deps.callId;
  }
  get project(): Project {
    return this.deps.project;
  }
  /** Inputs that could not be; counted, so that a faulty peer is seen. */
  get badInputs(): number {
    return this.#badInputs;
  }

  now(): number {
    return this.deps.clock.now();
  }
  wallMs(): number {
    return Math.round(this.deps.clock.wallMs());
  }

  emit(command: CallCommand): void {
    this.#out.push(command);
  }
  signalling(command: SignallingCommand): void {
    this.#out.push({ port: 'signalling', command });
  }
  media(command: MediaCommand): void {
    this.#out.push({ port: 'media', command });
  }
  record(record: CallRecord): void {
    this.#out.push({ port: 'record', record });
  }
  event(name: string, detail: Readonly<Record<string, string | number | boolean | null>>): void {
    this.record({ kind: 'call.event', callId: this.callId, at: this.wallMs(), name, detail });
  }
  /** An input that does not fit the state: counted and recorded, never thrown. */
  impossible(what: string, detail: Readonly<Record<string, string | number | boolean | null>>): void {
    this.#badInputs += 1;
    // A peer that repeats itself must not flood the records.
    if (this.#badInputs <= 20) this.event('impossible_input', { what, ...detail });
  }

  /** The commands since the last call, in order. */
  takeCommands(): readonly CallCommand[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  nextLegId(): LegId {
    this.#lastLeg += 1;
    return `${this.callId}.${this.#lastLeg}`;
  }
  /** Keeps our numbering clear of a leg that the adapter numbered. */
  legIdTaken(legId: LegId): void {
    const number = Number(legId.slice(legId.lastIndexOf('.') + 1));
    if (Number.isInteger(number) && number > this.#lastLeg) this.#lastLeg = number;
  }
  nextRequestId(): string {
    this.#lastRequest += 1;
    return `${this.callId}.r${this.#lastRequest}`;
  }
}
