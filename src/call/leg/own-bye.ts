import type { CallContext } from '../call-context.js';
import type { LegId, SignallingCommand } from '../signalling-port.js';
import type { SipHeaders } from '../vocabulary.js';
import type { LegTrigger } from './leg-state.js';

/** RFC 3261 13.3.1.4: after this the stack gives up waiting for the ACK. */
const ACK_GIVES_UP_MS = 32_000;

export interface OwnByePort {
  readonly context: CallContext;
  readonly legId: LegId;
  move(trigger: LegTrigger): boolean;
  send(command: SignallingCommand): void;
}

/** The BYE of ours that ends a leg: at once, or where we answered the INVITE once its ACK is here (RFC 3261 15). */
export class OwnBye {
  readonly #port: OwnByePort;
  #headers: SipHeaders = {};

  constructor(port: OwnByePort) {
    this.#port = port;
  }

  /** What the BYE will say. */
  get headers(): SipHeaders {
    return this.#headers;
  }
  willSay(headers: SipHeaders): void {
    this.#headers = headers;
  }

  /** Sends it, or waits with it where the ACK is awaited. */
  send(awaitsAck: boolean): void {
    const { context, legId } = this.#port;
    if (awaitsAck) {
      this.#port.move('byeLater');
      context.timers.start(this.#timer, ACK_GIVES_UP_MS, () => this.sendNow());
      return;
    }
    this.#port.move('bye');
    this.#port.send({ kind: 'bye', legId, headers: this.#headers });
  }

  /** The ACK is here, or will never be. */
  sendNow(): void {
    this.stop();
    if (this.#port.move('confirmed'))
      this.#port.send({ kind: 'bye', legId: this.#port.legId, headers: this.#headers });
  }

  /** The leg is over. */
  stop(): void {
    this.#port.context.timers.stop(this.#timer);
  }

  get #timer(): string {
    return `hang.${this.#port.legId}`;
  }
}
