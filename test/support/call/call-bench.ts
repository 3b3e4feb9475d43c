import assert from 'node:assert/strict';
import type { Timer } from '../../../src/common/clock.js';
import { seededRandom } from '../../../src/common/random.js';
import { Call } from '../../../src/call/call.js';
import type { SessionLimits } from '../../../src/call/call-context.js';
import type { CallCommand, CallInput, OrderResult } from '../../../src/call/call-io.js';
import type { CallOrder, CallRecord } from '../../../src/call/call-record.js';
import type { PolicyDecision, PolicyQuestion } from '../../../src/call/decision.js';
import type { DialogDirectory } from '../../../src/call/dialog-directory.js';
import { DestinationDirectory } from '../../../src/call/destinations/destination-directory.js';
import type { MediaCommand, MediaDirection, MediaEvent } from '../../../src/call/media-port.js';
import type { CallPlan, Project, Trunk } from '../../../src/call/project.js';
import type {
  IncomingInvite,
  LegId,
  PeerAbilities,
  SignallingCommand,
  SignallingEvent,
} from '../../../src/call/signalling-port.js';
import type { SipHeaders, TransferResult } from '../../../src/call/vocabulary.js';
import { VirtualClock } from '../virtual-clock.js';
import { makePlan, makeProject, makeTrunk } from './call-plan.js';

/** What the fakes do by themselves; a test switches off what it wants to do by hand. */
export interface Automatic {
  /** BYE is answered at once. */
  byes: boolean;
  /** CANCEL is answered with 487 at once. */
  cancels: boolean;
  /** Our re-INVITE, INFO, NOTIFY, OPTIONS and MESSAGE get a 200; REFER never does. */
  requests: boolean;
  /** Our 2xx is sent at once. */
  answers: boolean;
  /** The ACK of our 2xx comes at once. */
  acks: boolean;
  /** The measured silence is told at once. */
  gaps: boolean;
  /** The media of a leg is let go at once. */
  closes: boolean;
  gapMs: number;
}

export interface BenchOptions {
  readonly project?: Project;
  readonly plan?: CallPlan;
  readonly trunk?: Trunk;
  readonly directory?: DestinationDirectory;
  readonly callId?: string;
  /** Shared where several calls are on one clock. */
  readonly clock?: VirtualClock;
  readonly dialogs?: DialogDirectory;
  readonly sessions?: SessionLimits;
  readonly mixes?: boolean;
  /** Takes commands that are for another call; true where it has. */
  readonly elsewhere?: (command: SignallingCommand) => boolean;
}

type Kind<K extends SignallingCommand['kind']> = Extract<SignallingCommand, { kind: K }>;

const OPPOSITE: Readonly<Record<MediaDirection, MediaDirection>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/** A fake SDP: only its direction matters. */
export function sdp(direction: MediaDirection = 'sendrecv', mark = ''): string {
  return `v=0 ${mark} a=${direction}`;
}

function directionOf(text: string): MediaDirection {
  return (/a=(\w+)/.exec(text)?.[1] ?? 'sendrecv') as MediaDirection;
}

function narrow(ours: MediaDirection, theirs: MediaDirection): MediaDirection {
  const offered = OPPOSITE[theirs];
  const send = ['sendrecv', 'sendonly'];
  const receive = ['sendrecv', 'recvonly'];
  const sends = send.includes(ours) && send.includes(offered);
  const receives = receive.includes(ours) && receive.includes(offered);
  if (sends) return receives ? 'sendrecv' : 'sendonly';
  return receives ? 'recvonly' : 'inactive';
}

/** A whole call on fake ports and a virtual clock. Everything that was asked for is kept, and held against the contract. */
export class CallBench {
  readonly clock: VirtualClock;
  readonly call: Call;
  readonly directory: DestinationDirectory;
  readonly commands: CallCommand[] = [];
  readonly records: CallRecord[] = [];
  readonly orders = new Map<string, OrderResult>();
  readonly questions: { question: PolicyQuestion; fallback: PolicyDecision; deadlineMs: number }[] = [];
  /** Breaches of the port contracts by the call. */
  readonly breaches: string[] = [];
  readonly auto: Automatic = {
    byes: true,
    cancels: true,
    requests: true,
    answers: true,
    acks: true,
    gaps: true,
    closes: true,
    gapMs: 20,
  };
  /** What the policy decides; null leaves the question open. */
  decide: (question: PolicyQuestion, fallback: PolicyDecision) => PolicyDecision | null = (_q, fallback) =>
    fallback;
  ended = 0;
  readonly #timers = new Map<string, Timer>();
  readonly #inputs: CallInput[] = [];
  readonly #ports = new Map<LegId, 'open' | 'closed'>();
  readonly #dialogs = new Map<LegId, 'trying' | 'live' | 'gone'>();
  #busy = false;
  #orderCount = 0;
  #requestCount = 0;

  readonly #elsewhere: (command: SignallingCommand) => boolean;

  constructor(options: BenchOptions = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.#elsewhere = options.elsewhere ?? (() => false);
    const project = options.project ?? makeProject();
    const plan = options.plan ?? makePlan(project);
    this.directory = options.directory ?? new DestinationDirectory(plan, this.clock);
    this.call = new Call({
      callId: options.callId ?? 'c1',
      plan,
      project,
      trunk: options.trunk ?? makeTrunk(),
      clock: this.clock,
      random: seededRandom(7),
      destinations: this.directory,
      ...(options.dialogs ? { dialogs: options.dialogs } : {}),
      ...(options.sessions ? { sessions: options.sessions } : {}),
      ...(options.mixes === undefined ? {} : { mixes: options.mixes }),
    });
  }

  /** Everything that the call sent to signalling of this kind, oldest first. */
  sent<K extends SignallingCommand['kind']>(kind: K, legId?: LegId): Kind<K>[] {
    const out: Kind<K>[] = [];
    for (const command of this.commands) {
      if (command.port !== 'signalling' || command.command.kind !== kind) continue;
      if (legId !== undefined && command.command.legId !== legId) continue;
      out.push(command.command as Kind<K>);
    }
    return out;
  }
  /** Requests of ours of one method. */
  requests(method: string, legId?: LegId): Kind<'request'>[] {
    return this.sent('request', legId).filter((one) => one.method === method);
  }
  /** What this leg hears now; a mix is written `c1.2+c1.3`, one who listens `tap c1.1`. */
  hears(legId: LegId): string | null {
    let last: string | null = null;
    for (const command of this.commands) {
      if (command.port !== 'media' || command.command.kind !== 'hear' || command.command.legId !== legId)
        continue;
      const { source } = command.command;
      if (source.kind === 'tap') last = `tap ${source.legId}`;
      else if (source.kind === 'mix') last = source.legIds.join('+');
      else last = source.kind === 'leg' ? source.legId : source.kind;
    }
    return last;
  }
  mediaCommands(kind: MediaCommand['kind'], legId?: LegId): MediaCommand[] {
    return this.commands
      .flatMap((one) => (one.port === 'media' ? [one.command] : []))
      .filter((one) => one.kind === kind && (legId === undefined || one.legId === legId));
  }
  results(): TransferResult[] {
    return this.records.flatMap((one) => (one.kind === 'transfer.ended' ? [one.result] : []));
  }
  result(): TransferResult {
    const results = this.results();
    assert.equal(results.length, 1, 'exactly one terminal result');
    return results[0]!;
  }
  endRecord(): Extract<CallRecord, { kind: 'call.ended' }> {
    const found = this.records.find((one) => one.kind === 'call.ended');
    assert.ok(found?.kind === 'call.ended', 'call.ended was recorded');
    return found;
  }
  eventNames(): string[] {
    return this.records.flatMap((one) => (one.kind === 'call.event' ? [one.name] : []));
  }

  input(input: CallInput): void {
    this.#inputs.push(input);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
      const commands = this.call.handle(next);
      for (const command of commands) this.#take(command);
    }
    this.#busy = false;
  }
  signal(event: SignallingEvent): void {
    const { legId, kind } = event;
    const state = this.#dialogs.get(legId);
    if (kind === 'accepted' && state === 'trying') this.#dialogs.set(legId, 'live');
    if (kind === 'rejected' && state === 'trying') this.#dialogs.set(legId, 'gone');
    if ((kind === 'bye' || kind === 'gone' || kind === 'cancelled') && state !== undefined)
      this.#dialogs.set(legId, 'gone');
    this.input({ port: 'signalling', event });
  }
  media(event: MediaEvent): void {
    this.input({ port: 'media', event });
  }
  order(order: CallOrder): OrderResult {
    this.#orderCount += 1;
    const orderId = `o${this.#orderCount}`;
    this.input({ port: 'order', orderId, order });
    const result = this.orders.get(orderId);
    assert.ok(result, 'the order was answered');
    return result;
  }

  incoming(more: Partial<IncomingInvite> = {}): void {
    const legId = `${this.call.callId}.1`;
    this.#dialogs.set(legId, 'live');
    this.signal({
      kind: 'incoming',
      legId,
      invite: {
        sourceAddress: '198.51.100.7',
        sourcePort: 5060,
        transport: 'udp',
        requestUri: 'sip:+5491155550000@203.0.113.10',
        called: '+5491155550000',
        caller: '+5491144440000',
        callerDisplayName: 'Ana',
        sipCallId: 'abc@carrier',
        headers: { 'max-forwards': '70' },
        sdp: sdp(),
        peer: { allow: ['INVITE', 'REFER'], supported: ['replaces'], userAgent: 'sbc' },
        ...more,
      },
    });
  }
  /** An INVITE of the network that opened this leg. */
  adopt(legId: LegId): void {
    this.#dialogs.set(legId, 'trying');
  }
  provisional(legId: LegId, status = 180, body: string | null = null): void {
    this.signal({ kind: 'provisional', legId, status, reason: 'Ringing', sdp: body, headers: {} });
  }
  accepted(legId: LegId, body: string | null = sdp(), peer: Partial<PeerAbilities> = {}): void {
    const dialog = {
      sipCallId: `${legId}@relevo`,
      localTag: `l-${legId}`,
      remoteTag: `r-${legId}`,
      remoteTarget: `sip:agent@10.0.0.9:5062`,
    };
    const abilities = { allow: null, supported: null, userAgent: null, ...peer };
    this.signal({
      kind: 'accepted',
      legId,
      sdp: body,
      headers: {},
      dialog,
      peer: abilities,
      wantsAck: false,
    });
  }
  /** Our 2xx to an INVITE went out. */
  established(legId: LegId): void {
    this.signal({
      kind: 'established',
      legId,
      dialog: {
        sipCallId: 'abc@carrier',
        localTag: 'us',
        remoteTag: 'them',
        remoteTarget: 'sip:caller@198.51.100.7',
      },
    });
    if (this.auto.acks) this.signal({ kind: 'acked', legId, requestId: null, sdp: null });
  }
  rejected(legId: LegId, status: number, reason = 'No'): void {
    this.signal({ kind: 'rejected', legId, status, reason, headers: {} });
  }
  bye(legId: LegId, headers: SipHeaders = {}): void {
    this.signal({ kind: 'bye', legId, headers, byStack: null });
  }
  /** A request of the peer; the requestId is returned. */
  request(legId: LegId, method: Kind<'request'>['method'], more: Partial<Kind<'request'>> = {}): string {
    this.#requestCount += 1;
    const requestId = `p${this.#requestCount}`;
    const { headers = {}, body = null, contentType = null } = more;
    this.signal({ kind: 'request', legId, requestId, method, headers, body, contentType });
    return requestId;
  }
  /** The status that a request of the peer got; null where it is open. */
  statusOf(requestId: string): number | null {
    const answers = this.sent('respond').filter((one) => one.requestId === requestId);
    assert.ok(answers.length <= 1, `${requestId} was answered once`);
    return answers[0]?.status ?? null;
  }
  /** Answers the last request of ours of this method. */
  respond(method: string, status: number, headers: SipHeaders = {}, body: string | null = null): void {
    const last = this.requests(method).at(-1);
    assert.ok(last, `a ${method} was sent`);
    const { legId, requestId } = last;
    this.signal({ kind: 'response', legId, requestId, status, reason: 'R', headers, body, wantsAck: false });
  }
  notify(legId: LegId, line: string, state = 'active', event = 'refer'): string {
    const headers = { event, 'subscription-state': state };
    return this.request(legId, 'NOTIFY', {
      headers,
      body: line === '' ? null : `${line}\r\n`,
      contentType: 'message/sipfrag',
    });
  }
  info(legId: LegId, body: object): string {
    return this.request(legId, 'INFO', { contentType: 'application/json', body: JSON.stringify(body) });
  }

  /** A call that is with the bot: the caller is c1.1, the bot c1.2. */
  withBot(more: Partial<IncomingInvite> = {}): this {
    this.incoming(more);
    this.accepted(`${this.call.callId}.2`);
    assert.equal(this.call.state, 'with_bot');
    return this;
  }
  /** An operator is to hear the call. */
  listen(to = 'second', listenerId = 'l1'): OrderResult {
    return this.order({ kind: 'listen', listenerId, to, by: 'ana' });
  }
  transfer(more: Partial<Extract<CallOrder, { kind: 'transfer' }>> = {}): OrderResult {
    return this.order({
      kind: 'transfer',
      transferId: 't1',
      to: null,
      reason: 'operator',
      mode: null,
      method: null,
      headers: {},
      summary: null,
      ...more,
    });
  }

  get pendingTimers(): string[] {
    return [...this.#timers.keys()];
  }

  /** Nothing is left: no leg, no port, no timer, and no rule of the ports was broken. */
  assertOver(): void {
    assert.deepEqual(this.breaches, []);
    assert.equal(this.ended, 1, `end was emitted once; ${JSON.stringify(this.call.dump())}`);
    assert.deepEqual(this.pendingTimers, []);
    assert.deepEqual(
      [...this.#ports].filter(([, state]) => state === 'open'),
      [],
      'every port is closed',
    );
    assert.deepEqual(
      [...this.#dialogs].filter(([, state]) => state !== 'gone'),
      [],
      'every leg is gone',
    );
    const started = this.records.filter((one) => one.kind === 'transfer.started').length;
    assert.equal(this.results().length, started, 'one terminal result for each transfer');
    assert.equal(this.records.filter((one) => one.kind === 'call.ended').length, 1);
    assert.equal(this.eventNames().includes('internal_error'), false, JSON.stringify(this.records));
  }

  #take(command: CallCommand): void {
    this.commands.push(command);
    if (this.ended > 0) this.breaches.push(`command after end: ${JSON.stringify(command)}`);
    switch (command.port) {
      case 'signalling':
        this.#signalling(command.command);
        return;
      case 'media':
        this.#media(command.command);
        return;
      case 'policy': {
        const { question, fallback, deadlineMs } = command;
        this.questions.push({ question, fallback, deadlineMs });
        const decision = this.decide(question, fallback);
        if (decision) this.input({ port: 'policy', questionId: question.questionId, decision, late: false });
        return;
      }
      case 'timer': {
        const { name, afterMs } = command;
        this.#timers.get(name)?.cancel();
        this.#timers.delete(name);
        if (afterMs === null) return;
        const fire = (): void => {
          this.#timers.delete(name);
          this.input({ port: 'timer', name });
        };
        this.#timers.set(name, this.clock.after(afterMs, fire));
        return;
      }
      case 'record':
        this.records.push(command.record);
        return;
      case 'order':
        this.orders.set(command.orderId, command.result);
        return;
      case 'end':
        this.ended += 1;
        return;
    }
  }

  #signalling(command: SignallingCommand): void {
    const { legId } = command;
    if (this.#elsewhere(command)) return;
    const state = this.#dialogs.get(legId);
    if (command.kind === 'invite') {
      if (state !== undefined) this.breaches.push(`second INVITE on ${legId}`);
      this.#dialogs.set(legId, 'trying');
      return;
    }
    if (command.kind === 'respond') return;
    if (state === 'gone') this.breaches.push(`${command.kind} on ${legId}, which is gone`);
    switch (command.kind) {
      case 'bye':
        if (this.sent('bye', legId).length > 1) this.breaches.push(`second BYE on ${legId}`);
        if (this.auto.byes) this.signal({ kind: 'gone', legId });
        return;
      case 'cancel':
        if (this.auto.cancels) this.rejected(legId, 487, 'Request Terminated');
        return;
      case 'reject':
        this.#dialogs.set(legId, 'gone');
        return;
      case 'accept':
        if (this.#dialogs.get(legId) !== 'gone' && this.auto.answers) this.established(legId);
        return;
      case 'request': {
        if (!this.auto.requests || command.method === 'REFER') return;
        const { requestId, method } = command;
        const body = method === 'INVITE' ? sdp(OPPOSITE[directionOf(command.body ?? '')]) : null;
        this.signal({
          kind: 'response',
          legId,
          requestId,
          status: 200,
          reason: 'OK',
          headers: {},
          body,
          wantsAck: false,
        });
        return;
      }
      default:
        return;
    }
  }

  #media(command: MediaCommand): void {
    const { legId } = command;
    if (this.#ports.get(legId) === 'closed') {
      this.breaches.push(`${command.kind} on the closed media of ${legId}`);
      return;
    }
    switch (command.kind) {
      case 'makeOffer':
        this.#ports.set(legId, 'open');
        this.media({
          kind: 'localSdp',
          legId,
          requestId: command.requestId,
          sdp: sdp(command.direction, 'offer'),
          direction: command.direction,
        });
        return;
      case 'makeAnswer': {
        this.#ports.set(legId, 'open');
        const direction = narrow(command.direction, directionOf(command.remoteSdp));
        if (command.remoteSdp.includes('bad')) {
          const { requestId } = command;
          this.media({
            kind: 'mediaFailed',
            legId,
            requestId,
            status: 488,
            code: 'no_codec',
            detail: 'no common codec',
          });
          return;
        }
        this.media({
          kind: 'localSdp',
          legId,
          requestId: command.requestId,
          sdp: sdp(direction, 'answer'),
          direction,
        });
        return;
      }
      case 'takeAnswer': {
        const { requestId } = command;
        if (command.remoteSdp.includes('bad')) {
          this.media({
            kind: 'mediaFailed',
            legId,
            requestId,
            status: 488,
            code: 'no_codec',
            detail: 'no common codec',
          });
          return;
        }
        this.media({
          kind: 'mediaReady',
          legId,
          requestId,
          direction: OPPOSITE[directionOf(command.remoteSdp)],
        });
        return;
      }
      case 'stopGap':
        if (!this.auto.gaps) return;
        this.media({ kind: 'gap', legId, requestId: command.requestId, gapMs: this.auto.gapMs });
        return;
      case 'close':
        this.#ports.set(legId, 'closed');
        if (this.auto.closes) this.media({ kind: 'closed', legId, stats: null });
        return;
      case 'hear':
      case 'sendDtmf':
      case 'beep':
      case 'record':
      case 'watch':
      case 'startGap':
        if (this.#ports.get(legId) !== 'open')
          this.breaches.push(`${command.kind} on ${legId} without a port`);
        return;
    }
  }
}
