import type { CallHost } from '../call-host.js';
import { answerHeaders } from '../context/answer-headers.js';
import { fillTemplate, fillUri, headerSafe } from '../context/template.js';
import { carriedReason, headerValues, reasonHeader } from '../context/sip-headers.js';
import { mayBeSet } from '../context/context-headers.js';
import type { InDialogRequest, LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import { mediaProfile } from '../leg/media-profile.js';
import type { Bot } from '../project.js';
import type { SipHeaders } from '../vocabulary.js';
import { ConversingLeg } from './conversing-leg.js';
import { isBotDone, parseBotMessage } from './bot-message.js';
import { InfoListener } from './info-listener.js';
import type { Triggers } from './triggers.js';

/** Does the Reason of a BYE say that the bot broke down, rather than that it was done? */
function saysFailure(headers: SipHeaders): boolean {
  return headerValues(headers, 'reason').some((value) => {
    const cause = Number(/cause\s*=\s*(\d+)/i.exec(value)?.[1] ?? NaN);
    if (/^\s*q\.850/i.test(value)) return cause >= 34;
    return cause === 408 || (cause >= 500 && cause < 600);
  });
}

/** The bot's part of the call: it is invited, talks, says what it noticed, and leaves or breaks down. */
export class BotSession extends ConversingLeg implements LegOwner {
  readonly #triggers: Triggers;

  constructor(host: CallHost, triggers: Triggers) {
    super(host);
    this.#triggers = triggers;
  }

  /** Invites the bot; the caller may be unanswered (a new call) or waiting (the bot comes back). */
  invite(): void {
    const host = this.host;
    const { plan, project } = host.context.deps;
    const bot = plan.bots[project.bot];
    if (!bot) {
      host.botFailed(null, null, `bot ${project.bot} is not configured`);
      return;
    }
    const trunk = bot.trunk === null ? null : (plan.trunks[bot.trunk] ?? null);
    const profile = mediaProfile(trunk, project, bot.uri);
    const leg = host.newLeg('bot', bot.uri, profile, this);
    host.roles.bot = leg;
    const values = host.templateValues('', null);
    host.context.timers.start('bot.answer', bot.answerTimeoutMs, () => this.#noAnswer(leg));
    leg.dial({
      uri: fillUri(bot.uri, values),
      proxies: [],
      from: host.from(),
      headers: { ...host.outgoingHeaders(), ...this.#botHeaders(bot) },
      auth: trunk?.auth ?? null,
    });
  }

  legProgress(leg: Leg, status: number, earlyMedia: boolean): void {
    const { roles, bridge } = this.host;
    if (roles.bot !== leg || !roles.caller?.pending || this.host.transferInFlight()) return;
    if (earlyMedia) bridge.listen(roles.caller, leg);
    roles.caller.ring(earlyMedia || status === 183 ? 183 : 180, earlyMedia, this.#answerHeaders(leg));
    this.host.setState('early');
  }

  legAnswered(leg: Leg): void {
    const { context, roles, bridge } = this.host;
    context.timers.stop('bot.answer');
    if (roles.bot !== leg || !roles.caller) return;
    leg.media.watch(context.deps.plan.bots[context.project.bot]?.mediaTimeoutMs ?? 0);
    if (this.host.transferInFlight()) return;
    bridge.connect(roles.caller, leg);
    if (roles.caller.pending) roles.caller.answer(this.#answerHeaders(leg));
    else this.host.setState('with_bot');
  }

  legFailed(leg: Leg, failure: LegFailure): void {
    if (!this.#drop(leg)) return;
    this.host.botFailed(leg, failure.status, `${failure.status} ${failure.reason}`);
  }

  legEnded(leg: Leg, end: LegEnd): void {
    if (!this.#drop(leg)) return;
    const failed = end.how !== 'bye' || saysFailure(end.headers);
    if (failed) this.host.botFailed(leg, null, end.detail);
    else if (this.host.transferInFlight()) this.host.incumbentGone(leg);
    else this.host.end({ endedBy: 'bot', cause: 'bye', headers: carriedReason(end.headers) });
  }

  override legRequest(leg: Leg, request: InDialogRequest): void {
    const json = /^application\/json\b/i.test(request.contentType ?? '');
    if (request.method === 'INFO' && json) this.#message(leg, request);
    else super.legRequest(leg, request);
  }

  legSilent(leg: Leg, silentMs: number): void {
    if (!this.#drop(leg)) return;
    this.host.context.event('media_timeout', { party: 'bot', silentMs });
    leg.release({ headers: reasonHeader(408, 'No media from the bot') });
    this.host.botFailed(leg, 408, `no media from the bot for ${silentMs} ms`);
  }

  legPlayed(): void {
    // The bot is played nothing.
  }

  #noAnswer(leg: Leg): void {
    if (!this.#drop(leg)) return;
    leg.release({ headers: reasonHeader(408, 'The bot did not answer in time') });
    this.host.botFailed(leg, 408, 'the bot did not answer in time');
  }

  #drop(leg: Leg): boolean {
    const { context, roles } = this.host;
    if (roles.bot !== leg) return false;
    context.timers.stop('bot.answer');
    roles.bot = null;
    return true;
  }

  /** What the project lets the caller see of the bot's 18x or 2xx. */
  #answerHeaders(leg: Leg): SipHeaders {
    const { context } = this.host;
    return answerHeaders(leg.said, context.project.carryAnswerHeaders, {
      trusted: context.deps.trunk.identity.pAssertedIdentity,
      refused: (name) =>
        context.event('header_refused', { header: headerSafe(name), from: 'answer of the bot' }),
    });
  }

  #botHeaders(bot: Bot): SipHeaders {
    const values = this.host.templateValues('', null);
    const out: Record<string, string> = { 'X-Relevo-Call-Id': this.host.context.callId };
    for (const [name, template] of Object.entries(bot.headers)) {
      if (mayBeSet(name)) out[name] = headerSafe(fillTemplate(template, values));
      else this.host.context.event('header_refused', { header: headerSafe(name), from: 'bot configuration' });
    }
    return out;
  }

  #message(leg: Leg, request: InDialogRequest): void {
    const host = this.host;
    const message = parseBotMessage(request.body);
    if (message === null) {
      leg.respond(request.requestId, 400, { reason: 'Not a JSON event' });
      return;
    }
    switch (message.kind) {
      case 'event':
        leg.respond(request.requestId, 200);
        if (!isBotDone(message.event) || !host.botDone()) this.#triggers.happened(message.event);
        return;
      case 'hangup':
        leg.respond(request.requestId, 200);
        if (!host.botLeaves()) host.end({ endedBy: 'bot', cause: message.cause });
        return;
      case 'accept_transfer':
        leg.respond(request.requestId, host.briefDone() ? 200 : 481);
        return;
      case 'cancel_transfer':
        leg.respond(request.requestId, host.transferInFlight() ? 200 : 481);
        host.cancelTransfer(null);
        return;
      case 'transfer': {
        if (host.transferInFlight()) {
          leg.respond(request.requestId, 491, { reason: 'Transfer in flight' });
          return;
        }
        leg.respond(request.requestId, 200);
        const { to, reason, summary, headers, mode } = message;
        const rest = {
          transferId: null,
          rule: null,
          evidence: null,
          method: null,
          referredBy: null,
          replaces: null,
        };
        host.requestTransfer({
          ...rest,
          to,
          reason,
          summary,
          headers,
          mode,
          listener: new InfoListener(leg),
        });
      }
    }
  }
}
