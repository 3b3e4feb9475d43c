import type { ClientSession } from '../control/client-session.js';
import type { ControlServerUser, SipControlRequest } from '../control/control-server.js';
import type { ProxyRequests } from '../proxy/proxy-requests.js';
import { parseApplicationMessage } from './application-message.js';
import type { ApplicationResponses } from './application-responses.js';
import type { Core } from './core.js';
import type { IncomingRequests } from './incoming-requests.js';
import type { OutgoingRequests } from './outgoing-requests.js';

type ProxyControl = Extract<SipControlRequest, { type: 'proxy' }>;

/** Takes the SIP messages of applications to where they are sent from. */
export class ApplicationRouter implements ControlServerUser {
  readonly #core: Core;
  readonly #incoming: IncomingRequests;
  readonly #outgoing: OutgoingRequests;
  readonly #responses: ApplicationResponses;
  readonly #proxies: ProxyRequests;

  constructor(
    core: Core,
    incoming: IncomingRequests,
    outgoing: OutgoingRequests,
    responses: ApplicationResponses,
    proxies: ProxyRequests,
  ) {
    this.#proxies = proxies;
    this.#core = core;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#responses = responses;
  }

  onSip(session: ClientSession, control: SipControlRequest): void {
    if (control.type === 'proxy') {
      this.#proxy(session, control);
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

  #proxy(session: ClientSession, control: ProxyControl): void {
    const incoming = this.#incoming.get(control.transactionId);
    if (!incoming || incoming.dialog || control.options.destinations.length === 0) {
      const text = incoming ? 'invalid proxy request' : 'Response not sent due to unknown transaction';
      session.respond(control.id, 'NOK', text);
      return;
    }
    const message = parseApplicationMessage(control.sip);
    // From here on the proxy answers: the application is out of it but for the report.
    this.#incoming.forget(incoming);
    this.#proxies.start(
      incoming.key,
      incoming.request,
      incoming.source,
      control.options,
      message.kind === 'request' ? message.headers : undefined,
      {
        response: (rest, sip) => {
          session.respond(control.id, 'OK', rest, sip);
        },
        done: () => {
          session.respond(control.id, 'OK', 'done');
        },
      },
    );
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
