import type { CallHost } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { Target } from '../destinations/destination-directory.js';
import type { Leg } from '../leg/leg.js';
import type { EndedBy, TransferMethod, TransferMode } from '../vocabulary.js';
import type { Attempt } from './attempt.js';
import { Consultation } from './consultation.js';
import { completesByReplaces } from './method-choice.js';
import { ThreeWay } from './three-way.js';

/** What the steps of an attended transfer need of it. */
export interface AttendedPort {
  readonly mode: TransferMode;
  readonly method: TransferMethod;
  /** The bot (or the person) that talked to the caller; null where it is gone. */
  incumbent(): Leg | null;
  progress(progress: string, destination: string, detail: string): void;
  /** The three begin to talk, or become two. */
  talking(three: boolean): void;
  /** The person left the three. */
  personGone(detail: string): void;
  /** The hand-over by Replaces begins. */
  complete(target: Target, consultation: Consultation): void;
  /** The bridge joins caller and person. */
  join(leg: Leg, target: Target): void;
}

/** What lies between a person's taking the call and the joining: the three-way moment, and Replaces. */
export class AttendedSteps {
  readonly #host: CallHost;
  readonly #port: AttendedPort;
  readonly #threeWay: ThreeWay;
  #consultation: Consultation | null = null;
  #consulted: Target | null = null;

  constructor(host: CallHost, port: AttendedPort) {
    this.#host = host;
    this.#port = port;
    this.#threeWay = new ThreeWay(host, {
      progress: (progress, destination, detail) => port.progress(progress, destination, detail),
      over: (leg, target) => this.#part(leg, target),
      personGone: (detail) => port.personGone(detail),
    });
  }

  /** A consultation waits for its completion. */
  get consulting(): boolean {
    return this.#consultation !== null;
  }
  /** The three talk, or the completion is under way: nobody of them can be replaced. */
  get busy(): boolean {
    return this.consulting || this.#threeWay.talking;
  }
  keeps(leg: Leg): boolean {
    return this.#consultation?.leg === leg;
  }

  /** The person took the call: by its first dialog, or by the one that replaces it. */
  reached(attempt: Attempt, leg: Leg): void {
    const { target } = attempt;
    if (this.#consultation) {
      this.#port.join(leg, target);
      this.#consultation.replaced(this.#host.context.project.transfer.timers.byeGraceMs);
    } else if (this.#port.mode === 'attended' && this.#threeWay.begin(attempt, leg, this.#port.incumbent())) {
      this.#port.talking(true);
    } else {
      this.#complete(leg, target, false);
    }
  }

  /** The three part, if they talk: false where they do not. */
  part(why: string): boolean {
    return this.#threeWay.end(why);
  }

  /** The caller's side was handed over by REFER. */
  referred(graceMs: number): void {
    const { ending, roles } = this.#host;
    if (ending || !roles.caller?.up) this.#consultation?.release(reasonHeader(200, 'Replaced'));
    else this.#consultation?.replaced(graceMs);
  }

  /** The completion failed: where the person is still there the bridge joins it. False where it is gone. */
  fallBack(): boolean {
    const [consultation, target] = [this.#consultation, this.#consulted];
    if (!consultation?.leg.up || !target) return false;
    this.#consultation = null;
    this.#port.progress('accepted', target.destination, 'joined by the bridge after all');
    this.#port.join(consultation.leg, target);
    return true;
  }

  /** All is taken back: the person's leg, which the caller ends; null where nobody was reached. */
  leave(endedBy: EndedBy): Leg | null {
    const leg = this.#threeWay.stop(endedBy) ?? this.#consultation?.leave() ?? null;
    this.#consultation = null;
    return leg;
  }

  /** The three become two: the bot is not heard any more, and leaves once the two are joined for good. */
  #part(leg: Leg, target: Target): void {
    const bot = this.#port.incumbent();
    this.#port.talking(false);
    if (bot?.up) this.#host.bridge.play(bot, { kind: 'silence' });
    this.#complete(leg, target, true);
  }

  /** `talking`: caller and person hear each other already, and go on. */
  #complete(leg: Leg, target: Target, talking: boolean): void {
    const { mode, method } = this.#port;
    if (mode === 'attended' && completesByReplaces(this.#host, method, leg)) {
      this.#consulted = target;
      this.#consultation = new Consultation(this.#host, leg, talking);
      this.#port.complete(target, this.#consultation);
    } else {
      this.#port.join(leg, target);
    }
  }
}
