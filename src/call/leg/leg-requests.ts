import type { CallContext } from '../call-context.js';
import type { InDialogMethod, LegId, SignallingCommand, SignallingEvent } from '../signalling-port.js';
import type { SipHeaders } from '../vocabulary.js';
import type { InDialogResponse } from './in-dialog.js';
import type { Dial } from './leg-orders.js';

const NO_DIALOG: InDialogResponse = {
  status: 481,
  reason: 'Call/Transaction Does Not Exist',
  headers: {},
  body: null,
};

/** What a request of ours carries. */
export interface RequestContent {
  readonly headers?: SipHeaders;
  readonly body?: string | null;
  readonly contentType?: string | null;
  readonly auth?: Dial['auth'];
}

/** Our requests inside one dialog: each gets exactly one final response, 481 where the leg ends first. */
export class LegRequests {
  readonly #send: (command: SignallingCommand) => void;
  readonly #context: CallContext;
  readonly #legId: LegId;
  readonly #open = new Map<string, { method: InDialogMethod; done: (response: InDialogResponse) => void }>();

  constructor(send: (command: SignallingCommand) => void, context: CallContext, legId: LegId) {
    this.#send = send;
    this.#context = context;
    this.#legId = legId;
  }

  send(method: InDialogMethod, content: RequestContent, done: (response: InDialogResponse) => void): void {
    const requestId = this.#context.nextRequestId();
    this.#open.set(requestId, { method, done });
    const { headers = {}, body = null, contentType = null, auth = null } = content;
    this.#send({
      kind: 'request',
      legId: this.#legId,
      requestId,
      method,
      headers,
      body,
      contentType,
      auth,
    });
  }

  /** No dialog to send it in. */
  refuse(done: (response: InDialogResponse) => void): void {
    done(NO_DIALOG);
  }

  /** Takes a final response. `dialog gone`: RFC 5057 5.1 has 481 and 408 say so; REFER finds out by itself. */
  answered(event: Extract<SignallingEvent, { kind: 'response' }>): 'unknown' | 'dialog gone' | 'fine' {
    const waiting = this.#open.get(event.requestId);
    if (!waiting) return 'unknown';
    this.#open.delete(event.requestId);
    const { status, reason, headers, body } = event;
    waiting.done({ status, reason, headers, body });
    const telling = ['INFO', 'OPTIONS', 'UPDATE'].includes(waiting.method);
    return telling && (status === 481 || status === 408) ? 'dialog gone' : 'fine';
  }

  /** Answers a request of the peer. */
  respond(
    requestId: string,
    status: number,
    more: Partial<InDialogResponse>,
    contentType = 'application/sdp',
  ): void {
    const { reason = null, headers = {}, body = null } = more;
    const type = body === null ? null : contentType;
    const answer = { requestId, status, reason, headers, body, contentType: type };
    this.#send({ kind: 'respond', legId: this.#legId, ...answer });
  }

  /** The leg ended: whoever waits is told. */
  close(): void {
    const waiting = [...this.#open.values()];
    this.#open.clear();
    for (const { done } of waiting) done(NO_DIALOG);
  }
}
