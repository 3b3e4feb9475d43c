import type { Leg } from './leg/leg.js';
import type { MediaDirection, MediaSource } from './media-port.js';
import type { LegId } from './signalling-port.js';

/** What a leg hears, and whether it is heard in return. */
export interface Place {
  readonly programme: Programme;
  readonly mutual: boolean;
}

type Programme =
  | { readonly kind: 'peer'; readonly peer: Leg }
  | { readonly kind: 'others'; readonly others: readonly Leg[] }
  | { readonly kind: 'fixed'; readonly source: MediaSource };

interface Listener {
  readonly leg: Leg;
  programme: Programme;
  sent: string | null;
  /** The direction that our last offer to this peer carried. */
  told: MediaDirection;
}

/** Who hears whom, and what a hold on one side means for the other. */
export class Bridge {
  readonly #listeners = new Map<LegId, Listener>();
  readonly #holdMusic: MediaSource;
  readonly #changed: () => void;

  /** `changed` is called whenever a leg is to hear something else. */
  constructor(holdMusic: MediaSource, changed: () => void = () => undefined) {
    this.#holdMusic = holdMusic;
    this.#changed = changed;
  }

  /** Joins two legs both ways; a hold in force on one side is told to the other. */
  connect(a: Leg, b: Leg): void {
    this.#set(a, { kind: 'peer', peer: b });
    this.#set(b, { kind: 'peer', peer: a });
    this.#tell(a, b, () => undefined);
    this.#tell(b, a, () => undefined);
  }

  /** Everybody hears all the others; whoever holds is left out, and the rest talk on. */
  meet(legs: readonly Leg[]): void {
    for (const leg of legs) this.#set(leg, { kind: 'others', others: legs.filter((one) => one !== leg) });
    for (const leg of legs) this.#direct(leg, 'sendrecv', () => undefined);
  }

  /** `leg` hears `peer`, one way (early media). */
  listen(leg: Leg, peer: Leg): void {
    this.#set(leg, { kind: 'peer', peer });
  }

  /** `leg` hears music, a prompt, ringback or nothing. */
  play(leg: Leg, source: MediaSource): void {
    this.#set(leg, { kind: 'fixed', source });
  }

  /** The place of a leg in the conversation, for one that is to replace it; null where it hears nothing yet. */
  placeOf(leg: Leg): Place | null {
    const programme = this.#listeners.get(leg.legId)?.programme;
    if (!programme) return null;
    const mutual = programme.kind === 'peer' && this.peerOf(programme.peer) === leg;
    return { programme, mutual };
  }

  /** `leg` takes a place that another one had. */
  takePlace(leg: Leg, place: Place): void {
    const { programme, mutual } = place;
    if (programme.kind === 'peer' && mutual && !programme.peer.gone) this.connect(leg, programme.peer);
    else this.#set(leg, programme);
  }

  /** The leg that `leg` hears, or null. */
  peerOf(leg: Leg): Leg | null {
    const programme = this.#listeners.get(leg.legId)?.programme;
    return programme?.kind === 'peer' ? programme.peer : null;
  }

  /** What direction to wish for towards `leg` when it makes an offer. */
  wish(leg: Leg): MediaDirection {
    const peer = this.peerOf(leg);
    return peer?.holding === true ? 'sendonly' : 'sendrecv';
  }

  /** Offers ourselves to `leg` anew, in the direction that things as they stand call for. */
  offerAnew(leg: Leg, done: (ok: boolean) => void): void {
    const direction = this.wish(leg);
    const listener = this.#listeners.get(leg.legId);
    if (listener) listener.told = direction;
    leg.offer(direction, done);
  }

  /** The direction of `leg` changed: whoever hears it is told. `done` comes once the other side agreed, or at once. */
  directionChanged(leg: Leg, done: () => void): void {
    for (const listener of this.#listeners.values()) this.#refresh(listener);
    const peer = this.peerOf(leg);
    if (peer && this.peerOf(peer) === leg) this.#tell(leg, peer, done);
    else done();
  }

  /** The leg is gone. Whoever heard it hears nothing until it is given something else: that is the owner's to do. */
  forget(leg: Leg): void {
    this.#listeners.delete(leg.legId);
    for (const listener of this.#listeners.values()) {
      const { programme } = listener;
      if (programme.kind === 'peer' && programme.peer === leg) {
        listener.programme = { kind: 'fixed', source: { kind: 'silence' } };
      } else if (programme.kind === 'others' && programme.others.includes(leg)) {
        // The others go on hearing each other.
        listener.programme = { kind: 'others', others: programme.others.filter((one) => one !== leg) };
        this.#refresh(listener);
      }
    }
  }

  dump(): object {
    return Object.fromEntries([...this.#listeners.values()].map((one) => [one.leg.legId, one.sent]));
  }

  #set(leg: Leg, programme: Programme): void {
    let listener = this.#listeners.get(leg.legId);
    if (listener) listener.programme = programme;
    else {
      listener = { leg, programme, sent: null, told: 'sendrecv' };
      this.#listeners.set(leg.legId, listener);
    }
    this.#refresh(listener);
    this.#changed();
  }

  #refresh(listener: Listener): void {
    const source = this.#sourceOf(listener);
    // A prompt starts anew each time that it is asked for.
    const mark = JSON.stringify(source);
    if (mark === listener.sent || !listener.leg.media.open) return;
    listener.sent = mark;
    listener.leg.media.hear(source);
  }

  #sourceOf(listener: Listener): MediaSource {
    const { programme, leg } = listener;
    if (programme.kind === 'fixed') return programme.source;
    const talking = programme.kind === 'peer' ? [programme.peer] : programme.others;
    const legIds = talking.filter((one) => !one.holding).map((one) => one.legId);
    if (legIds.length > 0)
      return programme.kind === 'peer' ? { kind: 'leg', legId: legIds[0]! } : { kind: 'mix', legIds };
    return leg.party === 'bot' ? { kind: 'silence' } : this.#holdMusic;
  }

  /** Offers `to` the direction that the state of `from` calls for, where it has another one now. */
  #tell(from: Leg, to: Leg, done: () => void): void {
    let direction: MediaDirection = 'sendrecv';
    if (from.holding)
      direction = to.party === 'bot' && from.media.agreed === 'inactive' ? 'inactive' : 'sendonly';
    this.#direct(to, direction, done);
  }

  #direct(to: Leg, direction: MediaDirection, done: () => void): void {
    const listener = this.#listeners.get(to.legId);
    if (!listener || !to.up || direction === listener.told) {
      done();
      return;
    }
    listener.told = direction;
    to.offer(direction, () => done());
  }
}
