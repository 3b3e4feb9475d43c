import type { InDialogRequest } from './in-dialog.js';
import type { LegState } from './leg-state.js';
import { ABILITIES, whoseRequest } from './request-routing.js';

export interface PeerRequestsPort {
  state(): LegState;
  respond(requestId: string, status: number, headers?: typeof ABILITIES): void;
  /** re-INVITE and UPDATE. */
  negotiate(request: InDialogRequest): void;
  /** What the owner of the leg decides. */
  tell(request: InDialogRequest): void;
  /** The digit that an INFO brings; null where it brings none. */
  digitOf(request: InDialogRequest): string | null;
  digit(digit: string): void;
}

/** Where requests of the peer inside the dialog go: to the negotiation, to the owner, or answered here. */
export class PeerRequests {
  readonly #port: PeerRequestsPort;

  constructor(port: PeerRequestsPort) {
    this.#port = port;
  }

  take(request: InDialogRequest): void {
    const inDialog = ['established', 'early', 'offered'].includes(this.#port.state());
    switch (whoseRequest(request, inDialog)) {
      case 'nobody':
        this.#port.respond(request.requestId, 481);
        return;
      case 'negotiation':
        this.#port.negotiate(request);
        return;
      case 'stack':
        this.#port.respond(request.requestId, 200, ABILITIES);
        return;
      case 'owner':
        this.#own(request);
    }
  }

  #own(request: InDialogRequest): void {
    const digit = this.#port.digitOf(request);
    if (digit === null) {
      this.#port.tell(request);
      return;
    }
    this.#port.respond(request.requestId, 200);
    this.#port.digit(digit);
  }
}
