import { messageOf } from '../../common/errors.js';
import type { SipRequest } from '../../sip/message.js';
import { createResponse } from '../../sip/response.js';
import type { Source } from '../../sip/transaction/transport.js';
import type { ClientSession } from '../control/client-session.js';
import { askHandler, handlerFor, type HandlerDecision } from '../control/request-handler.js';
import type { RequestHandlerOptions } from '../engine-options.js';
import type { ProxyRequests } from '../proxy/proxy-requests.js';
import type { Core } from './core.js';

/** Connects to a listening application; resolves once it has authenticated. */
export type ConnectOut = (host: string, port: number, tls: boolean) => Promise<ClientSession>;

/** Puts new requests to the HTTP request handlers, which choose the application (drachtio's outbound connections). */
export class RequestDirector {
  readonly #core: Core;
  readonly #handlers: readonly RequestHandlerOptions[];
  readonly #connect: ConnectOut;
  readonly #proxies: ProxyRequests;
  /** Requests whose handler has not answered yet; a CANCEL takes theirs out. */
  readonly #waiting = new Map<string, SipRequest>();

  constructor(
    core: Core,
    handlers: readonly RequestHandlerOptions[],
    connect: ConnectOut,
    proxies: ProxyRequests,
  ) {
    this.#core = core;
    this.#handlers = handlers;
    this.#connect = connect;
    this.#proxies = proxies;
  }

  /** Whether a handler takes the request; `handUp` is called when it chooses an application. */
  take(
    request: SipRequest,
    key: string,
    source: Source,
    handUp: (session: ClientSession, raw: Buffer) => void,
  ): boolean {
    const handler = handlerFor(this.#handlers, request.method);
    if (!handler) return false;
    this.#waiting.set(key, request);
    const raw = this.#core.rawOf(request);
    this.#decide(handler, request, key, source, (session) => {
      handUp(session, raw);
    }).catch((error: unknown) => {
      this.#core.log.warn({ cause: messageOf(error), url: handler.url }, 'request handler failed');
      this.#answer(key, request, 503);
    });
    return true;
  }

  /** The caller cancelled while the handler was thinking. False when it was not. */
  cancel(key: string): boolean {
    const request = this.#waiting.get(key);
    if (!request) return false;
    this.#answer(key, request, 487);
    return true;
  }

  async #decide(
    handler: RequestHandlerOptions,
    request: SipRequest,
    key: string,
    source: Source,
    handUp: (session: ClientSession) => void,
  ): Promise<void> {
    const decision = await askHandler(handler, request, source);
    const session =
      decision.action === 'connect'
        ? await this.#connect(decision.host, decision.port, decision.tls)
        : undefined;
    if (!this.#waiting.has(key)) return;
    this.#follow(decision, session, request, key, source, handUp);
  }

  #follow(
    decision: HandlerDecision,
    connected: ClientSession | undefined,
    request: SipRequest,
    key: string,
    source: Source,
    handUp: (session: ClientSession) => void,
  ): void {
    switch (decision.action) {
      case 'connect':
      case 'tag': {
        const session =
          decision.action === 'tag' ? this.#core.pickClient(request.method, decision.tag) : connected;
        if (!session) {
          this.#answer(key, request, 503);
          return;
        }
        this.#waiting.delete(key);
        handUp(session);
        return;
      }
      case 'reject':
        this.#answer(key, request, decision.status, decision.reason);
        return;
      case 'redirect':
        this.#answer(
          key,
          request,
          302,
          undefined,
          decision.contacts.map((contact) => ['Contact', `<${contact}>`] as const),
        );
        return;
      case 'proxy':
        this.#waiting.delete(key);
        this.#proxies.start(key, request, source, decision.options, undefined, {
          response: () => undefined,
          done: () => undefined,
        });
    }
  }

  #answer(
    key: string,
    request: SipRequest,
    status: number,
    reason?: string,
    headers: readonly (readonly [string, string])[] = [],
  ): void {
    if (!this.#waiting.delete(key)) return;
    const toTag = this.#core.layer.toTag(key);
    this.#core.layer.respond(key, createResponse(request, status, reason, { toTag, headers }));
  }
}
