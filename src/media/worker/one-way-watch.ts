/** Audio in one direction alone for so long is told of, where nothing else is configured. */
const ONE_WAY_AFTER_MS = 10_000;
/** A direction goes on while its last packet is no older. */
const FLOWING_MS = 2_000;

export type Missing = 'received' | 'sent';

/**
 * Notices that audio goes one way only though both were agreed: to the party and not from it, or the reverse. Says so
 * once, and again only after both ways were there. A leg on which nothing goes at all is not its affair.
 */
export class OneWayWatch {
  /** Since when both ways are agreed; null while they are not. */
  #sinceMs: number | null = null;
  #told = false;
  readonly #afterMs: number;

  /** `afterMs` lies beyond 2 s, within which a direction counts as going on. */
  constructor(afterMs = ONE_WAY_AFTER_MS) {
    this.#afterMs = afterMs;
  }

  /** `agreed`: sendrecv, and both sides know where to send. */
  setAgreed(agreed: boolean, nowMs: number): void {
    if (agreed === (this.#sinceMs !== null)) return;
    this.#sinceMs = agreed ? nowMs : null;
    this.#told = false;
  }

  /** Looks anew from now on. */
  restart(nowMs: number): void {
    if (this.#sinceMs !== null) this.#sinceMs = nowMs;
    this.#told = false;
  }

  /** What has been missing for too long, and since when; null where there is nothing new to tell. */
  check(
    nowMs: number,
    lastSentMs: number,
    lastReceivedMs: number,
  ): { readonly missing: Missing; readonly forMs: number } | null {
    if (this.#sinceMs === null) return null;
    const sentAgoMs = nowMs - Math.max(lastSentMs, this.#sinceMs);
    const receivedAgoMs = nowMs - Math.max(lastReceivedMs, this.#sinceMs);
    if (sentAgoMs < FLOWING_MS && receivedAgoMs < FLOWING_MS) this.#told = false;
    if (this.#told) return null;
    if (receivedAgoMs >= this.#afterMs && nowMs - lastSentMs < FLOWING_MS)
      return this.#tell('received', receivedAgoMs);
    if (sentAgoMs >= this.#afterMs && nowMs - lastReceivedMs < FLOWING_MS)
      return this.#tell('sent', sentAgoMs);
    return null;
  }

  #tell(missing: Missing, forMs: number): { readonly missing: Missing; readonly forMs: number } {
    this.#told = true;
    return { missing, forMs: Math.round(forMs) };
  }
}
