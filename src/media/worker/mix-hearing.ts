import type { PromptPlayer } from '../prompt/prompt-audio.js';
import { Mixer } from './mixer.js';

/** What a party heard before it hears a mix. */
export interface HeardBefore {
  readonly mix: MixHearing | null;
  /** The leg whose packets were relayed to it; null where it heard none. */
  readonly relayed: string | null;
  readonly filler: PromptPlayer;
  readonly fillUntilMs: number;
}

/**
 * A party hears several others mixed. The mix begins with the delay of its jitter buffers: until it has sound, what
 * was heard before goes on, so that nobody hears a hole where two become three.
 */
export class MixHearing {
  readonly kind = 'mix';
  readonly mixer: Mixer;
  readonly #before: HeardBefore;
  #live: boolean;

  constructor(legIds: readonly string[], before: HeardBefore) {
    this.mixer = new Mixer(legIds, before.mix?.mixer ?? null);
    this.#live = before.mix?.live === true;
    this.#before = before.mix !== null && !this.#live ? before.mix.#before : before;
  }

  /** The mix has had sound. */
  get live(): boolean {
    return this.#live;
  }

  /** The prompt that stands in for the mix. */
  get filler(): PromptPlayer {
    return this.#before.filler;
  }

  /** Are packets of this leg relayed one by one yet? */
  relays(legId: string): boolean {
    return !this.#live && this.#before.relayed === legId;
  }

  /** The mix has sound from now on. */
  begin(): void {
    this.#live = true;
  }

  /** What stands in while the mix has no sound; null where the leg heard before still has it. `silence` afterwards. */
  standIn(nowMs: number, relayedUntilMs: number, silence: PromptPlayer): PromptPlayer | null {
    if (this.#live || nowMs >= this.#before.fillUntilMs) return silence;
    if (this.#before.relayed !== null) return nowMs < relayedUntilMs ? null : silence;
    return this.#before.filler;
  }
}
