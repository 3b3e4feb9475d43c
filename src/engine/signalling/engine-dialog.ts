import { formatNameAddr, parseNameAddr, parseNameAddrList } from '../../sip/name-addr.js';
import type { SipMessage, SipRequest, SipResponse } from '../../sip/message.js';
import type { Destination, Source } from '../../sip/transaction/transport.js';
import type { ClientSession } from '../control/client-session.js';
import type { AckWait } from './ack-wait.js';
import { uriTarget } from './uri-target.js';

/** `early` until a 2xx, `ended` after a BYE was answered or the INVITE failed. */
export type DialogState = 'early' | 'confirmed' | 'ended';

/** A dialog as the engine holds it between an application and a peer (RFC 3261 12). */
export class EngineDialog {
  /** `CALL-ID;from-tag=FROM-TAG` of the initial request: the name that the application knows it by. */
  readonly id: string;
  readonly role: 'uac' | 'uas';
  readonly callId: string;
  readonly localTag: string;
  readonly session: ClientSession;
  state: DialogState = 'early';
  remoteTag: string | undefined;
  /** From (outgoing) or To (incoming) of our side, with tag, as it stands in headers. */
  localParty: string;
  remoteParty: string;
  localCSeq: number;
  remoteCSeq: number | undefined;
  /** Contact of the peer: the Request-URI of what is sent in the dialog. */
  remoteTarget: string;
  routeSet: readonly string[] = [];
  /** Our Contact, used again where the application gives none. */
  localContact: string | undefined;
  /** Where the peer last spoke from: its connection and our socket are used again. */
  lastSource: Source | undefined;
  /** The INVITE of ours, and of the peer's, that has no final response yet (RFC 3261 14). */
  pendingInvite: string | undefined;
  pendingPeerInvite: string | undefined;
  /** Run once the ACK to our 2xx came, or never will: a BYE waits for it (RFC 3261 15). */
  afterAck: (() => void) | undefined;
  /** Repeats our 2xx until its ACK comes. */
  ackWait: AckWait | undefined;
  /** The transaction id under which the INVITE that is being ACKed was reported. */
  ackTransactionId = '';
  /** A 2xx to our INVITE that the application has not ACKed yet. */
  unacked: { readonly cseq: number; readonly credentials: readonly (readonly [string, string])[] } | undefined;
  /** The last ACK that we sent, for repetitions of its 2xx. */
  lastAck: { readonly cseq: number; readonly bytes: Buffer; readonly destination: Destination } | undefined;
  /** The dialog is to be ended once the application has ACKed: its CANCEL crossed the 2xx. */
  byeAfterOwnAck = false;

  constructor(parts: {
    id: string;
    role: 'uac' | 'uas';
    callId: string;
    localTag: string;
    session: ClientSession;
    localParty: string;
    remoteParty: string;
    localCSeq: number;
    remoteTarget: string;
  }) {
    this.id = parts.id;
    this.role = parts.role;
    this.callId = parts.callId;
    this.localTag = parts.localTag;
    this.session = parts.session;
    this.localParty = parts.localParty;
    this.remoteParty = parts.remoteParty;
    this.localCSeq = parts.localCSeq;
    this.remoteTarget = parts.remoteTarget;
  }

  /** Takes the peer's Contact as the new remote target (RFC 3261 12.2). */
  refreshTarget(message: SipMessage): void {
    const contact = message.headers.get('contact');
    const uri = contact === undefined ? undefined : parseNameAddrList(contact)?.[0]?.uri;
    if (uri !== undefined && uri !== '*') this.remoteTarget = uri;
  }

  /** What a 1xx with tag or a 2xx to our INVITE or SUBSCRIBE settles (RFC 3261 12.1.2). */
  learnFromResponse(response: SipResponse, source: Source): void {
    this.remoteTag = response.headers.toTag();
    this.remoteParty = response.headers.get('to') ?? this.remoteParty;
    this.routeSet = routesOf(response).reverse();
    this.lastSource = source;
    this.refreshTarget(response);
  }

  /** Whether a response or request with that remote tag belongs here; an early dialog takes any branch of a fork. */
  acceptsRemoteTag(tag: string | undefined): boolean {
    return this.remoteTag === tag || this.remoteTag === undefined || this.state === 'early';
  }

  /** A request within the dialog without CSeq, Via and Contact: Request-URI and Route by RFC 3261 12.2.1.1. */
  requestTarget(): { uri: string; routes: readonly string[]; nextHop: string } {
    const first = this.routeSet[0];
    const firstUri = first === undefined ? undefined : (parseNameAddr(first)?.uri ?? undefined);
    if (first === undefined || firstUri === undefined) {
      return { uri: this.remoteTarget, routes: [], nextHop: this.remoteTarget };
    }
    if (uriTarget(firstUri)?.looseRouter ?? true) {
      return { uri: this.remoteTarget, routes: this.routeSet, nextHop: firstUri };
    }
    return { uri: firstUri, routes: [...this.routeSet.slice(1), `<${this.remoteTarget}>`], nextHop: firstUri };
  }
}

/** The dialog that an incoming INVITE or SUBSCRIBE opens (RFC 3261 12.1.1). */
export function dialogFromRequest(request: SipRequest, source: Source, localTag: string, id: string, session: ClientSession): EngineDialog {
  const { headers } = request;
  const to = headers.get('to') ?? '';
  const dialog = new EngineDialog({
    id,
    role: 'uas',
    callId: headers.callId(),
    localTag,
    session,
    localParty: `${to};tag=${localTag}`,
    remoteParty: headers.get('from') ?? '',
    localCSeq: 0,
    remoteTarget: headers.from()?.uri ?? '',
  });
  dialog.localCSeq = headers.cseq()?.number ?? 0;
  dialog.remoteCSeq = headers.cseq()?.number;
  dialog.remoteTag = headers.fromTag();
  dialog.routeSet = routesOf(request);
  dialog.lastSource = source;
  dialog.refreshTarget(request);
  return dialog;
}

/** The Record-Route values in the order of the message. */
function routesOf(message: SipMessage): string[] {
  const routes: string[] = [];
  for (const line of message.headers.getAll('record-route')) {
    for (const value of parseNameAddrList(line) ?? []) routes.push(formatNameAddr(value));
  }
  return routes;
}
