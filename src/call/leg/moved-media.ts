import type { CallContext } from '../call-context.js';
import type { LegId } from '../signalling-port.js';
import type { Party } from '../vocabulary.js';

/** A peer that knows the new ports and sends nothing for so long (it may mute silence) is reported without a figure. */
const RESUME_WITHIN_MS = 5_000;

export interface MovedMediaPort {
  readonly legId: LegId;
  readonly party: Party;
  /** Answered, and neither side has ended it. */
  up(): boolean;
  /** The peer is to send us audio as things stand. */
  heard(): boolean;
  /** Sends a re-INVITE with an offer of ours. */
  offer(done: (ok: boolean) => void): void;
  /** The peer will not have the new ports. */
  failed(detail: string): void;
}

type State =
  /** Nothing to do, or all done. */
  | { readonly kind: 'settled' }
  /** The dialog is not there yet: the peer is told as soon as it is. */
  | { readonly kind: 'due' }
  | { readonly kind: 'telling' }
  /** The peer knows; its first packet is awaited. */
  | { readonly kind: 'told' };

/** Tells a peer by re-INVITE that its media has other ports than before, and records how long it was not heard. */
export class MovedMedia {
  readonly #context: CallContext;
  readonly #port: MovedMediaPort;
  #state: State = { kind: 'settled' };
  /** Of the newest move; offers of moves before it mean nothing any more. */
  #moves = 0;
  #gapMs: number | null = null;
  #reported = false;

  constructor(context: CallContext, port: MovedMediaPort) {
    this.#context = context;
    this.#port = port;
  }

  /** The ports are others than the peer knows. */
  moved(): void {
    this.#stopWaiting();
    this.#moves++;
    this.#gapMs = null;
    this.#reported = false;
    this.#state = { kind: 'due' };
    this.answered();
  }

  /** The ports are others, and the peer does not send to them. */
  forgo(): void {
    this.close();
    this.#moves++;
    this.#reported = true;
  }

  /** The dialog stands. */
  answered(): void {
    if (this.#state.kind !== 'due' || !this.#port.up()) return;
    this.#state = { kind: 'telling' };
    const move = this.#moves;
    this.#port.offer((ok) => {
      if (move !== this.#moves || this.#state.kind !== 'telling') return;
      if (ok) this.#told();
      else this.#refused();
    });
  }

  /** The peer's first packet came to the new ports. */
  resumed(gapMs: number): void {
    this.#gapMs = gapMs;
    // A peer that made an offer meanwhile knows the ports from our answer.
    if (this.#state.kind === 'told' || (this.#state.kind === 'settled' && !this.#reported)) this.#report();
  }

  /** The leg has ended. */
  close(): void {
    this.#stopWaiting();
    this.#state = { kind: 'settled' };
  }

  #told(): void {
    this.#state = { kind: 'told' };
    if (this.#gapMs !== null || !this.#port.heard()) this.#report();
    else this.#context.timers.start(this.#timer, RESUME_WITHIN_MS, () => this.#report());
  }

  #refused(): void {
    this.#state = { kind: 'settled' };
    if (!this.#port.up()) return;
    const { legId: leg, party } = this.#port;
    this.#context.event('media_move_refused', { leg, party });
    this.#port.failed('the peer refused the new ports of its media');
  }

  #report(): void {
    this.#stopWaiting();
    this.#state = { kind: 'settled' };
    this.#reported = true;
    const { legId: leg, party } = this.#port;
    this.#context.event('media_moved', { leg, party, gapMs: this.#gapMs });
  }

  #stopWaiting(): void {
    this.#context.timers.stop(this.#timer);
  }

  get #timer(): string {
    return `moved.${this.#port.legId}`;
  }
}
