import type { CallRecord, CallState } from '../call/call-record.js';
import type { CallView, TransferView } from './call-view.js';
import { leftBehind, listenerAfter, type ListenerView } from './listener-view.js';
import { assertUnreachable } from '../common/assert.js';

/** Which calls to list; absent fields match every call. `live` true leaves out ended calls. */
export interface CallFilter {
  readonly state?: CallState | undefined;
  readonly project?: string | undefined;
  readonly trunk?: string | undefined;
  readonly live?: boolean | undefined;
}

export interface CallBookOptions {
  /** How many ended calls stay readable. */
  readonly endedCalls: number;
  /** The most steps, notes and transfers that are kept of one call. */
  readonly perCall: number;
}

export const defaultCallBookOptions: CallBookOptions = { endedCalls: 1000, perCall: 100 };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type OpenTransfer = Mutable<Omit<TransferView, 'steps'>> & { steps: TransferView['steps'][number][] };
type OpenCall = Mutable<Omit<CallView, 'transfers' | 'listeners' | 'notes'>> & {
  transfers: Map<string, OpenTransfer>;
  listeners: Map<string, ListenerView>;
  notes: CallView['notes'][number][];
};

/** The node's calls as their records tell them: every live call, and the last ended ones. */
export class CallBook {
  readonly #live = new Map<string, OpenCall>();
  readonly #ended = new Map<string, OpenCall>();
  /** Let go of since the last trim. */
  readonly #dropped: string[] = [];
  readonly #options: CallBookOptions;
  #endedCalls: number;

  constructor(options: CallBookOptions = defaultCallBookOptions) {
    this.#options = options;
    this.#endedCalls = options.endedCalls;
  }

  /** Keeps so many ended calls from now on; the oldest go. */
  keep(endedCalls: number): readonly string[] {
    this.#endedCalls = endedCalls;
    return this.trim();
  }

  /**
   * Lets go of ended calls beyond the bound, and names them. The last one stays until then, for whoever writes it
   * down.
   */
  trim(): readonly string[] {
    while (this.#ended.size > this.#endedCalls) this.#dropOldestEnded();
    return this.#dropped.splice(0);
  }

  get liveCalls(): number {
    return this.#live.size;
  }

  /** Takes one record in. A record of an unknown call is ignored: the node was restarted under it. */
  apply(record: CallRecord): void {
    if (record.kind === 'call.started') {
      this.#live.set(record.callId, openCall(record));
      return;
    }
    const call = this.#live.get(record.callId);
    if (!call) return;
    switch (record.kind) {
      case 'call.state':
        call.state = record.state;
        call.legs = record.legs;
        if (call.answeredAt === null && record.state === 'with_bot') call.answeredAt = record.at;
        return;
      case 'call.event':
        this.#addListener(
          call,
          listenerAfter(record, (listenerId) => call.listeners.get(listenerId)),
        );
        pushBounded(
          call.notes,
          { at: record.at, name: record.name, detail: record.detail },
          this.#options.perCall,
        );
        return;
      case 'transfer.started': {
        const known = call.transfers.get(record.transferId);
        this.#addTransfer(call, {
          ...record,
          state: 'running',
          startedAt: known?.startedAt ?? record.at,
          steps: known?.steps ?? [],
          result: null,
        });
        return;
      }
      case 'transfer.progress': {
        const { at, progress, destination, detail } = record;
        const transfer = call.transfers.get(record.transferId);
        if (transfer)
          pushBounded(transfer.steps, { at, progress, destination, detail }, this.#options.perCall);
        return;
      }
      case 'transfer.ended': {
        const { result } = record;
        const known = call.transfers.get(result.transferId);
        this.#addTransfer(call, {
          ...result,
          startedAt: known?.startedAt ?? record.at,
          destination: known?.destination ?? result.attempts[0]?.destination ?? null,
          state: 'ended',
          steps: known?.steps ?? [],
          result,
        });
        return;
      }
      case 'call.ended':
        call.state = 'ended';
        call.endedAt = record.at;
        call.endedBy = record.endedBy;
        call.sipStatus = record.sipStatus;
        call.cause = record.cause;
        call.durationMs = record.durationMs;
        call.answeredAt = record.answeredAt;
        call.media = record.media;
        for (const listener of call.listeners.values())
          call.listeners.set(listener.listenerId, leftBehind(listener, record.at));
        this.#live.delete(call.callId);
        this.#keepEnded(call);
        return;
      default:
        assertUnreachable(record, 'call record');
    }
  }

  /** Notes an accepted order, so that its transfer can be read before the first record of it arrives. */
  expectTransfer(view: TransferView): void {
    const call = this.#live.get(view.callId);
    if (call && !call.transfers.has(view.transferId))
      this.#addTransfer(call, { ...view, steps: [...view.steps] });
  }

  /** Likewise for a listener. */
  expectListener(view: ListenerView): void {
    const call = this.#live.get(view.callId);
    if (call && !call.listeners.has(view.listenerId)) this.#addListener(call, view);
  }

  listener(callId: string, listenerId: string): ListenerView | null {
    return this.#find(callId)?.listeners.get(listenerId) ?? null;
  }

  /** Listeners of live calls by state, without those that have ended. */
  listeners(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const call of this.#live.values()) {
      for (const { state } of call.listeners.values())
        if (state !== 'ended') counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  }

  get(callId: string): CallView | null {
    const call = this.#find(callId);
    return call ? viewOf(call) : null;
  }

  transfer(callId: string, transferId: string): TransferView | null {
    const transfer = this.#find(callId)?.transfers.get(transferId);
    return transfer ? { ...transfer, steps: [...transfer.steps] } : null;
  }

  /** Newest first: live calls, then ended ones. */
  list(filter: CallFilter, limit: number): CallView[] {
    const found: CallView[] = [];
    for (const calls of filter.live ? [this.#live] : [this.#live, this.#ended]) {
      for (const call of [...calls.values()].reverse()) {
        if (found.length >= limit) return found;
        if (matches(call, filter)) found.push(viewOf(call));
      }
    }
    return found;
  }

  /** Live calls by state. */
  states(): Map<CallState, number> {
    const counts = new Map<CallState, number>();
    for (const { state } of this.#live.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  #find(callId: string): OpenCall | undefined {
    return this.#live.get(callId) ?? this.#ended.get(callId);
  }

  #addListener(call: OpenCall, listener: ListenerView | null): void {
    if (!listener) return;
    call.listeners.set(listener.listenerId, listener);
    if (call.listeners.size > this.#options.perCall) dropOldest(call.listeners);
  }

  #addTransfer(call: OpenCall, transfer: OpenTransfer): void {
    const { transferId, callId, state, startedAt, reason, rule, evidence } = transfer;
    const { destination, mode, method, steps, result } = transfer;
    // Named one by one: a record or result that is spread in brings fields that a view does not have.
    call.transfers.set(transferId, {
      transferId,
      callId,
      state,
      startedAt,
      reason,
      rule,
      evidence,
      destination,
      mode,
      method,
      steps,
      result,
    });
    if (call.transfers.size > this.#options.perCall) dropOldest(call.transfers);
  }

  #keepEnded(call: OpenCall): void {
    this.#ended.set(call.callId, call);
    if (this.#ended.size > Math.max(1, this.#endedCalls)) this.#dropOldestEnded();
  }

  #dropOldestEnded(): void {
    const oldest = dropOldest(this.#ended);
    if (oldest !== null) this.#dropped.push(oldest);
  }
}

function openCall(record: Extract<CallRecord, { kind: 'call.started' }>): OpenCall {
  return {
    callId: record.callId,
    state: 'connecting',
    project: record.project,
    trunk: record.trunk,
    caller: record.caller,
    called: record.called,
    sipCallId: record.sipCallId,
    sourceAddress: record.sourceAddress,
    startedAt: record.at,
    answeredAt: null,
    endedAt: null,
    durationMs: null,
    endedBy: null,
    sipStatus: null,
    cause: null,
    legs: [],
    transfers: new Map(),
    listeners: new Map(),
    notes: [],
    media: null,
  };
}

function viewOf(call: OpenCall): CallView {
  const transfers = [...call.transfers.values()].map((one) => ({ ...one, steps: [...one.steps] }));
  return { ...call, transfers, listeners: [...call.listeners.values()], notes: [...call.notes] };
}

function matches(call: OpenCall, filter: CallFilter): boolean {
  return (
    (filter.state === undefined || call.state === filter.state) &&
    (filter.project === undefined || call.project === filter.project) &&
    (filter.trunk === undefined || call.trunk === filter.trunk)
  );
}

function pushBounded<T>(list: T[], item: T, bound: number): void {
  list.push(item);
  if (list.length > bound) list.shift();
}

/** A Map iterates in order of insertion, so its first key is its oldest. */
function dropOldest<V>(map: Map<string, V>): string | null {
  for (const key of map.keys()) {
    map.delete(key);
    return key;
  }
  return null;
}
