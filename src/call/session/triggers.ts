import type { CallContext } from '../call-context.js';
import type { CallFacts, PolicyDecision, PolicyEvent } from '../decision.js';
import type { IncomingInvite } from '../signalling-port.js';

const KEPT_TURNS = 32;
const KEPT_DIGITS = 32;
const TICK_MS = 1_000;

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

/** Keeps the facts that rules look at, and asks the policy, always with a deadline and a default. */
export class Triggers {
  readonly #context: CallContext;
  readonly #view: () => TriggerView;
  readonly #pending = new Map<string, Decided>();
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
    this.#pending.set(questionId, decided);
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
    const decided = this.#pending.get(questionId);
    if (!decided) {
      this.#context.impossible('decision that nobody awaits', { questionId });
      return;
    }
    this.#pending.delete(questionId);
    if (this.#tickAsked === questionId) this.#tickAsked = null;
    if (late) this.#context.event('policy_late', { questionId, decision: decision.kind });
    decided(decision);
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
