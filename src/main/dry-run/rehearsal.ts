import { Call } from '../../call/call.js';
import type { CallCommand, CallInput } from '../../call/call-io.js';
import type { CallOrder, CallRecord } from '../../call/call-record.js';
import type { PolicyDecision, PolicyEvent, PolicyQuestion } from '../../call/decision.js';
import { DestinationDirectory, type DirectoryState } from '../../call/destinations/destination-directory.js';
import type { MediaCommand, MediaDirection } from '../../call/media-port.js';
import type { CallPlan, Project, Trunk } from '../../call/project.js';
import type {
  IncomingInvite,
  LegId,
  SignallingCommand,
  SignallingEvent,
} from '../../call/signalling-port.js';
import { seededRandom } from '../../common/random.js';
import { RehearsalClock } from './rehearsal-clock.js';

/** What the people that are reached are supposed to do. */
export type Supposition = 'everybody fails' | 'the first answers';

export interface RehearsalOptions {
  readonly plan: CallPlan;
  readonly project: Project;
  readonly trunk: Trunk;
  /** Who is busy and what was learned, as the running node knows it; null for a fresh one. */
  readonly state: DirectoryState | null;
  readonly atMs: number;
  readonly decide: (question: PolicyQuestion) => PolicyDecision;
  readonly supposition: Supposition;
}

/** A question that was asked, and its answer. */
export interface AskedQuestion {
  readonly question: PolicyQuestion;
  readonly decision: PolicyDecision;
  readonly deadlineMs: number;
}

/** A request of ours, with the timers (ms left) that ran when it was sent and the answer that it was given. */
export interface SentRequest {
  readonly command: Extract<SignallingCommand, { kind: 'invite' | 'request' | 'bye' }>;
  readonly timers: Readonly<Record<string, number>>;
  supposed: string;
}

const CALL_ID = 'dry-run';
const CALLER = `${CALL_ID}.1`;
const BOT = `${CALL_ID}.2`;
const SDP = 'v=0';
const SILENT_PEER = { allow: null, supported: null, userAgent: null };

/**
 * Plays one described call against the call machine itself, on a clock of its own: peers answer as they are
 * supposed to, nothing leaves the process. What is sent here is what would be sent on the wire.
 */
export class Rehearsal {
  readonly clock: RehearsalClock;
  readonly directory: DestinationDirectory;
  readonly questions: AskedQuestion[] = [];
  readonly sent: SentRequest[] = [];
  readonly records: CallRecord[] = [];
  readonly #options: RehearsalOptions;
  readonly #call: Call;
  readonly #timers = new Map<string, number>();
  readonly #inputs: CallInput[] = [];
  #running = false;
  #orders = 0;
  #requests = 0;
  #botFails: number | null = null;
  #answeredBy: LegId | null = null;

  constructor(options: RehearsalOptions) {
    this.#options = options;
    const { plan, project, trunk } = options;
    this.clock = new RehearsalClock(options.atMs);
    this.directory = new DestinationDirectory(plan, this.clock);
    if (options.state) this.directory.restore(options.state, this.clock.now());
    this.#call = new Call({
      callId: CALL_ID,
      plan,
      project,
      trunk,
      clock: this.clock,
      random: seededRandom(1),
      destinations: this.directory,
    });
  }

  get state(): string {
    return this.#call.state;
  }

  /** A transfer was asked for: nothing that happens after it is of interest. */
  get decided(): boolean {
    return this.records.some(({ kind }) => kind === 'transfer.started');
  }

  /** The call comes in; `botFails` is the status that the bot answers, null where it takes the call. */
  begin(invite: IncomingInvite, botFails: number | null): void {
    this.#botFails = botFails;
    this.#signal({ kind: 'incoming', legId: CALLER, invite });
  }

  happens(event: PolicyEvent): void {
    if (event.kind === 'dtmf') {
      for (const digit of event.digit)
        this.#input({ port: 'media', event: { kind: 'dtmf', legId: CALLER, digit, durationMs: 100 } });
    } else if (event.kind === 'bot_unreachable') {
      const headers = { reason: `SIP;cause=${event.status ?? 503}` };
      this.#signal({ kind: 'bye', legId: BOT, headers, byStack: null });
    } else {
      this.order({ kind: 'botEvent', event });
    }
  }

  order(order: CallOrder): void {
    this.#orders += 1;
    this.#input({ port: 'order', orderId: `o${this.#orders}`, order });
  }

  /** Lets time pass, timer by timer, up to the first transfer. */
  pass(ms: number): void {
    const end = this.clock.now() + ms;
    while (!this.decided) {
      const next = [...this.#timers].filter(([, at]) => at <= end).sort((a, b) => a[1] - b[1])[0];
      if (!next) break;
      this.#fire(next[0], next[1]);
    }
    if (!this.decided) this.clock.moveTo(end);
  }

  /** Lets the timers of a transfer run out until it has its result. */
  finish(): void {
    for (let rounds = 0; rounds < 100 && !this.#concluded(); rounds++) {
      const next = [...this.#timers].sort((a, b) => a[1] - b[1])[0];
      if (!next) return;
      this.#fire(next[0], next[1]);
    }
  }

  #concluded(): boolean {
    return this.records.some(({ kind }) => kind === 'transfer.ended');
  }

  #fire(name: string, at: number): void {
    this.#timers.delete(name);
    this.clock.moveTo(at);
    this.#input({ port: 'timer', name });
  }

  #signal(event: SignallingEvent): void {
    this.#input({ port: 'signalling', event });
  }

  #input(input: CallInput): void {
    this.#inputs.push(input);
    if (this.#running) return;
    this.#running = true;
    for (let next = this.#inputs.shift(); next; next = this.#inputs.shift())
      for (const command of this.#call.handle(next)) this.#take(command);
    this.#running = false;
  }

  #take(command: CallCommand): void {
    switch (command.port) {
      case 'signalling':
        this.#signalling(command.command);
        return;
      case 'media':
        this.#media(command.command);
        return;
      case 'policy': {
        const { question, deadlineMs } = command;
        const decision = this.#options.decide(question);
        this.questions.push({ question, decision, deadlineMs });
        this.#input({ port: 'policy', questionId: question.questionId, decision, late: false });
        return;
      }
      case 'timer':
        if (command.afterMs === null) this.#timers.delete(command.name);
        else this.#timers.set(command.name, this.clock.now() + command.afterMs);
        return;
      case 'record':
        this.records.push(command.record);
        if (command.record.kind === 'transfer.progress' && command.record.progress === 'answered')
          this.#pressAcceptDigit();
        return;
      case 'order':
      case 'end':
        return;
    }
  }

  #signalling(command: SignallingCommand): void {
    const { legId } = command;
    switch (command.kind) {
      case 'invite':
        this.#answerInvite(legId, this.#note(command));
        return;
      case 'request':
        this.#answerRequest(command, this.#note(command));
        return;
      case 'bye':
        this.#note(command).supposed = '200 OK';
        this.#signal({ kind: 'gone', legId });
        return;
      case 'cancel':
        this.#reject(legId, 487, 'Request Terminated');
        return;
      case 'accept':
        this.#signal({ kind: 'established', legId, dialog: dialogOf(legId) });
        this.#signal({ kind: 'acked', legId, requestId: null, sdp: null });
        return;
      case 'provisional':
      case 'reject':
      case 'ack':
      case 'respond':
      case 'claim':
      case 'notify':
        return;
    }
  }

  #note(command: SentRequest['command']): SentRequest {
    const now = this.clock.now();
    const timers: Record<string, number> = {};
    for (const [name, at] of this.#timers) timers[name.replace(`.${command.legId}`, '')] = at - now;
    const sent = { command, timers, supposed: '' };
    this.sent.push(sent);
    return sent;
  }

  #answerInvite(legId: LegId, sent: SentRequest): void {
    if (legId === BOT && this.#botFails !== null) {
      sent.supposed = String(this.#botFails);
      this.#reject(legId, this.#botFails, 'Bot Unreachable');
    } else if (legId === BOT || this.#options.supposition === 'the first answers') {
      sent.supposed = '200 OK';
      this.#accept(legId);
    } else {
      sent.supposed = '486 Busy Here';
      this.#reject(legId, 486, 'Busy Here');
    }
  }

  #accept(legId: LegId): void {
    const dialog = dialogOf(legId);
    const rest = { sdp: SDP, headers: {}, dialog, peer: SILENT_PEER, wantsAck: false };
    this.#signal({ kind: 'accepted', legId, ...rest });
    if (legId !== BOT) this.#answeredBy = legId;
  }

  /** The person who answered takes the call. */
  #pressAcceptDigit(): void {
    const { acceptDigit: digit } = this.#options.project.transfer;
    const legId = this.#answeredBy;
    if (digit === null || legId === null) return;
    this.#input({ port: 'media', event: { kind: 'dtmf', legId, digit, durationMs: 100 } });
  }

  #reject(legId: LegId, status: number, reason: string): void {
    this.#signal({ kind: 'rejected', legId, status, reason, headers: {} });
  }

  #answerRequest(command: Extract<SignallingCommand, { kind: 'request' }>, sent: SentRequest): void {
    const { legId, requestId, method } = command;
    const refused = method === 'REFER' && this.#options.supposition === 'everybody fails';
    const status = refused ? 405 : method === 'REFER' ? 202 : 200;
    sent.supposed = refused ? '405 Method Not Allowed' : method === 'REFER' ? '202, NOTIFY 200 OK' : '200 OK';
    const answer = { reason: '', headers: { cseq: '2 REFER' }, body: null, wantsAck: false };
    this.#signal({ kind: 'response', legId, requestId, status, ...answer });
    if (method !== 'REFER' || refused) return;
    this.#requests += 1;
    this.#signal({
      kind: 'request',
      legId,
      requestId: `n${this.#requests}`,
      method: 'NOTIFY',
      headers: { event: 'refer;id=2', 'subscription-state': 'terminated;reason=noresource' },
      body: 'SIP/2.0 200 OK\r\n',
      contentType: 'message/sipfrag',
    });
  }

  #media(command: MediaCommand): void {
    const { legId } = command;
    switch (command.kind) {
      case 'makeOffer':
      case 'makeAnswer': {
        const { requestId } = command;
        const direction: MediaDirection = command.direction;
        this.#input({ port: 'media', event: { kind: 'localSdp', legId, requestId, sdp: SDP, direction } });
        return;
      }
      case 'takeAnswer': {
        const { requestId } = command;
        this.#input({
          port: 'media',
          event: { kind: 'mediaReady', legId, requestId, direction: 'sendrecv' },
        });
        return;
      }
      case 'stopGap':
        this.#input({
          port: 'media',
          event: { kind: 'gap', legId, requestId: command.requestId, gapMs: 0 },
        });
        return;
      case 'close':
        this.#input({ port: 'media', event: { kind: 'closed', legId, stats: null } });
        return;
      case 'hear':
        if (command.source.kind === 'file') {
          const { promptId } = command.source;
          this.#input({ port: 'media', event: { kind: 'played', legId, promptId } });
        }
        return;
      case 'sendDtmf':
      case 'record':
      case 'watch':
      case 'beep':
      case 'startGap':
        return;
    }
  }
}

function dialogOf(legId: LegId) {
  return {
    sipCallId: `${legId}@dry-run`,
    localTag: 'relevo',
    remoteTag: 'peer',
    remoteTarget: 'sip:peer@dry-run.invalid',
  };
}
