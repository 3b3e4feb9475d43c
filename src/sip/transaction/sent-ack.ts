/** A 2xx as the sender of the INVITE sees it. */
export type SuccessSeen =
  /** The first: the user is told, and will ACK. */
  | 'first'
  /** A repetition of one that was acknowledged: the ACK was sent again. */
  | 'acknowledged-again'
  /** A repetition before the user has sent its ACK: nothing to do. */
  | 'awaiting-ack';

/**
 * Remembers the ACK to a 2xx of one INVITE in one dialog, for as long as the INVITE's client transaction lives,
 * and repeats it when the 2xx is repeated (RFC 3261 13.2.2.4). `send` sends the remembered bytes.
 */
export class SentAck {
  #seen = false;
  #send: (() => void) | undefined;

  /** A 2xx arrived. */
  onSuccess(): SuccessSeen {
    if (!this.#seen) {
      this.#seen = true;
      return 'first';
    }
    if (!this.#send) return 'awaiting-ack';
    this.#send();
    return 'acknowledged-again';
  }

  /** The ACK was sent; `resend` sends the same again. */
  acknowledged(resend: () => void): void {
    this.#send = resend;
  }
}
