import type { CallHost } from '../call-host.js';
import type { Leg } from '../leg/leg.js';
import type { Pair } from './release-pair.js';

/** A peer that would not come back is asked again after so long. */
const AGAIN_MS = 2_000;
const MAX_REFUSALS = 3;
const TIMER = 'release.return';

/** Calls the audio of two parties back to us by re-INVITE, both at once. */
export class MediaReturn {
  readonly #host: CallHost;
  readonly #done: () => void;
  #legs: Leg[] = [];
  #cause = '';
  #sinceMs = 0;
  #running = false;
  /** One of them was away, so that there is something to tell of. */
  #away = false;
  readonly #refusals = new Map<Leg, number>();

  /** `done` once both send to us, or are no more. */
  constructor(host: CallHost, done: () => void) {
    this.#host = host;
    this.#done = done;
  }

  begin({ caller, agent }: Pair, cause: string): void {
    this.#running = true;
    this.#legs = [caller, agent];
    this.#cause = cause;
    this.#sinceMs = this.#host.context.now();
    this.#away = this.#legs.some((leg) => leg.media.resting || leg.media.direct);
    this.#refusals.clear();
    this.#again();
  }

  /** Looks who is back, and asks who is not. */
  review(): void {
    if (!this.#running) return;
    this.#legs = this.#legs.filter((leg) => this.#isAway(leg));
    for (const leg of [...this.#legs]) {
      // An offer that is out brings it back too, or tells where it stands.
      if (leg.offers.idle && !this.#refusals.has(leg)) this.#ask(leg);
    }
    if (this.#legs.length > 0) return;
    this.stop();
    const { context } = this.#host;
    if (this.#away) {
      const tookMs = Math.round(context.now() - this.#sinceMs);
      context.event('media_taken_back', { cause: this.#cause, tookMs });
    }
    this.#done();
  }

  stop(): void {
    this.#running = false;
    this.#host.context.timers.stop(TIMER);
  }

  /** Who is back hears us again at once. */
  #isAway(leg: Leg): boolean {
    if (!this.#concerns(leg)) return false;
    if (leg.media.direct) this.#away = true;
    if (leg.media.direct || leg.offers.directing) return true;
    leg.media.rest(false);
    return false;
  }

  /** It is there, and was not replaced by another one that has its part. */
  #concerns(leg: Leg): boolean {
    const { roles } = this.#host;
    return leg.up && (this.#host.transferInFlight() || roles.caller === leg || roles.agent === leg);
  }

  #ask(leg: Leg): void {
    this.#host.bridge.offerAnew(leg, (ok) => {
      if (ok || !this.#legs.includes(leg)) return;
      this.#refusals.set(leg, (this.#refusals.get(leg) ?? 0) + 1);
    });
  }

  /** Looks again after a while, also where an offer of another's making came to nothing. */
  #again(): void {
    this.#host.context.timers.start(TIMER, AGAIN_MS, () => {
      this.#again();
      for (const leg of [...this.#legs]) {
        const refusals = this.#refusals.get(leg);
        if (refusals === undefined || !this.#concerns(leg)) continue;
        if (refusals >= MAX_REFUSALS) this.#lose(leg);
        else if (leg.offers.idle && leg.media.direct) this.#ask(leg);
      }
      this.review();
    });
  }

  /** It can be heard no more: as with any leg whose media has failed. */
  #lose(leg: Leg): void {
    this.#legs = this.#legs.filter((other) => other !== leg);
    leg.media.rest(false);
    leg.handleMedia({ kind: 'mediaLost', legId: leg.legId, detail: 'the peer keeps another address' });
  }
}
