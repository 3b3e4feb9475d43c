import { judgeReinvite, judgeUpdate } from '../../sip/dialog/offer-state.js';
import type { SipRequest } from '../../sip/message.js';
import { createResponse } from '../../sip/response.js';
import type { ServerTransactionUser } from '../../sip/transaction/transaction-user.js';
import type { Source } from '../../sip/transaction/transport.js';
import type { ClientSession } from '../control/client-session.js';
import type { ProxyRequests } from '../proxy/proxy-requests.js';
import { isSdp } from './application-message.js';
import type { Core } from './core.js';
import type { DialogControl } from './dialog-control.js';
import type { EngineDialog } from './engine-dialog.js';
import type { IncomingRequest } from './incoming-request.js';
import type { RequestDirector } from './request-director.js';
import type { SessionRefresh } from './session-refresh.js';

const ALLOW =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, SUBSCRIBE, MESSAGE, PUBLISH, REGISTER';

const KNOWN_METHODS: ReadonlySet<string> = new Set(ALLOW.split(', '));

const CAPABILITIES: readonly (readonly [string, string])[] = [
  ['Allow', ALLOW],
  ['Accept', 'application/sdp'],
  ['Supported', '100rel, replaces, timer'],
];

/** Requests that make sense within a dialog only (RFC 3261 15.1.2, RFC 3262 3, RFC 3311 5.2). */
const DIALOG_ONLY = new Set(['BYE', 'PRACK', 'UPDATE', 'INFO']);

/** An application that shows no sign of life for a request in this time has lost it. */
const UNANSWERED_MS = 64_000;
const RETRY_AFTER_S = 2;

/** Requests of peers: judged, and handed to the application that owns the dialog or asked for the verb. */
export class IncomingRequests implements ServerTransactionUser {
  readonly #core: Core;
  readonly #control: DialogControl;
  readonly #sessions: SessionRefresh;
  readonly #proxies: ProxyRequests;
  readonly #director: RequestDirector;
  readonly #requests = new Map<string, IncomingRequest>();
  readonly #byKey = new Map<string, IncomingRequest>();
  #strayResponses = 0;

  constructor(
    core: Core,
    control: DialogControl,
    sessions: SessionRefresh,
    proxies: ProxyRequests,
    director: RequestDirector,
  ) {
    this.#core = core;
    this.#control = control;
    this.#sessions = sessions;
    this.#proxies = proxies;
    this.#director = director;
  }

  get pending(): number {
    return this.#requests.size;
  }

  /** The address of the peer of each call that peers have begun, answered or not. */
  *callers(): Iterable<string> {
    for (const { inDialog, request, source } of this.#requests.values())
      if (!inDialog && request.method === 'INVITE') yield source.address;
    for (const { role, isSubscription, state, lastSource } of this.#core.dialogs.all())
      if (role === 'uas' && !isSubscription && state === 'confirmed' && lastSource) yield lastSource.address;
  }

  get(id: string): IncomingRequest | undefined {
    return this.#requests.get(id);
  }

  /** The final response is out, or never will be. */
  forget(incoming: IncomingRequest): void {
    this.#requests.delete(incoming.id);
    this.#byKey.delete(incoming.key);
    if (incoming.dialog?.pendingPeerInvite === incoming.id) incoming.dialog.pendingPeerInvite = undefined;
    if (incoming.dialog?.remoteOffer === incoming.id) incoming.dialog.remoteOffer = undefined;
  }

  onRequest(request: SipRequest, key: string, source: Source): void {
    const { headers, method } = request;
    const toTag = headers.toTag();
    if (toTag !== undefined) {
      const { dialogs } = this.#core;
      const dialog =
        dialogs.find(headers.callId(), toTag) ??
        (method === 'NOTIFY' ? dialogs.findEnded(headers.callId(), toTag) : undefined);
      if (!dialog?.acceptsRemoteTag(headers.fromTag())) this.#answer(key, request, 481);
      else this.#inDialog(dialog, request, key, source);
      return;
    }
    if (DIALOG_ONLY.has(method)) {
      this.#answer(key, request, 481);
      return;
    }
    if (headers.get('max-forwards') === '0' && method !== 'OPTIONS') {
      this.#answer(key, request, 483);
      return;
    }
    const refusal = this.#sessions.refusal(request);
    if (refusal) {
      this.#answer(key, request, 422, refusal);
      return;
    }
    if (
      this.#director.take(request, key, source, (session, raw) => {
        this.#handUp(session, undefined, request, key, source, raw);
      })
    )
      return;
    const session = this.#core.pickClient(method);
    if (session) {
      this.#handUp(session, undefined, request, key, source);
    } else if (method === 'OPTIONS') {
      this.#answer(key, request, 200, CAPABILITIES);
    } else if (KNOWN_METHODS.has(method)) {
      this.#answer(key, request, 503);
    } else {
      this.#answer(key, request, 501, [['Allow', ALLOW]]);
    }
  }

  onAck(ack: SipRequest, source: Source): void {
    const { headers } = ack;
    const dialog = this.#core.dialogs.find(headers.callId(), headers.toTag() ?? '');
    if (!dialog?.ackWait || dialog.ackWait.cseq !== headers.cseq()?.number) return;
    dialog.ackWait.wait.close();
    dialog.ackWait = undefined;
    dialog.lastSource = source;
    const bytes = this.#core.rawOf(ack);
    dialog.session.send(
      this.#core.report.message(bytes.length, source, dialog.ackTransactionId, dialog.id),
      bytes,
    );
    runAfterAck(dialog);
  }

  onCancel(key: string, cancel: SipRequest, source: Source): void {
    const incoming = this.#byKey.get(key);
    if (!incoming) {
      if (!this.#proxies.cancel(key)) this.#director.cancel(key);
      return;
    }
    const dialogId = incoming.dialog?.id ?? '';
    this.#answer(key, incoming.request, 487, [], incoming.dialog?.localTag);
    this.forget(incoming);
    if (incoming.dialog && !incoming.inDialog) this.#control.end(incoming.dialog);
    const bytes = this.#core.rawOf(cancel);
    incoming.session.send(this.#core.report.message(bytes.length, source, incoming.id, dialogId), bytes);
    if (!incoming.inDialog) this.#core.cdr.stop('network', bytes, 'call-canceled');
  }

  onAckTimeout(): void {
    // The call was refused: there is nothing to undo when the peer never acknowledges that.
  }

  onResponseTransportError(key: string): void {
    this.#core.log.info({ key }, 'a response could not be sent');
  }

  onStrayResponse(): void {
    this.#strayResponses++;
  }

  get strayResponses(): number {
    return this.#strayResponses;
  }

  /** The application has gone: what it left open is refused. */
  onClientGone(session: ClientSession): void {
    for (const incoming of [...this.#requests.values()]) {
      if (incoming.session === session) this.#abandon(incoming);
    }
  }

  /** Refuses what no application has answered in time; to be called every few seconds. */
  sweep(): void {
    const oldest = this.#core.clock.now() - UNANSWERED_MS;
    for (const incoming of [...this.#requests.values()]) {
      if (incoming.receivedMs > oldest) break;
      if (!incoming.progressing) this.#abandon(incoming);
    }
  }

  #abandon(incoming: IncomingRequest): void {
    this.forget(incoming);
    const { dialog, key, request } = incoming;
    if (request.method === 'BYE') {
      this.#answer(key, request, 200);
      if (dialog) this.#control.end(dialog);
      return;
    }
    this.#answer(key, request, 503, [], dialog?.localTag);
    if (dialog && !incoming.inDialog) this.#control.end(dialog);
  }

  #inDialog(dialog: EngineDialog, request: SipRequest, key: string, source: Source): void {
    if (dialog.sip?.receive(request) === 'out-of-order') {
      this.#answer(key, request, 500);
      return;
    }
    dialog.lastSource = source;
    if (!dialog.session.open) {
      this.#withoutApplication(dialog, request, key);
      return;
    }
    const refusal = this.#sessions.refusal(request);
    if (refusal) {
      this.#answer(key, request, 422, refusal);
      return;
    }
    if (request.method === 'INVITE') {
      const verdict = judgeReinvite(
        {
          localInvitePending: dialog.pendingInvite !== undefined || dialog.unacked !== undefined,
          remoteInvitePending: dialog.pendingPeerInvite !== undefined,
          offer: 'stable',
        },
        this.#core.random,
      );
      if (verdict.kind === 'refuse') {
        this.#answer(
          key,
          request,
          verdict.status,
          verdict.status === 500 ? [['Retry-After', String(verdict.retryAfterS)]] : [],
        );
        return;
      }
    }
    if (request.method === 'UPDATE' && this.#crossingUpdate(dialog, request, key)) return;
    if (request.method === 'PRACK' && dialog.reliable?.onPrack(request) !== 'matched') {
      this.#answer(key, request, 481);
      return;
    }
    this.#handUp(dialog.session, dialog, request, key, source);
  }

  /** RFC 3311 5.2: an offer that crosses one of ours, or follows one that is not answered yet. */
  #crossingUpdate(dialog: EngineDialog, request: SipRequest, key: string): boolean {
    const verdict = judgeUpdate(
      isSdp(request.headers, request.body),
      {
        localInvitePending: dialog.pendingInvite !== undefined,
        remoteInvitePending: dialog.pendingPeerInvite !== undefined,
        offer:
          dialog.localOffer !== undefined
            ? 'local-offer'
            : dialog.remoteOffer !== undefined
              ? 'remote-offer'
              : 'stable',
      },
      this.#core.random,
    );
    if (verdict.kind === 'accept') return false;
    const headers: [string, string][] =
      verdict.status === 500 ? [['Retry-After', String(verdict.retryAfterS)]] : [];
    this.#answer(key, request, verdict.status, headers);
    return true;
  }

  /** The call must be able to end although its application has gone. */
  #withoutApplication(dialog: EngineDialog, request: SipRequest, key: string): void {
    if (request.method === 'BYE') {
      this.#answer(key, request, 200);
      this.#core.cdr.stop('network', this.#core.rawOf(request), 'normal-release');
      this.#control.end(dialog);
    } else {
      this.#answer(key, request, 503, [['Retry-After', String(RETRY_AFTER_S)]]);
    }
  }

  #handUp(
    session: ClientSession,
    dialog: EngineDialog | undefined,
    request: SipRequest,
    key: string,
    source: Source,
    bytes = this.#core.rawOf(request),
  ): void {
    const incoming: IncomingRequest = {
      id: this.#core.random.uuid(),
      key,
      request,
      source,
      session,
      receivedMs: this.#core.clock.now(),
      dialog,
      inDialog: dialog !== undefined,
      progressing: false,
    };
    this.#requests.set(incoming.id, incoming);
    this.#byKey.set(key, incoming);
    if (dialog && request.method === 'INVITE') dialog.pendingPeerInvite = incoming.id;
    if (
      dialog &&
      (request.method === 'INVITE' || request.method === 'UPDATE') &&
      isSdp(request.headers, request.body)
    )
      dialog.remoteOffer = incoming.id;
    const { report, cdr } = this.#core;
    session.send(
      dialog
        ? report.message(bytes.length, source, incoming.id, dialog.id)
        : report.newRequest(bytes.length, source, incoming.id),
      bytes,
    );
    if (!dialog && request.method === 'INVITE') cdr.attempt('network', bytes);
    if (dialog && request.method === 'BYE') cdr.stop('network', bytes, 'normal-release');
  }

  #answer(
    key: string,
    request: SipRequest,
    status: number,
    headers: readonly (readonly [string, string])[] = [],
    tag?: string,
  ): void {
    this.#core.layer.respond(
      key,
      createResponse(request, status, undefined, { toTag: tag ?? this.#core.layer.toTag(key), headers }),
    );
  }
}

/** Does what waited for the ACK to our 2xx. */
export function runAfterAck(dialog: EngineDialog): void {
  const waiting = dialog.afterAck;
  dialog.afterAck = undefined;
  waiting?.();
}
