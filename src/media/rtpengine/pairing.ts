import type { MediaSource } from '../../call/media-port.js';
import type { Prompt } from './prompt-source.js';

/** What a leg is to hear, as the call machine has asked. */
export interface Wish {
  readonly legId: string;
  readonly source: MediaSource;
  /** Its stream is agreed on: it can be joined. */
  readonly ready: boolean;
}

/** What rtpengine is to do with a leg. */
export interface Place {
  /** The leg whose audio it is exchanged with; null where it is alone. */
  readonly partner: string | null;
  /** Nobody hears it: its packets stop at rtpengine. */
  readonly blocked: boolean;
  /** What is played to it; null where it hears its partner. */
  readonly prompt: Prompt | null;
}

const SILENCE: Prompt = { kind: 'silence' };

/**
 * Turns who-hears-whom into the pairs that rtpengine knows. A leg has one partner: those who hear each other come
 * first, then whoever hears one way. A wish that finds its partner taken is answered by silence, and named in
 * `unserved`; so are a mix and a tap, which rtpengine has not.
 */
export function placesOf(wishes: readonly Wish[]): {
  readonly places: ReadonlyMap<string, Place>;
  readonly unserved: readonly string[];
} {
  const ready = new Map(wishes.filter((wish) => wish.ready).map((wish) => [wish.legId, wish]));
  const heardBy = (wish: Wish): string | null =>
    wish.source.kind === 'leg' && ready.has(wish.source.legId) ? wish.source.legId : null;
  const partners = new Map<string, string>();
  const pair = (one: string, other: string): void => {
    if (one === other || partners.has(one) || partners.has(other)) return;
    partners.set(one, other);
    partners.set(other, one);
  };
  for (const wish of ready.values()) {
    const heard = heardBy(wish);
    if (heard !== null && heardBy(ready.get(heard)!) === wish.legId) pair(wish.legId, heard);
  }
  for (const wish of ready.values()) {
    const heard = heardBy(wish);
    if (heard !== null) pair(wish.legId, heard);
  }
  const places = new Map<string, Place>();
  const unserved: string[] = [];
  const hears = (legId: string, other: string | undefined): boolean =>
    other !== undefined && heardBy(ready.get(legId)!) === other;
  for (const { legId, source } of ready.values()) {
    const partner = partners.get(legId);
    const served = hears(legId, partner);
    const mixed = source.kind === 'mix' || source.kind === 'tap';
    if (!served && (mixed || heardBy(ready.get(legId)!) !== null)) unserved.push(legId);
    const prompt = source.kind === 'leg' || mixed ? SILENCE : source;
    places.set(legId, {
      partner: partner ?? null,
      blocked: partner === undefined || !hears(partner, legId),
      prompt: served ? null : prompt,
    });
  }
  return { places, unserved };
}
