import type { Bridge } from './bridge.js';
import type { CallContext } from './call-context.js';
import type { OrderResult } from './call-io.js';
import type { CallOrder, CallState } from './call-record.js';
import type { MediaProfile } from './leg/leg-media.js';
import type { InDialogRequest } from './leg/in-dialog.js';
import type { Leg, LegOwner } from './leg/leg.js';
import type { MediaSource } from './media-port.js';
import type { ReferPolicy, Trunk } from './project.js';
import type { IncomingInvite, LegId, LegOfCall } from './signalling-port.js';
import type {
  EndedBy,
  Party,
  SipHeaders,
  TransferMethod,
  TransferMode,
  TransferOutcome,
  TransferReason,
  TransferResult,
} from './vocabulary.js';
import type { TemplateValues } from './context/template.js';

/** Who hears of a transfer beside the records: the one who asked for it inside SIP. */
export interface TransferListener {
  provisional(status: number, reason: string): void;
  /** The outcome is certain; the legs are about to be let go. */
  concluded(outcome: TransferOutcome): void;
  ended(result: TransferResult): void;
}

/** A wish to hand the call over, from whatever side it comes. */
export interface TransferWish {
  readonly transferId: string | null;
  readonly to: string | null;
  readonly reason: TransferReason;
  readonly rule: string | null;
  readonly evidence: string | null;
  readonly mode: TransferMode | null;
  readonly method: TransferMethod | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly summary: string | null;
  /** Referred-By as the referrer gave it; null for ours. */
  readonly referredBy: string | null;
  /** Value of Replaces where the referrer has its own consultation with the target. */
  readonly replaces: string | null;
  readonly listener: TransferListener | null;
  /** The leg whose REFER asks for it. */
  readonly referrer?: Leg;
  /** The other side is asked by REFER to dial: the trunk's `refer_policy: pass`. */
  readonly passOn?: boolean;
  /** The leg of another call of this node that `replaces` names: its far end is the target. */
  readonly join?: LegOfCall;
}

/** How a call is to end. */
export interface CallEnd {
  readonly endedBy: EndedBy;
  readonly cause: string;
  /** Status for a caller that was not answered yet. */
  readonly status?: number;
  readonly headers?: SipHeaders;
}

/** The operators who hear a call. */
export interface Listeners {
  /** Somebody listens, or is being called to. */
  readonly active: boolean;
  /** Calls an operator, or says why not. The same id again is the same request. */
  start(order: Extract<CallOrder, { kind: 'listen' }>): OrderResult;
  /** Lets one go; its phone gets BYE or CANCEL. */
  stop(listenerId: string): OrderResult;
}

/** The legs that play a part now. */
export interface Roles {
  caller: Leg | null;
  bot: Leg | null;
  agent: Leg | null;
}

/** What the machines of one call need of each other. */
export interface CallHost {
  readonly context: CallContext;
  readonly bridge: Bridge;
  readonly roles: Roles;
  readonly listeners: Listeners;
  readonly invite: IncomingInvite;
  readonly ending: boolean;
  readonly answered: boolean;
  setState(state: CallState): void;
  /** The legs are others than were told last. */
  recordState(): void;
  newLeg(party: Party, remote: string, profile: MediaProfile, owner: LegOwner): Leg;
  /** A leg that the adapter numbered: one that came in. */
  takeLeg(legId: LegId, party: Party, remote: string, profile: MediaProfile, owner: LegOwner): Leg;
  /** Runs once when nothing of the leg's dialog is left. */
  whenGone(leg: Leg, run: () => void): void;
  /** Headers for a leg of ours: what is carried from the caller, with Session-ID and Max-Forwards. */
  outgoingHeaders(): SipHeaders;
  templateValues(reason: string, summary: string | null): TemplateValues;
  from(): { readonly user: string; readonly displayName: string | null };
  music(): MediaSource;
  end(end: CallEnd): void;
  requestTransfer(wish: TransferWish): OrderResult;
  cancelTransfer(transferId: string | null): boolean;
  transferInFlight(): boolean;
  /** A prompt that the caller heard ended. */
  played(promptId: string): void;
  /** The bot says that the agent may have the caller (end of a brief by the bot). */
  briefDone(): boolean;
  /** The bot left or died while a transfer is in flight. */
  incumbentGone(leg: Leg): void;
  /** The bot cannot be reached or died. */
  botFailed(leg: Leg | null, status: number | null, detail: string): void;
  /** A digit of the caller or of the connected agent. */
  digit(leg: Leg, digit: string, via: 'rtp' | 'info'): void;
  /** Passes INFO or MESSAGE to the other side and its response back. */
  relay(leg: Leg, request: InDialogRequest): void;
  refer(leg: Leg, request: InDialogRequest): void;
  notify(leg: Leg, request: InDialogRequest): void;
  /** The caller's leg stands: our 2xx went out. */
  callerAnswered(): void;
  /** The caller's leg ended (`headers` of its BYE) or was lost. */
  callerGone(cause: string, headers: SipHeaders): void;
  /** The caller hears the bot again: the same session, or a new one where the bot is gone. */
  resumeBot(): void;
  /** The person and the caller are joined. */
  joinAgent(leg: Leg, trunk: Trunk): void;
  /** A new leg plays the caller's part from now on, and talks to `peer`. */
  joinCaller(leg: Leg, peer: Leg): void;
  /** The leg of this very call that a value of Replaces names. */
  namedLeg(replaces: string): Leg | null;
  /** May the far end of this leg name dialogs of other calls in Replaces? Null where no trunk of its own says so. */
  mayReplace(leg: Leg): boolean | null;
  /** The running transfer is completed with the person on this leg; false where none consults by it. */
  completeConsultation(leg: Leg, listener: TransferListener): boolean;
  /** What becomes of a REFER on this leg. */
  referPolicy(leg: Leg): ReferPolicy;
  /** The bot says that it has finished its sentence; false where nobody waited. */
  botDone(): boolean;
  /** The bot wants to hang up: true where it leaves the caller to a person, and the call goes on. */
  botLeaves(): boolean;
  /** After a REFER that worked the caller leaves by itself; `graceMs` bounds that. */
  transferredAway(graceMs: number): void;
}
