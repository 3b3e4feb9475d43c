import type { CallHost } from '../call-host.js';
import type { Target } from '../destinations/destination-directory.js';
import type { InDialogRequest, LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import type { MediaDirection } from '../media-port.js';
import type { EndedBy } from '../vocabulary.js';
import type { Attempt } from './attempt.js';

const BOUND = 'transfer.three_way';

/** What the transfer is told of its three-way moment. Each comes at most once, and not after `stop`. */
export interface ThreeWayPort {
  progress(progress: string, destination: string, detail: string): void;
  /** It is over: the bot leaves, the caller and the person are left to be joined for good. */
  over(leg: Leg, target: Target): void;
  /** The person left: the caller is with the bot again. */
  personGone(detail: string): void;
}

/**
 * The moment in which caller, bot and person hear each other, between the person's taking the call and the bot's
 * leaving: `new`, then `talking`, then `over`. Listens to the person's leg; the two others keep their owners.
 */
export class ThreeWay implements LegOwner {
  readonly #host: CallHost;
  readonly #port: ThreeWayPort;
  #stage: 'new' | 'talking' | 'over' = 'new';
  #attempt: Attempt | null = null;
  #leg: Leg | null = null;

  constructor(host: CallHost, port: ThreeWayPort) {
    this.#host = host;
    this.#port = port;
  }

  get talking(): boolean {
    return this.#stage === 'talking';
  }

  /** Begins where the project wants it and all three are there; false where there is nothing to wait for. */
  begin(attempt: Attempt, leg: Leg, bot: Leg | null): boolean {
    const { bridge, context, roles } = this.#host;
    const { threeWay } = context.project.transfer;
    const { caller } = roles;
    if (threeWay === null || this.#stage !== 'new') return false;
    if (!caller?.up || !leg.up || !bot?.up || bot !== roles.bot) return false;
    this.#stage = 'talking';
    this.#attempt = attempt;
    this.#leg = leg;
    leg.adopt(this);
    bridge.meet([caller, bot, leg]);
    context.timers.start(BOUND, threeWay.durationMs, () => this.end('the time for three is over'));
    this.#port.progress('three_way', attempt.target.destination, `at most ${threeWay.durationMs} ms`);
    return true;
  }

  /** The bot or the person has said enough, or the bot is gone; false where the three do not talk. */
  end(why: string): boolean {
    const [leg, attempt] = [this.#leg, this.#attempt];
    if (!leg || !attempt || !this.#finish()) return false;
    this.#port.progress('three_way_over', attempt.target.destination, why);
    this.#port.over(leg, attempt.target);
    return true;
  }

  /** The person's leg where the three are taken apart from outside: its end is the caller's to see to. */
  stop(endedBy: EndedBy): Leg | null {
    if (!this.#finish()) return null;
    this.#attempt?.log.ended(endedBy);
    return this.#leg;
  }

  legProgress(): void {
    // The leg is answered.
  }
  legAnswered(): void {
    // The leg is answered.
  }
  legFailed(leg: Leg, failure: LegFailure): void {
    this.legEnded(leg, { how: 'lost', headers: {}, detail: failure.reason });
  }
  legEnded(_leg: Leg, end: LegEnd): void {
    if (!this.#finish() || !this.#attempt) return;
    const { log, target } = this.#attempt;
    log.ended('agent');
    this.#port.personGone(`${target.destination} left the caller with the bot (${end.detail})`);
  }
  legRequest(leg: Leg, request: InDialogRequest): void {
    if (request.method === 'NOTIFY') this.#host.notify(leg, request);
    else leg.respond(request.requestId, request.method === 'REFER' ? 603 : 480);
  }
  legDigit(_leg: Leg, digit: string): void {
    if (digit === this.#host.context.project.transfer.threeWay?.digit) this.end(`digit ${digit}`);
  }
  legDirection(leg: Leg, _direction: MediaDirection, done: () => void): void {
    this.#host.bridge.directionChanged(leg, done);
  }
  legSilent(): void {
    // Not watched.
  }
  legPlayed(): void {
    // The brief is over.
  }

  #finish(): boolean {
    if (this.#stage !== 'talking') return false;
    this.#stage = 'over';
    this.#host.context.timers.stop(BOUND);
    return true;
  }
}
