import type { CallEnd, CallHost, TransferListener, TransferWish } from '../call-host.js';
import type { OrderResult } from '../call-io.js';
import type { Resolution, Target } from '../destinations/destination-directory.js';
import type { TakenSlots } from '../destinations/transfer-slots.js';
import type { Leg } from '../leg/leg.js';
import { SentRefers } from '../refer/sent-refers.js';
import type { TransferResult } from '../vocabulary.js';
import { CallerGoneNotices } from './caller-gone-notices.js';
import { CallerSideTransfer } from './caller-side-transfer.js';
import type { DeskTransfer, TransferDeps } from './desk-transfer.js';
import { joinTarget } from '../refer/join-target.js';
import { ListenerSet } from './listener-set.js';
import { Transfer } from './transfer.js';

/** All transfers of one call: one in flight, the results of the others. */
export class TransferDesk {
  readonly refers = new SentRefers();
  readonly #host: CallHost;
  readonly #notices: CallerGoneNotices;
  readonly #over: () => void;
  readonly #results: TransferResult[] = [];
  readonly #ids = new Set<string>();
  #current: DeskTransfer | null = null;
  #listeners = new ListenerSet(null);

  /** `over` is called after each transfer. */
  constructor(host: CallHost, over: () => void) {
    this.#host = host;
    this.#over = over;
    this.#notices = new CallerGoneNotices(host);
  }

  /** A transfer whose outcome is not certain yet. */
  get inFlight(): boolean {
    return this.#current?.undecided === true;
  }
  /** A transfer whose result is not out yet. */
  get busy(): boolean {
    return this.#current !== null;
  }
  get results(): readonly TransferResult[] {
    return this.#results;
  }
  get count(): number {
    return this.#ids.size;
  }

  /** Starts a transfer, or says why not. The same transferId again is taken as the same request. */
  request(wish: TransferWish): OrderResult {
    const { context, roles, ending } = this.#host;
    const transferId = wish.transferId ?? `${context.callId}.t${this.#ids.size + 1}`;
    if (this.#ids.has(transferId)) return { accepted: true };
    if (ending || !roles.caller)
      return { accepted: false, code: 'call_ending', detail: 'the call is ending' };
    if (this.#current) {
      return {
        accepted: false,
        code: 'transfer_in_flight',
        detail: `${this.#current.transferId} is in flight`,
      };
    }
    // A call that was handed over so often goes in circles.
    const { perCall } = context.project.limits;
    const tooMany = this.#ids.size >= perCall;
    this.#ids.add(transferId);
    const { destinations } = context.deps;
    const found: Resolution = tooMany
      ? { ok: false, code: 'not_allowed', detail: `the call was handed over ${perCall} times already` }
      : wish.join
        ? joinTarget(this.#host, wish.join)
        : destinations.resolve(wish.to, context.project, context.wallMs());
    const slots = destinations.slots.take(context.project, found.ok ? found.targets : []);
    const resolution = admitted(found, slots);
    const listeners = new ListenerSet(wish.listener);
    this.#listeners = listeners;
    const deps: TransferDeps = {
      transferId,
      wish: { ...wish, listener: listeners },
      refers: this.refers,
      notices: this.#notices,
      over: (result) => {
        slots.release();
        this.#results.push(result);
        this.#current = null;
        this.#over();
      },
    };
    const ofCaller = wish.referrer !== undefined && wish.referrer === roles.caller;
    const transfer = ofCaller ? new CallerSideTransfer(this.#host, deps) : new Transfer(this.#host, deps);
    this.#current = transfer;
    transfer.start(resolution);
    if (!resolution.ok && resolution.code === 'not_allowed') {
      return { accepted: false, code: 'not_allowed', detail: resolution.detail };
    }
    return { accepted: true };
  }

  /** `transferId` null cancels whatever is in flight. False where there is none of that name. */
  cancel(transferId: string | null, detail: string): boolean {
    const current = this.#current;
    if (!current?.undecided || (transferId !== null && current.transferId !== transferId)) return false;
    current.cancel(detail);
    return true;
  }

  mayReplace(leg: Leg): boolean {
    return this.#current?.mayReplace(leg) !== false;
  }
  replaced(leg: Leg, by: Leg): void {
    this.#current?.replaced(leg, by);
  }

  /** `listener` hears of the transfer from now on, where the person on this leg is being asked. */
  completeWith(leg: Leg, listener: TransferListener): boolean {
    if (!this.inFlight) return false;
    this.#listeners.add(listener);
    if (this.#current?.completeWith(leg) === true) return true;
    this.#listeners.remove(listener);
    return false;
  }

  callEnding(callerLeft: boolean, end: CallEnd): void {
    this.#current?.callEnding(callerLeft, end);
  }
  keeps(leg: Leg): boolean {
    return this.#current?.keeps(leg) === true || this.#notices.has(leg);
  }
  incumbentGone(leg: Leg): void {
    this.#current?.incumbentGone(leg);
  }
  briefDone(): boolean {
    return this.#current?.briefDone() === true;
  }
  botDone(): boolean {
    return this.#current?.botDone() === true;
  }
  botLeaves(): boolean {
    return this.#current?.botLeaves() === true;
  }
  callerLeaves(): boolean {
    return this.#current?.callerLeaves() === true;
  }
  callerAnswered(): void {
    this.#current?.callerAnswered();
  }
  played(promptId: string): void {
    this.#current?.played(promptId);
  }

  /** The ports are silent for good: the result goes out without waiting. */
  forget(): void {
    this.#current?.forget();
  }

  dump(): object {
    return { current: this.#current?.dump() ?? null, ended: this.#results.length };
  }
}

/** What was found, without what the limits leave out. */
export function admitted(found: Resolution, slots: TakenSlots<Target>): Resolution {
  if (!found.ok) return found;
  if (slots.refused !== null)
    return { ok: false, code: 'not_allowed', detail: slots.refused, skipped: found.skipped };
  return { ...found, targets: slots.open };
}
