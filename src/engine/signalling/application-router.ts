import type { ClientSession } from '../control/client-session.js';
import type { ControlServerUser, SipControlRequest } from '../control/control-server.js';
import { parseApplicationMessage } from './application-message.js';
import type { ApplicationResponses } from './application-responses.js';
import type { Core } from './core.js';
import type { IncomingRequests } from './incoming-requests.js';
import type { OutgoingRequests } from './outgoing-requests.js';

/** Takes the SIP messages of applications to where they are sent from. */
export class ApplicationRouter implements ControlServerUser {
  readonly #core: Core;
  readonly #incoming: IncomingRequests;
  readonly #outgoing: OutgoingRequests;
  readonly #responses: ApplicationResponses;

  constructor(
    core: Core,
    incoming: IncomingRequests,
    outgoing: OutgoingRequests,
    responses: ApplicationResponses,
  ) {
    this.#core = core;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#responses = responses;
  }

  onSip(session: ClientSession, control: SipControlRequest): void {
    if (control.type === 'proxy') {
      session.respond(control.id, 'NOK', 'proxying is not supported by the embedded engine');
      return;
    }
    const message = parseApplicationMessage(control.sip);
    switch (message.kind) {
      case 'invalid':
        session.respond(control.id, 'NOK', `invalid request-uri: ${message.startLine}`);
        return;
      case 'response':
        this.#responses.send(session, control, message);
        return;
      case 'request':
        this.#outgoing.send(session, control, message);
    }
  }

  onClientGone(session: ClientSession): void {
    this.#incoming.onClientGone(session);
    this.#outgoing.onClientGone(session);
  }

  hostPorts(): { advertised: string; local: string } {
    const { listeners } = this.#core.transports;
    return {
      advertised: listeners.map((listener) => `${listener.transport}/${listener.hostPort}`).join(','),
      local: listeners
        .map((listener) => `${listener.transport}/${listener.address}:${listener.port}`)
        .join(','),
    };
  }
}
