import type { Bridge } from '../bridge.js';
import type { CallContext } from '../call-context.js';
import type { LegView } from '../call-record.js';
import type { MediaProfile } from '../leg/leg-media.js';
import { Leg, type LegOwner } from '../leg/leg.js';
import type { LegFigures } from '../media-port.js';
import type { DialogName, LegId } from '../signalling-port.js';
import type { Party } from '../vocabulary.js';

/** All legs of one call, those that are gone included: their figures belong to the call's record. */
export class LegSet {
  readonly #context: CallContext;
  readonly #bridge: Bridge;
  readonly #onGone: () => void;
  readonly #exchanged: () => void;
  readonly #legs = new Map<LegId, Leg>();
  readonly #whenGone = new Map<LegId, (() => void)[]>();

  /** `onGone` runs after nothing is left of a leg's dialog, `exchanged` after each exchange of SDP on any of them. */
  constructor(context: CallContext, bridge: Bridge, onGone: () => void, exchanged: () => void) {
    this.#exchanged = exchanged;
    this.#context = context;
    this.#bridge = bridge;
    this.#onGone = onGone;
  }

  add(legId: LegId, party: Party, remote: string, profile: MediaProfile, owner: LegOwner): Leg {
    const leg = new Leg(
      this.#context,
      { legId, party, remote, profile, exchanged: this.#exchanged },
      owner,
      (gone) => this.#gone(gone),
    );
    leg.wishDirection(() => this.#bridge.wish(leg));
    this.#legs.set(legId, leg);
    return leg;
  }

  get(legId: LegId): Leg | undefined {
    return this.#legs.get(legId);
  }

  all(): IterableIterator<Leg> {
    return this.#legs.values();
  }

  /** The leg of ours whose dialog the peer names so (RFC 3891 3: to-tag is our tag), if it lives. */
  named(dialog: Pick<DialogName, 'sipCallId' | 'localTag' | 'remoteTag'>): Leg | null {
    for (const leg of this.#legs.values()) {
      const own = leg.dialog;
      if (!own || leg.gone || own.sipCallId !== dialog.sipCallId) continue;
      if (own.localTag === dialog.localTag && own.remoteTag === dialog.remoteTag) return leg;
    }
    return null;
  }

  /** The legs that are not gone. */
  views(): readonly LegView[] {
    return [...this.#legs.values()].filter((leg) => !leg.gone).map((leg) => leg.view());
  }

  dump(): readonly object[] {
    return [...this.#legs.values()].map((leg) => leg.dump());
  }

  stats(): Readonly<Record<string, LegFigures>> {
    const media: Record<string, LegFigures> = {};
    for (const leg of this.#legs.values()) {
      if (leg.media.stats) media[leg.legId] = { party: leg.party, ...leg.media.stats };
    }
    return media;
  }

  /** Runs once when nothing of the leg's dialog is left. */
  whenGone(leg: Leg, run: () => void): void {
    const waiting = this.#whenGone.get(leg.legId) ?? [];
    this.#whenGone.set(leg.legId, [...waiting, run]);
  }

  /** Frees what the ports hold, whatever the legs think. */
  drop(): void {
    for (const { legId, gone } of this.#legs.values()) {
      if (!gone) this.#context.signalling({ kind: 'bye', legId, headers: {} });
      this.#context.media({ kind: 'close', legId });
    }
  }

  /** The ports are silent for good. */
  forgetAll(): void {
    for (const leg of this.#legs.values()) {
      leg.forget();
      this.#gone(leg);
    }
  }

  #gone(leg: Leg): void {
    if (!leg.gone) return;
    this.#bridge.forget(leg);
    const waiting = this.#whenGone.get(leg.legId) ?? [];
    this.#whenGone.delete(leg.legId);
    for (const run of waiting) run();
    this.#onGone();
  }
}
