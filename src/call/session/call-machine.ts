import { Bridge } from '../bridge.js';
import type { CallContext } from '../call-context.js';
import type { CallEnd, CallHost, Roles, TransferListener, TransferWish } from '../call-host.js';
import type { OrderResult } from '../call-io.js';
import type { CallOrder, CallState, LegView } from '../call-record.js';
import { carriedHeaders, nextMaxForwards } from '../context/carried-headers.js';
import { carriedReason, reasonHeader } from '../context/sip-headers.js';
import type { TemplateValues } from '../context/template.js';
import type { PolicyDecision } from '../decision.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { MediaProfile } from '../leg/leg-media.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import { ListenDesk } from '../listen/listen-desk.js';
import { mediaProfile } from '../leg/media-profile.js';
import type { MediaEvent, MediaSource } from '../media-port.js';
import { IncomingRefers } from '../refer/incoming-refer.js';
import type { ReferPolicy, Trunk } from '../project.js';
import type { IncomingInvite, LegId, SignallingEvent } from '../signalling-port.js';
import { parseReplaces } from '../refer/refer-to.js';
import { TransferDesk } from '../transfer/transfer-desk.js';
import type { Party, SipHeaders } from '../vocabulary.js';
import { AgentSide } from './agent-side.js';
import { BotFailure } from './bot-failure.js';
import { BotSession } from './bot-session.js';
import { CallerSide } from './caller-side.js';
import { decidedWish } from './decided-wish.js';
import { endedRecord } from './ended-record.js';
import { LegSet } from './leg-set.js';
import { takeOrder } from './orders.js';
import { relayRequest } from './relay.js';
import { remoteOf, Replacements } from './replacement.js';
import { mayReplaceOthers, referPolicyOf } from './rights.js';
import { startedRecord } from './started-record.js';
import { refuseStray } from './stray-event.js';
import { Triggers } from './triggers.js';

/** Past this the far sides of the ports are taken for dead (ms); a BYE is given up after 32 s. */
const ENDING_GUARD_MS = 35_000;

/** The call itself: its legs and the parts that they play, from the INVITE to the last BYE. */
export class CallMachine implements CallHost {
  readonly context: CallContext;
  readonly bridge: Bridge;
  readonly roles: Roles = { caller: null, bot: null, agent: null };
  readonly listeners: ListenDesk = new ListenDesk(this);
  readonly #legs: LegSet;
  readonly #triggers: Triggers;
  readonly #desk: TransferDesk;
  readonly #refers: IncomingRefers;
  readonly #callerSide: CallerSide;
  readonly #agentSide: AgentSide;
  readonly #botSession: BotSession;
  readonly #botFailure: BotFailure;
  readonly #replacements: Replacements;
  #state: CallState = 'connecting';
  #invite: IncomingInvite | null = null;
  #maxForwards = 69;
  #startedAt = 0;
  #answered: { readonly at: number; readonly wallMs: number } | null = null;
  #away = false;
  #agentTrunk: Trunk | null = null;
  #end: CallEnd | null = null;

  constructor(context: CallContext) {
    this.context = context;
    this.bridge = new Bridge(this.music());
    this.#legs = new LegSet(context, this.bridge, () => this.ending || this.recordState());
    this.#desk = new TransferDesk(this);
    this.#refers = new IncomingRefers(this);
    this.#callerSide = new CallerSide(this);
    this.#agentSide = new AgentSide(this);
    this.#triggers = new Triggers(
      context,
      () => ({
        invite: this.invite,
        answered: this.answered,
        answeredForMs: this.#answered ? context.now() - this.#answered.at : 0,
        transfers: this.#desk.count,
        listening: this.#state === 'with_bot' && !this.#desk.busy,
      }),
      (decision) => this.#follow(decision),
    );
    this.#botSession = new BotSession(this, this.#triggers);
    this.#botFailure = new BotFailure(this, this.#triggers);
    this.#replacements = new Replacements(this, {
      leg: (legId) => this.#legs.get(legId),
      owners: { caller: this.#callerSide, bot: this.#botSession, agent: this.#agentSide },
      mayReplace: (leg) => this.#desk.mayReplace(leg),
      replaced: (leg, by) => this.#desk.replaced(leg, by),
      rang: () => this.#state === 'early',
    });
  }

  get state(): CallState {
    return this.#state;
  }
  get ended(): boolean {
    return this.#state === 'ended';
  }
  get ending(): boolean {
    return this.#end !== null;
  }
  get answered(): boolean {
    return this.#answered !== null;
  }
  get invite(): IncomingInvite {
    return this.#invite!;
  }

  signalling(event: SignallingEvent): void {
    if (event.kind === 'incoming') {
      this.#begin(event.legId, event.invite);
      return;
    }
    if (event.kind === 'incomingReplaces') {
      this.#replacements.take(event);
      return;
    }
    if (event.kind === 'claimed') {
      this.#replacements.claim(event.legId);
      return;
    }
    const leg = this.#legs.get(event.legId);
    if (leg) leg.handle(event);
    else refuseStray(this.context, event);
  }

  media(event: MediaEvent): void {
    const leg = this.#legs.get(event.legId);
    if (!leg) {
      this.context.impossible('media of an unknown leg', { leg: event.legId, kind: event.kind });
      return;
    }
    const held = leg.holding;
    leg.handleMedia(event);
    if (leg.holding !== held && !leg.gone) this.recordState();
  }

  decided(questionId: string, decision: PolicyDecision, late: boolean): void {
    // An ending call has dropped its questions: the answers that are still on the way mean nothing.
    if (!this.ending) this.#triggers.answered(questionId, decision, late);
  }

  order(order: CallOrder): OrderResult {
    if (this.ending || !this.#invite)
      return { accepted: false, code: 'call_ending', detail: 'the call is ending' };
    return takeOrder(this, this.#triggers, order);
  }

  legs(): readonly LegView[] {
    return this.#legs.views();
  }

  dump(): object {
    return {
      legs: this.#legs.dump(),
      hears: this.bridge.dump(),
      transfers: this.#desk.dump(),
      listeners: this.listeners.dump(),
      badInputs: this.context.badInputs,
    };
  }

  setState(state: CallState): void {
    if (state === this.#state || (this.ending && state !== 'ending' && state !== 'ended')) return;
    this.#state = state;
    this.recordState();
  }

  /** The state with its legs, also where only a leg's hold changed or a leg is gone. */
  recordState(): void {
    const { context, state } = this;
    const { callId } = context;
    context.record({ kind: 'call.state', callId, at: context.wallMs(), state, legs: this.legs() });
  }

  newLeg(party: Party, remote: string, profile: MediaProfile, owner: LegOwner): Leg {
    return this.takeLeg(this.context.nextLegId(), party, remote, profile, owner);
  }

  takeLeg(legId: LegId, party: Party, remote: string, profile: MediaProfile, owner: LegOwner): Leg {
    return this.#legs.add(legId, party, remote, profile, owner);
  }

  whenGone(leg: Leg, run: () => void): void {
    this.#legs.whenGone(leg, run);
  }

  outgoingHeaders(): SipHeaders {
    return {
      ...carriedHeaders(this.invite, this.context.project.carryHeaders),
      'Max-Forwards': String(this.#maxForwards),
    };
  }

  templateValues(reason: string, summary: string | null): TemplateValues {
    const { called, caller, headers } = this.invite;
    return { called, caller, callId: this.context.callId, reason, summary: summary ?? '', headers };
  }

  from(): { readonly user: string; readonly displayName: string | null } {
    return { user: this.invite.caller, displayName: this.invite.callerDisplayName };
  }

  music(): MediaSource {
    return { kind: 'music', file: this.context.project.transfer.musicFile };
  }

  /** Lets go of everything; the first cause counts. */
  end(end: CallEnd): void {
    if (this.#end) return;
    const callerLeft = end.endedBy === 'caller';
    // The transfer concludes first: its figures are asked for before the media goes.
    this.#end = end;
    this.#desk.callEnding(callerLeft, end);
    this.listeners.callEnding(end);
    this.setState('ending');
    this.#triggers.stop();
    for (const name of ['bot.answer', 'max', 'away']) this.context.timers.stop(name);
    const headers = end.headers ?? {};
    for (const leg of this.#legs.all()) {
      if (!this.#desk.keeps(leg)) leg.release({ status: end.status ?? 480, headers });
    }
    this.context.timers.start('ending', ENDING_GUARD_MS, () => this.#forgetAll());
  }

  /** After each input: ends the call for good once nothing of it is left. */
  settle(): void {
    this.listeners.follow();
    if (!this.#end || this.ended || this.#desk.busy) return;
    for (const leg of this.#legs.all()) {
      if (!leg.gone) {
        if (!this.#desk.keeps(leg)) leg.release({ headers: this.#end.headers ?? {} });
        if (!leg.idle) return;
      }
      if (!leg.media.released) return;
    }
    this.#close(this.#end);
  }

  /** A fault of ours: every leg is let go at once, whatever the machines think. */
  collapse(): void {
    try {
      this.end({ endedBy: 'relevo', cause: 'internal_error', status: 500 });
      this.settle();
    } catch {
      // The machines are beyond use; what the ports hold is freed all the same.
      this.#end ??= { endedBy: 'relevo', cause: 'internal_error' };
      for (const leg of this.#legs.all()) {
        if (!leg.gone) this.context.signalling({ kind: 'bye', legId: leg.legId, headers: {} });
        this.context.media({ kind: 'close', legId: leg.legId });
      }
      this.#close(this.#end);
    }
  }

  requestTransfer(wish: TransferWish): OrderResult {
    return this.#desk.request(wish);
  }
  cancelTransfer(transferId: string | null): boolean {
    return this.#desk.cancel(transferId, 'cancelled on request');
  }
  transferInFlight(): boolean {
    return this.#desk.inFlight;
  }
  played(promptId: string): void {
    this.#desk.played(promptId);
  }
  briefDone(): boolean {
    return this.#desk.briefDone();
  }
  botDone(): boolean {
    return this.#desk.botDone();
  }
  botLeaves(): boolean {
    return this.#desk.botLeaves();
  }
  incumbentGone(leg: Leg): void {
    this.#desk.incumbentGone(leg);
  }

  botFailed(leg: Leg | null, status: number | null, detail: string): void {
    if (this.#desk.inFlight) {
      this.context.event('bot_failed', { status, detail });
      if (leg) this.#desk.incumbentGone(leg);
    } else {
      this.#botFailure.failed(status, detail);
    }
  }

  digit(leg: Leg, digit: string, via: 'rtp' | 'info'): void {
    const { caller } = this.roles;
    // A digit in RTP is relayed there; one that came by INFO is played to the other side.
    const peer = via === 'info' ? this.bridge.peerOf(leg) : null;
    if (peer && this.bridge.peerOf(peer) === leg) peer.media.sendDtmf(digit, leg.legId);
    if (leg === caller) this.#triggers.happened({ kind: 'dtmf', digit });
  }

  relay(leg: Leg, request: InDialogRequest): void {
    relayRequest(this.bridge, leg, request);
  }
  refer(leg: Leg, request: InDialogRequest): void {
    if (this.ending || !this.answered) leg.respond(request.requestId, 603);
    else this.#refers.take(leg, request);
  }
  notify(leg: Leg, request: InDialogRequest): void {
    this.#desk.refers.notify(leg, request);
  }

  callerAnswered(): void {
    const { context, roles } = this;
    const { caller, bot } = roles;
    if (!this.#answered) {
      this.#answered = { at: context.now(), wallMs: context.wallMs() };
      const { maxDurationMs } = context.project;
      if (maxDurationMs > 0) {
        context.timers.start('max', maxDurationMs, () =>
          this.end({ endedBy: 'relevo', cause: 'max_duration' }),
        );
      }
      if (context.project.recording) caller?.media.record(context.project.recording);
      this.#triggers.startTicking();
    }
    caller?.media.watch(context.project.callerMediaTimeoutMs);
    if (bot?.up && !this.#desk.inFlight) this.setState('with_bot');
    this.#desk.callerAnswered();
  }

  callerGone(cause: string, headers: SipHeaders): void {
    if (!this.ending && this.#desk.callerLeaves()) {
      this.roles.caller = null;
      return;
    }
    const reason = { ...reasonHeader(487, 'The caller hung up'), ...carriedReason(headers) };
    this.end({ endedBy: 'caller', cause: this.#away ? 'transferred' : cause, status: 487, headers: reason });
  }

  resumeBot(): void {
    const { caller, bot } = this.roles;
    if (!caller || this.ending) return;
    if (bot?.up) {
      this.bridge.connect(caller, bot);
      this.setState('with_bot');
      return;
    }
    this.bridge.play(caller, this.music());
    this.setState('connecting');
    if (!bot) this.#botSession.invite();
  }

  joinAgent(leg: Leg, trunk: Trunk): void {
    const { caller } = this.roles;
    this.#agentTrunk = trunk;
    if (!caller) return;
    this.roles.agent = leg;
    leg.adopt(this.#agentSide);
    this.bridge.connect(caller, leg);
    if (caller.pending) caller.answer({});
    this.setState('with_agent');
  }

  joinCaller(leg: Leg, peer: Leg): void {
    const { context, roles } = this;
    roles.caller = leg;
    leg.adopt(this.#callerSide);
    this.bridge.connect(leg, peer);
    leg.media.watch(context.project.callerMediaTimeoutMs);
    this.setState(peer === roles.agent ? 'with_agent' : 'with_bot');
  }

  namedLeg(replaces: string): Leg | null {
    const dialog = parseReplaces(replaces);
    return dialog && this.#legs.named(dialog);
  }
  completeConsultation(leg: Leg, listener: TransferListener): boolean {
    return this.#desk.completeWith(leg, listener);
  }

  referPolicy(leg: Leg): ReferPolicy {
    return referPolicyOf(this.context, leg, this.#agentTrunk);
  }
  mayReplace(leg: Leg): boolean | null {
    return mayReplaceOthers(this.context, leg, this.#agentTrunk);
  }

  transferredAway(graceMs: number): void {
    const { caller } = this.roles;
    this.#away = true;
    if (caller) this.bridge.play(caller, this.music());
    this.context.timers.start('away', graceMs, () => {
      this.end({ endedBy: 'relevo', cause: 'transferred', headers: reasonHeader(200, 'Call transferred') });
    });
  }

  #begin(legId: LegId, invite: IncomingInvite): void {
    const { context } = this;
    if (this.#invite) {
      context.impossible('second INVITE', { leg: legId });
      return;
    }
    this.#invite = invite;
    this.#startedAt = context.now();
    const { trunk } = context.deps;
    const maxForwards = nextMaxForwards(invite.headers);
    this.#maxForwards = maxForwards ?? 0;
    context.legIdTaken(legId);
    context.sessionIds.learn(legId, 'caller', invite.headers);
    context.record(startedRecord(context, invite));
    const profile = mediaProfile(trunk, context.project, null);
    const caller = this.takeLeg(legId, 'caller', remoteOf(invite), profile, this.#callerSide);
    this.roles.caller = caller;
    if (maxForwards === null) {
      caller.takeIncomingRefused();
      this.end({ endedBy: 'relevo', cause: 'too_many_hops', status: 483 });
      return;
    }
    caller.takeIncoming(invite.sipCallId, invite.sdp, invite.peer);
    this.#botSession.invite();
  }

  #follow(decision: PolicyDecision): void {
    if (decision.kind === 'none' || this.ending || this.#desk.busy || this.#state !== 'with_bot') return;
    this.requestTransfer(decidedWish(decision));
  }

  #forgetAll(): void {
    this.context.event('ending_forced', { legs: this.legs().length });
    this.#legs.forgetAll();
    this.#desk.forget();
  }

  #close(end: CallEnd): void {
    const { context } = this;
    context.timers.stopAll();
    this.listeners.close();
    this.setState('ended');
    const facts = { startedAt: this.#startedAt, answered: this.#answered };
    const { results: transfers } = this.#desk;
    context.record(endedRecord(context, end, { ...facts, transfers, media: this.#legs.stats() }));
    context.emit({ port: 'end' });
  }
}
