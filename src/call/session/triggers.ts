import type { CallContext } from '../call-context.js';
import type { CallFacts, PolicyDecision, PolicyEvent } from '../decision.js';
import type { IncomingInvite } from '../signalling-port.js';

const KEPT_TURNS = 32;
const KEPT_DIGITS = 32;
const TICK_MS = 1_000;
/** How long after its question a decision is still what the caller asked for (docs/decisions/0008). */
const OVERDUE_MS = 5_000;

/** What the triggers need to know of the call at the moment of a question. */
export interface TriggerView {
  readonly invite: IncomingInvite;
  readonly answered: boolean;
  readonly answeredForMs: number;
  readonly transfers: number;
  /** May a rule move the call now: with the bot, no transfer in flight? */
  readonly listening: boolean;
}

type Decided = (decision: PolicyDecision) => void;

interface Pending {
  readonly event: PolicyEvent['kind'];
  readonly askedAt: number;
  /** Transfers so far: a late decision counts only where there was none meanwhile. */
  readonly transfers: number;
  readonly decided: Decided;
}

/** Events that the caller or the bot caused once; a tick comes again, and a bot that failed is dealt with at once. */
const HONOURED_LATE: ReadonlySet<PolicyEvent['kind']> = new Set([
  'turn',
  'no_match',
  'no_input',
  'dtmf',
  'custom',
]);

/** Keeps the facts that rules look at, and asks the policy, always with a deadline and a default. */
export class Triggers {
  readonly #context: CallContext;
  readonly #view: () => TriggerView;
  readonly #pending = new Map<string, Pending>();
  /** Questions that the default decided; the policy may answer yet. */
  readonly #overdue = new Map<string, Pending>();
  readonly #decided: Decided;
  #lastQuestion = 0;
  #turns: { intent: string | null; confidence: number | null }[] = [];
  #noMatchRun = 0;
  #noInputRun = 0;
  #digits = '';
  #tickAsked: string | null = null;

  /** `decided` takes the decisions on ordinary events. */
  constructor(context: CallContext, view: () => TriggerView, decided: Decided) {
    this.#context = context;
    this.#view = view;
    this.#decided = decided;
  }

  /** Something that a rule may care about happened. */
  happened(event: PolicyEvent): void {
    this.#keep(event);
    if (this.#view().listening) this.ask(event, { kind: 'none' }, this.#decided);
  }

  /** Asks one question; `decided` comes once, with the fallback where the policy is late. */
  ask(event: PolicyEvent, fallback: PolicyDecision, decided: Decided): string {
    this.#lastQuestion += 1;
    const questionId = `${this.#context.callId}.q${this.#lastQuestion}`;
    const { transfers } = this.#view();
    this.#pending.set(questionId, { event: event.kind, askedAt: this.#context.now(), transfers, decided });
    const question = { questionId, event, facts: this.#facts() };
    this.#context.emit({
      port: 'policy',
      question,
      deadlineMs: this.#context.project.policyDeadlineMs,
      fallback,
    });
    return questionId;
  }

  answered(questionId: string, decision: PolicyDecision, late: boolean): void {
    const asked = this.#pending.get(questionId);
    if (!asked) {
      if (late) this.#afterDeadline(questionId, decision);
      else this.#context.impossible('decision that nobody awaits', { questionId });
      return;
    }
    this.#pending.delete(questionId);
    if (this.#tickAsked === questionId) this.#tickAsked = null;
    if (late) {
      this.#context.event('policy_late', { questionId, decision: decision.kind });
      this.#keepOverdue(questionId, asked);
    }
    asked.decided(decision);
  }

  #keepOverdue(questionId: string, asked: Pending): void {
    const now = this.#context.now();
    for (const [id, { askedAt }] of this.#overdue) if (now - askedAt > OVERDUE_MS) this.#overdue.delete(id);
    if (HONOURED_LATE.has(asked.event)) this.#overdue.set(questionId, asked);
  }

  /** The policy answers a question that its default has decided: still what the caller asked for, if nothing else happened. */
  #afterDeadline(questionId: string, decision: PolicyDecision): void {
    const asked = this.#overdue.get(questionId);
    this.#overdue.delete(questionId);
    if (!asked || decision.kind === 'none') return;
    const afterMs = Math.round(this.#context.now() - asked.askedAt);
    const { listening, transfers } = this.#view();
    const honoured = afterMs <= OVERDUE_MS && listening && transfers === asked.transfers;
    this.#context.event('policy_overdue', { questionId, decision: decision.kind, afterMs, honoured });
    if (honoured) asked.decided(decision);
  }

  /** Starts the clock for rules that look at time; without such a rule there is none. */
  startTicking(): void {
    const timed = this.#context.project.rules.some(
      ({ condition }) => condition.kind === 'duration' || condition.kind === 'when',
    );
    if (timed) this.#context.timers.start('tick', TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#context.timers.stop('tick');
    this.#pending.clear();
    this.#overdue.clear();
  }

  #tick(): void {
    this.#context.timers.start('tick', TICK_MS, () => this.#tick());
    if (this.#tickAsked !== null || !this.#view().listening) return;
    this.#tickAsked = this.ask({ kind: 'tick' }, { kind: 'none' }, this.#decided);
  }

  #keep(event: PolicyEvent): void {
    switch (event.kind) {
      case 'turn':
        this.#turns = [...this.#turns, { intent: event.intent, confidence: event.confidence }].slice(
          -KEPT_TURNS,
        );
        this.#noMatchRun = 0;
        this.#noInputRun = 0;
        return;
      case 'no_match':
        this.#noMatchRun += 1;
        this.#noInputRun = 0;
        return;
      case 'no_input':
        this.#noInputRun += 1;
        return;
      case 'dtmf':
        this.#digits = (this.#digits + event.digit).slice(-KEPT_DIGITS);
        return;
      default:
        return;
    }
  }

  #facts(): CallFacts {
    const { invite, answered, answeredForMs, transfers } = this.#view();
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(invite.headers)) {
      headers[name] = typeof value === 'string' ? value : value.join(', ');
    }
    return {
      callId: this.#context.callId,
      project: this.#context.project.name,
      caller: invite.caller,
      called: invite.called,
      trunk: this.#context.deps.trunk.name,
      headers,
      durationS: Math.floor(answeredForMs / 1000),
      answered,
      turns: this.#turns,
      noMatchRun: this.#noMatchRun,
      noInputRun: this.#noInputRun,
      digits: this.#digits,
      transfers,
    };
  }
}
