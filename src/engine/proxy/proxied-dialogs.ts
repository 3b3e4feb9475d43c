import { createHmac } from 'node:crypto';
import type { SipMessage, SipRequest, SipResponse } from '../../sip/message.js';
import { parseNameAddrList } from '../../sip/name-addr.js';
import { createResponse } from '../../sip/response.js';
import { serializeMessage } from '../../sip/serialize-message.js';
import { serverKey } from '../../sip/transaction/transaction-key.js';
import {
  responseDestination,
  type Destination,
  type Source,
  type TransportName,
} from '../../sip/transaction/transport.js';
import { buildVia, MAGIC_COOKIE, withReceived, type Via } from '../../sip/via.js';
import type { Core } from '../signalling/core.js';
import type { DialogControl } from '../signalling/dialog-control.js';
import { removeOwnRoutes, type IsOwn } from './own-route.js';

const MAX_DIALOGS = 200_000;
const BRANCH_MARK = `${MAGIC_COOKIE}.p.`;
const TRANSPORTS: ReadonlySet<string> = new Set(['udp', 'tcp', 'tls', 'ws', 'wss']);

/**
 * The requests within dialogs that the proxy has record-routed: forwarded without state (RFC 3261 16.11), so that
 * nothing remains of a call but its Call-ID. Others are not forwarded: this is no open relay.
 */
export class ProxiedDialogs {
  readonly #core: Core;
  readonly #control: DialogControl;
  readonly #isOwn: IsOwn;
  readonly #secret: string;
  /** Call-IDs in order of their last use; the oldest is forgotten at the bound. */
  readonly #callIds = new Set<string>();

  constructor(core: Core, control: DialogControl, isOwn: IsOwn) {
    this.#core = core;
    this.#control = control;
    this.#isOwn = isOwn;
    this.#secret = core.random.token(16);
  }

  get size(): number {
    return this.#callIds.size;
  }

  note(callId: string): void {
    this.#callIds.delete(callId);
    this.#callIds.add(callId);
    if (this.#callIds.size <= MAX_DIALOGS) return;
    for (const oldest of this.#callIds) {
      this.#callIds.delete(oldest);
      return;
    }
  }

  /** Forwards a message that is not for us but passes through. False when it is none of the proxy's business. */
  take(message: SipMessage, source: Source): boolean {
    if (this.#callIds.size === 0) return false;
    return message.kind === 'request' ? this.#request(message, source) : this.#response(message);
  }

  #request(original: SipRequest, source: Source): boolean {
    const callId = original.headers.callId();
    if (!this.#callIds.has(callId) || original.headers.toTag() === undefined) return false;
    const via = original.headers.topVia();
    // The ACK to a failure that we passed on ourselves belongs to the transaction.
    if (!via || this.#core.layer.stateOf(serverKey(original)) !== undefined) return false;
    const headers = original.headers.clone();
    if (!removeOwnRoutes(headers, this.#isOwn)) return false;
    headers.replaceFirst('via', withReceived(headers.get('via')!, via, source.address, source.port));
    const hops = Number(headers.get('max-forwards') ?? 70);
    const request: SipRequest = { ...original, headers };
    if (!(hops > 0)) {
      this.#refuse(request, source, 483);
      return true;
    }
    headers.set('Max-Forwards', String(hops - 1));
    if (request.method === 'BYE') this.note(callId);
    const route = headers.get('route');
    const hop = (route === undefined ? undefined : parseNameAddrList(route)?.[0]?.uri) ?? request.uri;
    this.#control.whenLocated(
      this.#core.locator.locate(hop, request),
      (destination) => {
        this.#send(request, destination, this.#branch(via));
      },
      () => {
        this.#refuse(request, source, 404);
      },
    );
    return true;
  }

  #send(request: SipRequest, destination: Destination, branch: string): void {
    const sentBy = this.#core.outbound.sentBy(destination);
    request.headers.prepend('Via', buildVia(destination.transport, sentBy, branch));
    this.#core.outbound.send(destination, serializeMessage(request), undefined, request);
  }

  /** RFC 3261 16.11: the same request gets the same branch each time, and its response proves that it was ours. */
  #branch(via: Via): string {
    const hash = createHmac('sha256', this.#secret)
      .update(`${via.sentBy}|${via.branch ?? ''}`)
      .digest('hex');
    return `${BRANCH_MARK}${hash.slice(0, 24)}`;
  }

  #response(response: SipResponse): boolean {
    const branch = response.headers.topVia()?.branch;
    if (branch?.startsWith(BRANCH_MARK) !== true) return false;
    const headers = response.headers.clone();
    headers.removeTopVia();
    const via = headers.topVia();
    if (!via || this.#branch(via) !== branch) return false;
    const transport = via.transport.toLowerCase();
    if (!TRANSPORTS.has(transport)) return false;
    const port = typeof via.rport === 'number' ? via.rport : (via.port ?? 5060);
    const to: Source = { transport: transport as TransportName, address: via.received ?? via.host, port };
    const passed = { ...response, headers };
    this.#core.outbound.send(responseDestination(via, to), serializeMessage(passed), undefined, passed);
    return true;
  }

  #refuse(request: SipRequest, source: Source, status: number): void {
    const via = request.headers.topVia();
    if (request.method === 'ACK' || !via) return;
    const response = createResponse(request, status, undefined, { toTag: this.#core.layer.newTag() });
    this.#core.outbound.send(
      responseDestination(via, source),
      serializeMessage(response),
      undefined,
      response,
    );
  }
}
