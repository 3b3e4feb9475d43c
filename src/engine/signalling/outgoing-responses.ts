import { judgeReliable } from '../../sip/dialog/reliable-provisional.js';
import { Dialog } from '../../sip/dialog/dialog.js';
import type { SipResponse } from '../../sip/message.js';
import { serializeMessage } from '../../sip/serialize-message.js';
import type { Source } from '../../sip/transaction/transport.js';
import { rejectionReason } from './cdr-reports.js';
import type { Core } from './core.js';
import type { DialogControl } from './dialog-control.js';
import { endsSubscription, type EngineDialog } from './engine-dialog.js';
import { isSdp } from './application-message.js';
import type { OutgoingRequest } from './outgoing-request.js';
import type { SessionRefresh } from './session-refresh.js';

/** How long an application that cancelled may take to ACK the 2xx that crossed it. */
const OWN_ACK_MS = 2_000;

/** What the responses do to the requests. */
export interface OutgoingResponsesUser {
  onEnded(outgoing: OutgoingRequest): void;
  /** The peer wants a longer session interval: the INVITE is to be sent again. */
  sendAgain(outgoing: OutgoingRequest, intervalS: number): void;
}

/** What peers answer to the requests of applications. */
export class OutgoingResponses {
  readonly #core: Core;
  readonly #control: DialogControl;
  readonly #sessions: SessionRefresh;
  readonly #user: OutgoingResponsesUser;

  constructor(core: Core, control: DialogControl, sessions: SessionRefresh, user: OutgoingResponsesUser) {
    this.#core = core;
    this.#control = control;
    this.#sessions = sessions;
    this.#user = user;
  }

  onResponse(outgoing: OutgoingRequest, response: SipResponse, source: Source): void {
    const { status } = response;
    outgoing.silence?.cancel();
    if (status === 100) return;
    if (outgoing.request.method === 'INVITE') {
      if (status < 200) this.#onRinging(outgoing, response, source);
      else if (status < 300) this.#onAnswer(outgoing, response, source);
      else this.#onInviteFailed(outgoing, response, source);
      return;
    }
    if (status >= 200) this.#settle(outgoing, response, source);
    this.#passUp(outgoing, response, source);
  }

  /** What a destination says after the request has gone to another: if it answers the call it must not keep it. */
  onAbandoned(outgoing: OutgoingRequest, response: SipResponse, source: Source): void {
    const { status } = response;
    if (outgoing.request.method === 'INVITE' && status >= 200 && status < 300)
      this.#endFork(outgoing, response, source);
  }

  /** A final response that the engine makes itself, as none came or the request could not be sent. */
  onMadeUp(outgoing: OutgoingRequest, response: SipResponse): void {
    if (outgoing.state === 'ended') return;
    this.#settle(outgoing, response, undefined);
    const dialogId = outgoing.dialog?.id ?? '';
    outgoing.session.send(
      this.#core.report.madeUp(outgoing.destination.transport, outgoing.id, dialogId),
      serializeMessage(response),
    );
    if (outgoing.opensDialog && outgoing.request.method === 'INVITE')
      this.#core.cdr.stop('network', serializeMessage(response), rejectionReason(response.status));
  }

  #onRinging(outgoing: OutgoingRequest, response: SipResponse, source: Source): void {
    const { dialog } = outgoing;
    if (dialog && outgoing.opensDialog && response.headers.toTag() !== undefined)
      dialog.onOpeningResponse(outgoing.request, response, source);
    const numbered = dialog?.forks.get(response.headers.toTag() ?? '') ?? outgoing;
    const verdict = judgeReliable(response, numbered.lastRSeq);
    if (verdict === 'repeated' || verdict === 'out-of-order') return;
    if (verdict === 'new') {
      numbered.lastRSeq = Number(response.headers.get('rseq'));
      if (dialog?.localOffer === outgoing.id && response.body.length > 0) dialog.localOffer = undefined;
    }
    this.#passUp(outgoing, response, source);
  }

  #onAnswer(outgoing: OutgoingRequest, response: SipResponse, source: Source): void {
    const dialog = outgoing.dialog;
    if (!dialog) return;
    const cseq = response.headers.cseq()?.number ?? 0;
    const tag = response.headers.toTag();
    if (outgoing.state === 'ended') {
      if (tag !== outgoing.answeredTag) this.#endFork(outgoing, response, source);
      else if (dialog.lastAck?.cseq === cseq)
        this.#core.outbound.send(dialog.lastAck.destination, dialog.lastAck.bytes, undefined);
      return;
    }
    this.#ended(outgoing);
    outgoing.answeredTag = tag;
    dialog.pendingInvite = undefined;
    if (outgoing.opensDialog) {
      dialog.onOpeningResponse(outgoing.request, response, source);
    } else {
      dialog.lastSource = source;
      dialog.sip?.refreshTarget(response);
    }
    noteOwnSdp(dialog, outgoing);
    this.#sessions.onAnswered(outgoing.request, response, dialog);
    dialog.unacked = { cseq, credentials: credentialsOf(outgoing), sinceMs: this.#core.clock.now() };
    if (!outgoing.session.open) {
      this.#control.ackByEngine(dialog, cseq);
      this.#control.sendBye(dialog, 'application gone');
      return;
    }
    this.#passUp(outgoing, response, source);
    if (outgoing.opensDialog) this.#core.cdr.start('network', this.#core.rawOf(response), 'uac');
    if (outgoing.cancelled && outgoing.opensDialog) this.#endCrossed(dialog, cseq);
  }

  /** RFC 3261 9.1: the CANCEL came too late, so the call is ended with a BYE, after the application's ACK. */
  #endCrossed(dialog: EngineDialog, cseq: number): void {
    dialog.byeAfterOwnAck = true;
    this.#core.clock.after(OWN_ACK_MS, () => {
      if (dialog.state === 'ended') return;
      this.#control.ackByEngine(dialog, cseq);
      this.#control.sendBye(dialog, 'ACK-BYE due to cancel race condition');
    });
  }

  /** A second branch of a fork answered too: there is one call only (RFC 3261 13.2.2.4). */
  #endFork(outgoing: OutgoingRequest, response: SipResponse, source: Source): void {
    const branch = outgoing.opensDialog ? Dialog.ofUac(outgoing.request, response) : undefined;
    if (!branch) return;
    const ack = branch.createAck(branch.localCSeq ?? 1);
    this.#control.whenLocated(
      this.#core.locator.locate(branch.nextHop(), ack, source),
      (destination) => {
        this.#core.layer.sendStateless(ack, destination);
        this.#control.sendForkBye(branch, source);
      },
      () => undefined,
    );
  }

  #onInviteFailed(outgoing: OutgoingRequest, response: SipResponse, source: Source): void {
    if (outgoing.state === 'ended') return;
    const intervalS = outgoing.timerIsOurs
      ? this.#sessions.intervalAfter(outgoing.request, response)
      : undefined;
    if (intervalS !== undefined && !outgoing.cancelled) {
      this.#user.sendAgain(outgoing, intervalS);
      return;
    }
    this.#settle(outgoing, response, source);
    this.#passUp(outgoing, response, source);
    if (outgoing.opensDialog)
      this.#core.cdr.stop('network', this.#core.rawOf(response), rejectionReason(response.status));
  }

  /** What a final response means for the dialog. `source` is undefined for one that the engine made. */
  #settle(outgoing: OutgoingRequest, response: SipResponse, source: Source | undefined): void {
    this.#ended(outgoing);
    const { dialog } = outgoing;
    if (!dialog) return;
    const { status } = response;
    const success = status < 300;
    if (dialog.pendingInvite === outgoing.id) dialog.pendingInvite = undefined;
    if (outgoing.opensDialog) {
      if (success && source) {
        dialog.onOpeningResponse(outgoing.request, response, source);
      } else if (!success) {
        this.#control.end(dialog);
      }
    } else if (outgoing.request.method === 'BYE') {
      // A challenge leaves the dialog up, so that the BYE can be sent again with credentials.
      if (status !== 401 && status !== 407) this.#control.end(dialog);
    } else if (
      dialog.isSubscription &&
      (endsSubscription(outgoing.request) || status === 408 || status === 481)
    ) {
      this.#control.end(dialog);
    } else if (success && source) {
      dialog.lastSource = source;
      noteOwnSdp(dialog, outgoing);
      this.#sessions.onAnswered(outgoing.request, response, dialog);
      if (outgoing.request.method === 'UPDATE' || outgoing.request.method === 'SUBSCRIBE')
        dialog.sip?.refreshTarget(response);
    }
  }

  #ended(outgoing: OutgoingRequest): void {
    outgoing.state = 'ended';
    outgoing.silence?.cancel();
    if (outgoing.dialog?.localOffer === outgoing.id) outgoing.dialog.localOffer = undefined;
    this.#user.onEnded(outgoing);
  }

  #passUp(outgoing: OutgoingRequest, response: SipResponse, source: Source): void {
    const bytes = this.#core.rawOf(response);
    outgoing.session.send(
      this.#core.report.message(bytes.length, source, outgoing.id, outgoing.dialog?.id ?? ''),
      bytes,
    );
  }
}

function noteOwnSdp(dialog: EngineDialog, { request }: OutgoingRequest): void {
  if (isSdp(request.headers, request.body)) dialog.localSdp = request.body;
}

/** RFC 3261 13.2.2.4: the ACK carries the credentials of the INVITE. */
function credentialsOf(outgoing: OutgoingRequest): [string, string][] {
  const found: [string, string][] = [];
  for (const name of ['Authorization', 'Proxy-Authorization']) {
    const value = outgoing.request.headers.get(name);
    if (value !== undefined) found.push([name, value]);
  }
  return found;
}
