/** Above so many SIP messages a second the tap is switched off, below the other bound on again. */
export interface TapBounds {
  readonly offAbove: number;
  readonly onBelow: number;
}

export const defaultTapBounds: TapBounds = { offAbove: 3000, onBelow: 1500 };

/**
 * Decides whether messages are traced. Tracing costs the engine a copy of each message, so under load calls
 * come first and ladders have gaps.
 */
export class TapGovernor {
  readonly #bounds: TapBounds;
  #last: { readonly messages: number; readonly atMs: number } | null = null;
  #on = true;

  constructor(bounds: TapBounds = defaultTapBounds) {
    this.#bounds = bounds;
  }

  get on(): boolean {
    return this.#on;
  }

  /** Takes the engine's count of messages so far, at a monotonic time. Returns the new state where it changes. */
  reading(messages: number, atMs: number): boolean | null {
    const last = this.#last;
    this.#last = { messages, atMs };
    if (!last || atMs <= last.atMs) return null;
    const perSecond = ((messages - last.messages) * 1000) / (atMs - last.atMs);
    const on = this.#on ? perSecond <= this.#bounds.offAbove : perSecond < this.#bounds.onBelow;
    if (on === this.#on) return null;
    this.#on = on;
    return on;
  }
}
