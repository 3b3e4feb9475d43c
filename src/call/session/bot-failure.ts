import type { CallHost } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { PolicyDecision } from '../decision.js';
import { decidedWish } from './decided-wish.js';
import type { Triggers } from './triggers.js';

/** Statuses of the bot that say something to the carrier; the others mean that we have no bot to offer. */
const TOLD_AS_IS = new Set([404, 410, 480, 484, 486, 488, 600, 603, 604, 606]);

/** The bot cannot be reached or died: hand the call to a person, or fail it so that the carrier can go elsewhere. */
export class BotFailure {
  readonly #host: CallHost;
  readonly #triggers: Triggers;

  constructor(host: CallHost, triggers: Triggers) {
    this.#host = host;
    this.#triggers = triggers;
  }

  /** `status` is what the bot answered; null where it just went away. */
  failed(status: number | null, detail: string): void {
    const host = this.#host;
    if (host.ending) return;
    host.context.event('bot_failed', { status, detail });
    const { caller } = host.roles;
    if (caller && !caller.pending) host.bridge.play(caller, host.music());
    const { to } = host.context.project.botFailure;
    const fallback: PolicyDecision =
      to === null
        ? { kind: 'none' }
        : {
            kind: 'transfer',
            rule: '',
            reason: 'bot_failure',
            to,
            mode: 'blind',
            method: null,
            evidence: detail,
          };
    this.#triggers.ask({ kind: 'bot_unreachable', status }, fallback, (decision) => {
      if (host.ending) return;
      const chosen = decision.kind === 'none' ? fallback : decision;
      if (chosen.kind === 'none' || !this.#handOver(chosen, detail)) this.giveUp(status, detail);
    });
  }

  /** Ends the call for want of a bot. */
  giveUp(status: number | null, detail: string): void {
    const configured = this.#host.context.project.botFailure.status;
    const told = status !== null && TOLD_AS_IS.has(status) ? status : configured;
    const headers = reasonHeader(status ?? told, 'No voicebot');
    this.#host.end({ endedBy: 'bot', cause: `bot_failed: ${detail}`, status: told, headers });
  }

  #handOver(decision: Extract<PolicyDecision, { kind: 'transfer' }>, detail: string): boolean {
    const rule = decision.rule === '' ? null : decision.rule;
    const evidence = decision.evidence === '' ? detail : decision.evidence;
    return this.#host.requestTransfer(decidedWish({ ...decision, rule, evidence })).accepted;
  }
}
