const DAY_MS = 86_400_000;
const WINDOW_MS = 60_000;
/** A caller whose INVITE waited this long is better off with another node. */
export const OVERLOADED_MS = 500;

/**
 * Tells how long a request waited between the SIP server and this thread, from the time of day that the server
 * puts on it. Clocks and time zones may differ: the shortest way seen in the last one or two minutes counts as
 * no waiting.
 */
export class QueueWatch {
  #windowStartMs = 0;
  #shortest: number | null = null;
  #shortestBefore: number | null = null;

  /** Milliseconds of waiting; 0 where `stamp` is no `HH:MM:SS.micros`. `wallMs` is Unix time. */
  waitedMs(stamp: string | undefined, wallMs: number): number {
    const found = /^(\d\d):(\d\d):(\d\d)\.(\d+)$/.exec(stamp ?? '');
    if (!found) return 0;
    const [, hours, minutes, seconds, fraction] = found;
    const sentMs =
      (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 +
      Number(`0.${fraction!}`) * 1000;
    const way = (((wallMs - sentMs) % DAY_MS) + DAY_MS) % DAY_MS;
    if (this.#shortest === null || wallMs - this.#windowStartMs > WINDOW_MS) {
      this.#shortestBefore = wallMs - this.#windowStartMs > 2 * WINDOW_MS ? null : this.#shortest;
      this.#shortest = way;
      this.#windowStartMs = wallMs;
    }
    this.#shortest = nearer(this.#shortest, way);
    const least =
      this.#shortestBefore === null ? this.#shortest : nearer(this.#shortestBefore, this.#shortest);
    return difference(way, least);
  }
}

/** `one` - `other` on the circle of a day, in (-12 h, 12 h]. */
function difference(one: number, other: number): number {
  const raw = (((one - other) % DAY_MS) + DAY_MS) % DAY_MS;
  return raw > DAY_MS / 2 ? raw - DAY_MS : raw;
}

const nearer = (one: number, other: number): number => (difference(one, other) <= 0 ? one : other);
