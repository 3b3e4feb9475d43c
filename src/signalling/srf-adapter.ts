import type {
  DialogName,
  IncomingInvite,
  LegId,
  LegOfCall,
  SignallingCommand,
  SignallingEvent,
} from '../call/signalling-port.js';
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/log.js';
import type { SipHeaders } from '../call/vocabulary.js';
import { firstValue, readNameAddress } from './header-reading.js';
import { JoinedCalls } from './joined-calls.js';
import type { Leg, LegContext } from './leg-context.js';
import { OutsideRefers } from './outside-refers.js';
import type { Replaces } from './replaces.js';
import type { SipLink } from './sip-link.js';
import type { SrfReply, SrfRequest } from './srf-types.js';
import { UacLeg } from './uac-leg.js';
import { UasLeg } from './uas-leg.js';

export interface SrfAdapterOptions {
  readonly link: SipLink;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tells a call; false where there is no such call. */
  readonly emit: (callId: string, event: SignallingEvent) => boolean;
  /** IPv4 address at which the media workers reach each other; null where that of the SDP does. */
  readonly mediaAddress?: string | null;
}

type LegWithDialog = UacLeg | UasLeg;

/** How long a dialog that ended is remembered, to tell 603 from 481 (RFC 3891 3). */
const ENDED_DIALOGS_KEPT = 1000;

/** A leg that a Replaces header names. */
export interface ReplacedLeg {
  readonly callId: string;
  readonly legId: LegId;
  readonly confirmed: boolean;
  /** The INVITE of the leg was ours: only such an early dialog can be replaced (RFC 3891 3). */
  readonly initiatedHere: boolean;
}

/** SignallingPort over drachtio-srf: one object per leg, found by its name or by the dialog of a request. */
export class SrfAdapter {
  readonly #options: SrfAdapterOptions;
  readonly #legs = new Map<LegId, LegWithDialog>();
  /** Dialog id of the SIP server (`CALL-ID;from-tag=TAG`) → leg. */
  readonly #dialogs = new Map<string, LegWithDialog>();
  /** Legs by SIP Call-ID, for Replaces. */
  readonly #byCallId = new Map<string, Set<LegWithDialog>>();
  /** The legs of each call. */
  readonly #byCall = new Map<string, Set<LegWithDialog>>();
  readonly #byesOwed = new Set<string>();
  readonly #endedDialogs = new Set<string>();
  readonly #joined: JoinedCalls;
  readonly #refers: OutsideRefers;

  constructor(options: SrfAdapterOptions) {
    this.#options = options;
    const { link, log, emit, mediaAddress = null } = options;
    this.#joined = new JoinedCalls({ emit, mediaAddress });
    this.#refers = new OutsideRefers({ link, log, emit });
  }

  /** Legs that still hold anything. */
  get legs(): number {
    return this.#legs.size + this.#joined.size;
  }

  /** Are these two calls joined, directly or by calls in between? */
  joined(one: string, other: string): boolean {
    return this.#joined.connected(one, other);
  }

  /** Carries out what a call asks for. Never throws, never blocks; answers are events. */
  execute(callId: string, command: SignallingCommand): void {
    if (command.kind === 'invite') {
      if (command.join) this.#joined.join(callId, command, command.join);
      else this.#invite(callId, command);
      return;
    }
    if (command.kind === 'claim') {
      this.#options.emit(command.of.callId, { kind: 'claimed', legId: command.of.legId });
      return;
    }
    if ((command.kind === 'respond' || command.kind === 'notify') && this.#refers.execute(command)) return;
    if (this.#joined.execute(command)) return;
    const leg = this.#legs.get(command.legId);
    if (leg) leg.execute(command);
    else this.#answerForNobody(callId, command);
  }

  /** The leg is gone; what would be waited for is said at once, the rest has no effect any more. */
  #answerForNobody(callId: string, command: SignallingCommand): void {
    const { emit } = this.#options;
    const { legId } = command;
    if (command.kind === 'bye') {
      emit(callId, { kind: 'gone', legId });
    } else if (command.kind === 'request') {
      const { requestId } = command;
      const reason = 'Call/Transaction Does Not Exist';
      const nothing = { headers: {}, body: null, wantsAck: false };
      emit(callId, { kind: 'response', legId, requestId, status: 481, reason, ...nothing });
    }
  }

  #invite(callId: string, command: Extract<SignallingCommand, { kind: 'invite' }>): void {
    const names: string[] = [];
    const context = this.#contextOf(callId, command.legId, () => {
      for (const name of names) this.#forgetDialog(name, leg);
    });
    const leg: UacLeg = new UacLeg(context, callId, command, (dialogId) => {
      names.push(dialogId);
      this.#dialogs.set(dialogId, leg);
      this.#index(leg);
    });
    this.#add(leg);
    leg.start();
  }

  /** Takes an initial INVITE in as a leg of a call. */
  takeIn(callId: string, legId: LegId, request: SrfRequest, reply: SrfReply, invite: IncomingInvite): void {
    const name = dialogIdOf(invite);
    const context = this.#contextOf(callId, legId, () => {
      this.#forgetDialog(name, leg);
    });
    const leg: UasLeg = new UasLeg(context, callId, legId, request, reply, invite);
    this.#dialogs.set(name, leg);
    this.#add(leg);
    this.#index(leg);
  }

  /**
   * True where an INVITE with this Call-ID and From tag is here already: one that we sent and that came back, or
   * one that reached us over two ways (RFC 3261 8.2.2.2). The dialogs would have one name.
   */
  knows(invite: IncomingInvite): boolean {
    return this.#dialogs.has(dialogIdOf(invite));
  }

  /** Hands a request to the leg of its dialog; false where there is none. */
  route(request: SrfRequest, reply: SrfReply): boolean {
    const dialogId = request.stackDialogId;
    const leg = dialogId ? this.#dialogs.get(dialogId) : undefined;
    if (!leg) return this.#refers.route(request, reply);
    leg.onRequest(request, reply);
    return true;
  }

  /** The leg whose dialog a Replaces header names, either role; `ended` where it is over already. */
  findReplaced(replaces: Pick<Replaces, 'sipCallId' | 'toTag' | 'fromTag'>): ReplacedLeg | 'ended' | null {
    for (const leg of this.#byCallId.get(replaces.sipCallId) ?? []) {
      const { dialog } = leg;
      if (dialog?.localTag !== replaces.toTag || dialog.remoteTag !== replaces.fromTag) continue;
      if (leg.state === 'gone' || leg.state === 'ending') return 'ended';
      return {
        callId: leg.callId,
        legId: leg.legId,
        confirmed: leg.state === 'confirmed' || leg.state === 'answered' || leg.state === 'unacked',
        initiatedHere: leg instanceof UacLeg,
      };
    }
    return this.#endedDialogs.has(dialogKey(replaces.sipCallId, replaces.toTag, replaces.fromTag))
      ? 'ended'
      : null;
  }

  /** Hands a REFER from outside the dialog that it names to that dialog's leg. */
  takeRefer(of: LegOfCall, request: SrfRequest, reply: SrfReply, headers: SipHeaders): void {
    this.#refers.take(of, request, reply, headers);
  }

  /** Ends on the wire whatever a call has left. */
  abandon(callId: string): number {
    this.#refers.callEnded(callId);
    const joined = this.#joined.abandon(callId);
    const legs = [...(this.#byCall.get(callId) ?? [])].filter((leg) => leg.state !== 'gone');
    for (const leg of legs) leg.abandon();
    return legs.length + joined;
  }

  /** The link to the SIP server is gone. */
  onLinkLost(): void {
    for (const leg of [...this.#legs.values()]) leg.onLinkLost();
    this.#refers.onLinkLost();
  }

  /** The link is back: BYEs that could not be sent go out now, as far as the server still knows the dialogs. */
  onLinkBack(): void {
    const { link, log } = this.#options;
    for (const stackDialogId of this.#byesOwed) {
      link.request('sip:placeholder', { method: 'BYE', headers: {}, stackDialogId }, (failure) => {
        if (failure) log.debug({ stackDialogId, failure }, 'the dialog is unknown to the server');
      });
    }
    this.#byesOwed.clear();
  }

  #contextOf(callId: string, legId: LegId, onClosed: () => void): LegContext {
    const { link, clock, log, emit } = this.#options;
    return {
      link,
      clock,
      log,
      emit: (event) => emit(callId, event),
      own: (dialogId) => {
        const leg = this.#legs.get(legId);
        if (!leg) return;
        this.#dialogs.set(dialogId, leg);
        this.#index(leg);
      },
      disown: (dialogId) => {
        const leg = this.#legs.get(legId);
        if (leg) this.#forgetDialog(dialogId, leg);
      },
      closed: () => {
        onClosed();
        this.#remove(legId);
      },
      byeLater: (dialogId) => {
        this.#byesOwed.add(dialogId);
      },
    };
  }

  #forgetDialog(dialogId: string, leg: LegWithDialog): void {
    if (this.#dialogs.get(dialogId) === leg) this.#dialogs.delete(dialogId);
  }

  #add(leg: LegWithDialog): void {
    this.#legs.set(leg.legId, leg);
    const legs = this.#byCall.get(leg.callId);
    if (legs) legs.add(leg);
    else this.#byCall.set(leg.callId, new Set([leg]));
  }

  #index(leg: LegWithDialog): void {
    const { sipCallId } = leg;
    if (sipCallId === null) return;
    const legs = this.#byCallId.get(sipCallId);
    if (legs) legs.add(leg);
    else this.#byCallId.set(sipCallId, new Set([leg]));
  }

  #remove(legId: LegId): void {
    const leg = this.#legs.get(legId);
    if (!leg) return;
    this.#legs.delete(legId);
    if (leg.dialog) this.#rememberEnded(leg.dialog);
    drop(this.#byCall, leg.callId, leg);
    if (leg.sipCallId !== null) drop(this.#byCallId, leg.sipCallId, leg);
  }

  #rememberEnded({ sipCallId, localTag, remoteTag }: DialogName): void {
    this.#endedDialogs.add(dialogKey(sipCallId, localTag, remoteTag));
    if (this.#endedDialogs.size <= ENDED_DIALOGS_KEPT) return;
    const oldest = this.#endedDialogs.values().next();
    if (!oldest.done) this.#endedDialogs.delete(oldest.value);
  }
}

function drop(index: Map<string, Set<Leg>>, key: string, leg: Leg): void {
  const legs = index.get(key);
  if (legs?.delete(leg) && legs.size === 0) index.delete(key);
}

const dialogKey = (sipCallId: string, localTag: string, remoteTag: string): string =>
  `${sipCallId}\n${localTag}\n${remoteTag}`;

function dialogIdOf(invite: IncomingInvite): string {
  const tag = readNameAddress(firstValue(invite.headers, 'from'))?.tag ?? '';
  return `${invite.sipCallId};from-tag=${tag}`;
}
