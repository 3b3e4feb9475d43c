import { canonicalHeaderName } from '../../sip/header-name.js';
import type { HeaderList, SipMessage, SipRequest, SipResponse } from '../../sip/message.js';
import { serializeMessage } from '../../sip/serialize-message.js';
import type { Source } from '../../sip/transaction/transport.js';
import { rejectionReason } from '../signalling/cdr-reports.js';
import type { Core } from '../signalling/core.js';
import type { DialogControl } from '../signalling/dialog-control.js';
import { removeOwnRoutes } from './own-route.js';
import { ProxiedCall } from './proxied-call.js';
import { ProxiedDialogs } from './proxied-dialogs.js';
import type { ProxyOptions } from './proxy-options.js';

/** Who hears of the outcome of a proxied request. */
export interface ProxyReport {
  /** A final response of a target, as `OK|…|continue`; only where all responses are wanted. */
  response(rest: string, sip: Buffer): void;
  done(): void;
}

/** What the application's message may not change in the request that is passed on. */
const KEPT = new Set([
  ...['via', 'from', 'to', 'call-id', 'cseq', 'contact', 'max-forwards', 'route', 'record-route'],
  ...['content-length', 'content-type', 'rseq'],
]);

/** The stateful proxy that applications steer with `proxy`. */
export class ProxyRequests {
  readonly #core: Core;
  readonly #control: DialogControl;
  readonly #calls = new Map<string, ProxiedCall>();
  readonly #dialogs: ProxiedDialogs;

  constructor(core: Core, control: DialogControl) {
    this.#core = core;
    this.#control = control;
    this.#dialogs = new ProxiedDialogs(core, control, (host, port) => this.#isOwn(host, port));
  }

  get pending(): number {
    return this.#calls.size;
  }

  /** Forwards `request`, which waits in the server transaction `key`. */
  start(
    key: string,
    request: SipRequest,
    source: Source,
    options: ProxyOptions,
    extra: HeaderList | undefined,
    report: ProxyReport,
  ): void {
    const call: ProxiedCall = new ProxiedCall({
      core: this.#core,
      control: this.#control,
      key,
      request,
      options,
      prepare: (uri, transport, localPort) =>
        this.#prepare(request, source, uri, { transport, localPort }, options.recordRoute, extra),
      user: {
        onTargetResponse: (response, from) => {
          const bytes = from ? this.#core.rawOf(response) : serializeMessage(response);
          this.#record(request, response, bytes);
          if (!options.fullResponse) return;
          report.response(this.#core.report.proxied(bytes.length, from), bytes);
        },
        onDone: () => {
          this.#calls.delete(key);
          report.done();
        },
      },
    });
    this.#calls.set(key, call);
    if (options.recordRoute) this.#dialogs.note(request.headers.callId());
    call.start();
  }

  #record({ method }: SipRequest, { status }: SipResponse, bytes: Buffer): void {
    if (method !== 'INVITE') return;
    if (status < 300) {
      this.#core.cdr.start('network', bytes, 'proxy-uac');
      this.#core.cdr.start('application', bytes, 'proxy-uas');
    } else {
      this.#core.cdr.stop('network', bytes, rejectionReason(status));
    }
  }

  /** The caller cancelled. False when the transaction is not a proxied one. */
  cancel(key: string): boolean {
    const call = this.#calls.get(key);
    call?.cancel();
    return call !== undefined;
  }

  /** Passes on what belongs to a call that was record-routed; false when it is for the engine itself. */
  take(message: SipMessage, source: Source): boolean {
    return this.#dialogs.take(message, source);
  }

  /** Stops its timers. Idempotent. */
  close(): void {
    for (const call of this.#calls.values()) call.close();
    this.#calls.clear();
  }

  /** RFC 3261 16.6 steps 1 to 4. */
  #prepare(
    received: SipRequest,
    source: Source,
    uri: string,
    leaving: { transport: string; localPort: number | undefined },
    recordRoute: boolean,
    extra: HeaderList | undefined,
  ): SipRequest {
    const headers = received.headers.clone();
    removeOwnRoutes(headers, (host, port) => this.#isOwn(host, port));
    headers.set('Max-Forwards', String(Number(headers.get('max-forwards') ?? 71) - 1));
    if (recordRoute) {
      const incoming = this.#route(source);
      const outgoing = this.#route({
        transport: leaving.transport,
        ...(leaving.localPort === undefined ? {} : { localPort: leaving.localPort }),
      });
      headers.prepend('Record-Route', incoming);
      // RFC 5658: one for each side where they differ.
      if (outgoing !== incoming) headers.prepend('Record-Route', outgoing);
    }
    for (const [name, value] of extra ?? [])
      if (!KEPT.has(canonicalHeaderName(name))) headers.set(name, value);
    return { ...received, uri, headers };
  }

  #route(at: { transport: string; localAddress?: string; localPort?: number }): string {
    const listener = this.#core.transports.listenerFor(at);
    const named = at.transport === 'wss' ? 'ws' : at.transport;
    const transport = named === 'udp' ? '' : `;transport=${named}`;
    return `<sip:${listener?.hostPort ?? 'invalid'}${transport};lr>`;
  }

  #isOwn(host: string, port: number): boolean {
    return this.#core.transports.listeners.some(
      (listener) =>
        (listener.advertisedPort === port && listener.host === host) ||
        this.#core.transports.isOwn(host, port, listener.transport),
    );
  }
}
