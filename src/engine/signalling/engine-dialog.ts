import { Dialog } from '../../sip/dialog/dialog.js';
import type { SipRequest, SipResponse } from '../../sip/message.js';
import type { SessionTimer } from '../../sip/dialog/session-timer.js';
import type { ReliableSender } from '../../sip/dialog/reliable-provisional.js';
import type { Destination, Source } from '../../sip/transaction/transport.js';
import type { AckWait } from '../../sip/transaction/ack-wait.js';
import type { ClientSession } from '../control/client-session.js';

/** Early dialogs that one INVITE may have; more share the last. */
const MAX_FORKS = 20;

/** `early` until a 2xx, `ended` after a BYE was answered or the INVITE failed. */
export type EngineDialogState = 'early' | 'confirmed' | 'ended';

/** Whether a NOTIFY ends its subscription. */
export function endsSubscription({ method, headers }: SipRequest): boolean {
  return method === 'NOTIFY' && /^\s*terminated\b/i.test(headers.get('subscription-state') ?? '');
}

/** A dialog between an application and a peer: the SIP dialog, and what the engine does for the application in it. */
export class EngineDialog {
  /** `CALL-ID;from-tag=FROM-TAG` of the initial request: the name that the application knows it by. */
  readonly id: string;
  readonly role: 'uac' | 'uas';
  readonly callId: string;
  readonly localTag: string;
  readonly session: ClientSession;
  state: EngineDialogState = 'early';
  /** Undefined until the peer has answered a request of ours with a tag. */
  sip: Dialog | undefined;
  /** Our Contact, used again where the application gives none. */
  localContact: string | undefined;
  /** Where the peer last spoke from: its connection and our socket are used again. */
  lastSource: Source | undefined;
  /** The INVITE of ours, and of the peer's, that has no final response yet (RFC 3261 14). */
  pendingInvite: string | undefined;
  pendingPeerInvite: string | undefined;
  /** The provisional responses of ours that wait for a PRACK. */
  reliable: ReliableSender | undefined;
  /** Repeats our 2xx until the ACK with its CSeq comes. */
  ackWait: { readonly cseq: number; readonly wait: AckWait } | undefined;
  /** The transaction id under which the ACK will be reported. */
  ackTransactionId = '';
  /** Run once the ACK to our 2xx came, or never will: a BYE waits for it (RFC 3261 15). */
  afterAck: (() => void) | undefined;
  /** A 2xx to our INVITE that the application has not ACKed yet. */
  unacked:
    | {
        readonly cseq: number;
        readonly credentials: readonly (readonly [string, string])[];
        readonly sinceMs: number;
      }
    | undefined;
  /** An offer of ours, and of the peer's, that waits for its answer: the id of the request (RFC 3311 5.2). */
  localOffer: string | undefined;
  remoteOffer: string | undefined;
  /** Early dialogs of a fork by remote tag, and the RSeq of the last reliable response in each. */
  readonly forks = new Map<string, { readonly sip: Dialog; lastRSeq: number | undefined }>();
  /** The last ACK that we sent, for repetitions of its 2xx. */
  lastAck: { readonly cseq: number; readonly bytes: Buffer; readonly destination: Destination } | undefined;
  /** The dialog is to be ended once the application has ACKed: its CANCEL crossed the 2xx. */
  byeAfterOwnAck = false;
  /** Runs once a 2xx agreed on a session timer (RFC 4028). */
  sessionTimer: SessionTimer | undefined;
  /** The session description that we sent last, for refreshes. */
  localSdp: Buffer | undefined;
  /** The peer's Allow names UPDATE. */
  peerTakesUpdate = false;
  /** Requests of the application that wait for the engine's own re-INVITE to end. */
  readonly held: (() => void)[] = [];
  /** A SUBSCRIBE or REFER opened it: it lasts until the NOTIFY that ends the subscription (RFC 6665 4.4.1). */
  isSubscription = false;
  /** A REFER of ours went out in it: a NOTIFY may follow even its BYE. */
  referred = false;

  constructor(id: string, role: 'uac' | 'uas', callId: string, localTag: string, session: ClientSession) {
    this.id = id;
    this.role = role;
    this.callId = callId;
    this.localTag = localTag;
    this.session = session;
  }

  /** A 1xx with tag or the 2xx to the request that opens the dialog (RFC 3261 12.1.2); forks replace each other until a 2xx. */
  onOpeningResponse(request: SipRequest, response: SipResponse, source: Source): void {
    this.lastSource = source;
    const tag = response.headers.toTag() ?? '';
    if (this.sip?.remoteTag === tag) {
      if (response.status >= 200) this.sip.confirm(response);
      else this.sip.refreshTarget(response);
    } else {
      const known = this.forks.get(tag)?.sip;
      if (known && response.status >= 200) known.confirm(response);
      this.sip = known ?? Dialog.ofUac(request, response) ?? this.sip;
    }
    if (response.status >= 200) {
      this.state = 'confirmed';
      this.forks.clear();
    } else if (this.sip && this.forks.size < MAX_FORKS && !this.forks.has(tag)) {
      this.forks.set(tag, { sip: this.sip, lastRSeq: undefined });
    }
  }

  /** A 1xx or 2xx of ours to the request that opens the dialog (RFC 3261 12.1.1). */
  onOwnOpeningResponse(request: SipRequest, response: SipResponse, source: Source): void {
    this.lastSource = source;
    this.sip ??= Dialog.ofUas(request, response);
    if (response.status < 200) return;
    this.sip?.confirm();
    this.state = 'confirmed';
  }

  /** The early dialog that a PRACK with that RSeq is for; forks number their responses each by itself. */
  forkOf(rseq: number): Dialog | undefined {
    for (const fork of this.forks.values()) if (fork.lastRSeq === rseq) return fork.sip;
    return undefined;
  }

  /** Whether a request with that remote tag belongs here; an early dialog of ours takes any branch of a fork. */
  acceptsRemoteTag(tag: string | undefined): boolean {
    return (
      this.sip === undefined ||
      this.sip.remoteTag === (tag ?? '') ||
      (this.state === 'early' && this.role === 'uac')
    );
  }
}
