import type { Random } from '../common/random.js';
import type { StreamSsrcs } from './worker-messages.js';

/**
 * Draws the SSRCs of one leg's streams, never one twice. The key of our side outlives a media worker, and the sequence
 * numbers that a lost one has used are not known: only another SSRC gives another keystream (RFC 3711 9.1).
 */
export class SsrcDraw {
  readonly #random: Random;
  readonly #used = new Set<number>();

  constructor(random: Random) {
    this.#random = random;
  }

  readonly next = (): StreamSsrcs => ({ narrow: this.#draw(), wide: this.#draw() });

  #draw(): number {
    let ssrc = Math.floor(this.#random.fraction() * 2 ** 32) >>> 0;
    while (this.#used.has(ssrc)) ssrc = (ssrc + 1) >>> 0;
    this.#used.add(ssrc);
    return ssrc;
  }
}
