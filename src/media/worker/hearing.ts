import type { PromptPlayer } from '../prompt/prompt-audio.js';
import type { MixHearing } from './mix-hearing.js';
import type { Mixer } from './mixer.js';

/** What a party hears now. */
export type Hearing =
  | { readonly kind: 'nothing' }
  | MixHearing
  | { readonly kind: 'prompt'; readonly player: PromptPlayer; readonly onEnd: (() => void) | null }
  /** `live` names the other leg once a packet of it came; until then the rest of a mix and the filler are heard. */
  | {
      readonly kind: 'leg';
      live: string | null;
      readonly rest: Mixer | null;
      readonly filler: PromptPlayer;
      readonly fillUntilMs: number;
      /** Until then no silence is made: most parties speak at once. */
      readonly silentUntilMs: number;
    };

/** A leg that has fallen silent: silence is made from now on, until it speaks again. */
export function silentLeg(silence: PromptPlayer, nowMs: number): Hearing {
  return { kind: 'leg', live: null, rest: null, filler: silence, fillUntilMs: nowMs, silentUntilMs: nowMs };
}
