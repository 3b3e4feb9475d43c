import type { CallPlan } from '../call/project.js';
import type { IncomingInvite } from '../call/signalling-port.js';
import type { SipHeaders } from '../call/vocabulary.js';
import type { Clock } from '../common/clock.js';
import { messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import type { Random } from '../common/random.js';
import type { Admission } from './admission.js';
import { CallRoutes } from './call-routes.js';
import { incomingLegId, type CallRuntime } from './call-runtime.js';
import { ALLOWED_METHODS } from './dialog-session.js';
import { firstValue, readHeaders } from './header-reading.js';
import { readInvite } from './incoming-invite.js';
import { checkInvite, type InviteRefusal } from './invite-checks.js';
import { OVERLOADED_MS, QueueWatch } from './queue-watch.js';
import { readReplaces, type Replaces } from './replaces.js';
import { sendReply } from './reply.js';
import { judgeOutsideRefer } from './target-dialog.js';
import { canonicalAddress } from './source-table.js';
import type { SrfAdapter } from './srf-adapter.js';
import type { SrfReply, SrfRequest } from './srf-types.js';
import type { TrunkCounts } from './thread-messages.js';

/** The leg of the caller; the machine numbers its own from 2. */
const CALLER_LEG = 1;
/**
 * Legs that came in to replace another take numbers far apart: the machine goes on numbering after the highest
 * that it has seen.
 */
const REPLACING_LEG_STRIDE = 1000;
const DRAIN_RETRY_S = 60;
const OVERLOAD_RETRY_S = 2;
const COMPLAINT_EVERY_MS = 60_000;
const COMPLAINTS_KEPT = 10_000;

/** Outside a dialog these need one, or a subscription, which this node never makes outside one. */
const NEEDS_DIALOG = new Set(['BYE', 'INFO', 'UPDATE', 'NOTIFY', 'PRACK']);
const NOT_HERE = new Set(['SUBSCRIBE', 'REGISTER', 'MESSAGE', 'PUBLISH']);

export interface CallRouterOptions {
  readonly plan: CallPlan;
  readonly adapter: SrfAdapter;
  readonly runtime: CallRuntime;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** An INVITE that waits for its answer. */
interface Asked {
  readonly request: SrfRequest;
  readonly reply: SrfReply;
}

/** Takes every request that the SIP server hands out: to its dialog, to a new call, or to a refusal. */
export class CallRouter {
  readonly #options: CallRouterOptions;
  readonly #refused: Record<string, number> = {};
  readonly #refusals = new Map<
    string,
    { readonly refused: Record<string, number>; last: TrunkCounts['lastRefused'] }
  >();
  readonly #complainedAt = new Map<string, number>();
  readonly #queue = new QueueWatch();
  #plan: CallPlan;
  #routes: CallRoutes;
  /** The trunk whose INVITE is being looked at; null for a stranger's. */
  #asking: string | null = null;
  #draining = false;
  #replacing = CALLER_LEG;
  #badMessages = 0;

  constructor(options: CallRouterOptions) {
    this.#options = options;
    this.#plan = options.plan;
    this.#routes = new CallRoutes(options.plan);
  }

  /** Refused INVITEs by reason. */
  get refused(): Readonly<Record<string, number>> {
    return { ...this.#refused };
  }

  /** What each of these trunks has: calls in progress, refused INVITEs. */
  trunkCounts(names: readonly string[]): Readonly<Record<string, TrunkCounts>> {
    const { admission } = this.#options;
    return Object.fromEntries(
      names.map((name) => {
        const refusals = this.#refusals.get(name);
        const counts = { refused: { ...refusals?.refused }, lastRefused: refusals?.last ?? null };
        return [name, { calls: admission.callsOf(name), ...counts }];
      }),
    );
  }

  /** Requests that could not be handled at all. */
  get badMessages(): number {
    return this.#badMessages;
  }

  /** A new plan for calls to come. */
  setPlan(plan: CallPlan): void {
    this.#routes = new CallRoutes(plan);
    this.#plan = plan;
  }

  /** From now on new calls get 503. */
  drain(): void {
    this.#draining = true;
  }

  /** Never throws: a request that breaks something is answered 500 and counted. */
  handle(request: SrfRequest, reply: SrfReply): void {
    try {
      if (this.#options.adapter.route(request, reply)) return;
      if (request.method === 'ACK' || request.source !== 'network') return;
      if (request.method === 'INVITE') this.#onInvite(request, reply);
      else if (request.method === 'REFER') this.#onRefer(request, reply);
      else this.#onStranger(request.method, reply);
    } catch (thrown) {
      this.#badMessages += 1;
      this.#options.log.error(
        { err: thrown, method: request.method },
        `request failed: ${messageOf(thrown)}`,
      );
      if (request.method !== 'ACK' && !reply.finalResponseSent) sendReply(reply, 500, null);
    }
  }

  /** A request outside any dialog that is no INVITE. */
  #onStranger(method: string, reply: SrfReply): void {
    if (NEEDS_DIALOG.has(method)) sendReply(reply, 481, null);
    else if (NOT_HERE.has(method)) sendReply(reply, 405, null, { headers: { Allow: ALLOWED_METHODS } });
    else sendReply(reply, 501, null, { headers: { Allow: ALLOWED_METHODS } });
  }

  /** A REFER outside any dialog: for the one that its Target-Dialog names (RFC 4538). */
  #onRefer(request: SrfRequest, reply: SrfReply): void {
    const { adapter } = this.#options;
    const asked = { request, reply };
    const trunks = this.#routes.trunksOf(request.source_address);
    this.#asking = trunks[0] ?? null;
    if (trunks.length === 0) {
      this.#refuse(asked, 'source_not_allowed', 403);
      return;
    }
    const headers = readHeaders(request.msg.raw);
    const named = judgeOutsideRefer(
      headers,
      trunks.map((name) => this.#plan.trunks[name]),
    );
    if ('status' in named) {
      this.#refuse(asked, named.counter, named.status, named.reason, named.headers);
      return;
    }
    const { sipCallId, localTag, remoteTag } = named;
    // What is local to the sender is remote here.
    // Some peers write the tags the other way round; they know no less of the dialog.
    const found =
      adapter.findReplaced({ sipCallId, toTag: remoteTag, fromTag: localTag }) ??
      adapter.findReplaced({ sipCallId, toTag: localTag, fromTag: remoteTag });
    if (!found || found === 'ended' || !found.confirmed) this.#refuse(asked, 'refer_unknown_dialog', 481);
    else adapter.takeRefer(found, request, reply, headers);
  }

  #onInvite(request: SrfRequest, reply: SrfReply): void {
    const trunks = this.#routes.trunksOf(request.source_address);
    const asked = { request, reply };
    this.#asking = trunks[0] ?? null;
    if (trunks.length === 0) {
      this.#refuse(asked, 'source_not_allowed', 403);
      return;
    }
    const invite = readInvite(request);
    if (this.#options.adapter.knows(invite)) {
      this.#refuse(asked, 'loop_detected', 482);
      return;
    }
    const refusal = checkInvite(invite, request.body);
    if (refusal) {
      this.#refuse(asked, refusal.counter, refusal.status, refusal.reason, refusal.headers);
      return;
    }
    const replaces = readReplaces(invite.headers);
    if (replaces === null) this.#onNewCall(trunks, request, reply, invite);
    else if (replaces === 'malformed')
      this.#refuse(asked, 'bad_request', 400, 'Malformed Replaces header field');
    else this.#onReplaces(replaces, trunks, request, reply, invite);
  }

  #onNewCall(trunks: readonly string[], request: SrfRequest, reply: SrfReply, invite: IncomingInvite): void {
    const { admission, runtime, adapter, clock, random } = this.#options;
    const asked = { request, reply };
    if (this.#draining) {
      this.#refuseForNow(asked, 'draining', DRAIN_RETRY_S);
      return;
    }
    if (this.#queue.waitedMs(request.stackTime, clock.wallMs()) > OVERLOADED_MS) {
      this.#refuseForNow(asked, 'overload', OVERLOAD_RETRY_S);
      return;
    }
    const found = this.#routes.find(trunks, invite.called);
    if (!found) {
      this.#refuse(asked, 'unknown_number', 404);
      return;
    }
    this.#asking = found.trunk.name;
    const refusal = admission.admit(this.#plan, found.trunk.name);
    if (refusal) {
      this.#refuseForNow(asked, refusal.reason, refusal.retryAfterS);
      return;
    }
    const callId = random.token(8);
    const legId = incomingLegId(callId, CALLER_LEG);
    try {
      runtime.start({ callId, plan: this.#plan, project: found.project, trunk: found.trunk });
    } catch (thrown) {
      admission.release(found.trunk.name);
      throw thrown;
    }
    adapter.takeIn(callId, legId, request, reply, invite);
    runtime.dispatch(callId, { port: 'signalling', event: { kind: 'incoming', legId, invite } });
  }

  /** RFC 3891 3, in its order. */
  #onReplaces(
    replaces: Replaces,
    trunks: readonly string[],
    request: SrfRequest,
    reply: SrfReply,
    invite: IncomingInvite,
  ): void {
    const { adapter, runtime } = this.#options;
    const refusal = this.#replacesRefusal(replaces, trunks);
    if (refusal) {
      this.#refuse({ request, reply }, refusal.counter, refusal.status, refusal.reason);
      return;
    }
    const found = adapter.findReplaced(replaces);
    if (!found || found === 'ended') return;
    this.#replacing += REPLACING_LEG_STRIDE;
    const legId = incomingLegId(found.callId, this.#replacing);
    adapter.takeIn(found.callId, legId, request, reply, invite);
    const { legId: replacesLegId } = found;
    const event = {
      kind: 'incomingReplaces',
      legId,
      replacesLegId,
      earlyOnly: replaces.earlyOnly,
      invite,
    } as const;
    if (!runtime.dispatch(found.callId, { port: 'signalling', event })) {
      adapter.execute(found.callId, { kind: 'reject', legId, status: 481, reason: null, headers: {} });
    }
  }

  #replacesRefusal(replaces: Replaces, trunks: readonly string[]): Omit<InviteRefusal, 'headers'> | null {
    const refusal = (status: number, counter: string) => ({ status, reason: null, counter });
    const found = this.#options.adapter.findReplaced(replaces);
    if (found === null) return refusal(481, 'replaces_unknown_dialog');
    if (found === 'ended') return refusal(603, 'replaces_ended_dialog');
    if (!trunks.some((name) => this.#plan.trunks[name]?.acceptReplaces === true)) {
      return refusal(403, 'replaces_not_allowed');
    }
    if (!found.confirmed && !found.initiatedHere) return refusal(481, 'replaces_unknown_dialog');
    if (found.confirmed && replaces.earlyOnly) return refusal(486, 'replaces_confirmed_dialog');
    return null;
  }

  #refuseForNow(asked: Asked, counter: string, retryAfterS: number): void {
    this.#refuse(asked, counter, 503, null, { 'Retry-After': String(retryAfterS) });
  }

  #refuse(
    { request, reply }: Asked,
    counter: string,
    status: number,
    reason: string | null = null,
    headers: SipHeaders = {},
  ): void {
    this.#refused[counter] = (this.#refused[counter] ?? 0) + 1;
    if (this.#asking !== null) this.#bookRefusal(this.#asking, counter, status);
    this.#complain(request, counter, status);
    sendReply(reply, status, reason, { headers });
  }

  #bookRefusal(trunk: string, reason: string, status: number): void {
    let refusals = this.#refusals.get(trunk);
    if (!refusals) {
      refusals = { refused: {}, last: null };
      this.#refusals.set(trunk, refusals);
    }
    refusals.refused[reason] = (refusals.refused[reason] ?? 0) + 1;
    refusals.last = { at: this.#options.clock.wallMs(), reason, status };
  }

  /** Once per source, reason and minute: a scanner, or a trunk that is full, must not fill the log. */
  #complain(request: SrfRequest, code: string, status: number): void {
    const { clock, log } = this.#options;
    const now = clock.now();
    const source = canonicalAddress(request.source_address);
    const key = `${source} ${code}`;
    const before = this.#complainedAt.get(key);
    if (before !== undefined && now - before < COMPLAINT_EVERY_MS) return;
    if (this.#complainedAt.size >= COMPLAINTS_KEPT) this.#complainedAt.clear();
    this.#complainedAt.set(key, now);
    log.warn(
      {
        source,
        code,
        status,
        uri: request.uri,
        sipCallId: firstValue(readHeaders(request.msg.raw), 'call-id'),
      },
      `${request.method} refused; for a minute more of this source and reason are only counted`,
    );
  }
}
