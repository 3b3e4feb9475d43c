import type { CallCommand, CallInput, OrderResult } from '../call/call-io.js';
import type { CallOrder, CallRecord } from '../call/call-record.js';
import type { MediaCommand } from '../call/media-port.js';
import type { CallPlan, Project, Trunk } from '../call/project.js';
import type { LegId, SignallingCommand } from '../call/signalling-port.js';
import { assertUnreachable } from '../common/assert.js';
import type { Clock, Timer } from '../common/clock.js';
import { messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import type { PolicyLink } from './policy-link.js';

/** A call as the runtime drives it. */
export interface CallMachine {
  handle(input: CallInput): readonly CallCommand[];
}

/** What a new call is made of. */
export interface CallSeed {
  readonly callId: string;
  readonly plan: CallPlan;
  readonly project: Project;
  readonly trunk: Trunk;
}

export interface CallRuntimePorts {
  readonly signalling: {
    execute(callId: string, command: SignallingCommand): void;
    /** Ends on the wire what a call has left; the number of legs that were left. */
    abandon(callId: string): number;
  };
  readonly media: {
    execute(callId: string, command: MediaCommand): void;
    callEnded(callId: string): void;
  };
  readonly policy: PolicyLink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly makeCall: (seed: CallSeed) => CallMachine;
  readonly record: (record: CallRecord) => void;
  readonly orderResult: (orderId: string, result: OrderResult) => void;
  /** The call of this trunk is over. */
  readonly ended: (callId: string, trunk: string) => void;
}

interface RunningCall {
  readonly callId: string;
  readonly trunk: string;
  readonly machine: CallMachine;
  readonly startedAtMs: number;
  readonly inputs: CallInput[];
  readonly timers: Map<string, Timer>;
  readonly orders: Set<string>;
  handling: boolean;
  over: boolean;
  recordedEnd: boolean;
}

/**
 * Owns the calls of this thread: hands each its inputs one at a time, carries out what it asks for, and frees
 * everything of it at its end. A call that fails takes no other one with it.
 */
export class CallRuntime {
  readonly #ports: CallRuntimePorts;
  readonly #calls = new Map<string, RunningCall>();
  #total = 0;
  #crashed = 0;

  constructor(ports: CallRuntimePorts) {
    this.#ports = ports;
  }

  /** Calls in progress. */
  get size(): number {
    return this.#calls.size;
  }

  /** Calls since the start. */
  get total(): number {
    return this.#total;
  }

  /** Timers that run for calls. */
  get timers(): number {
    let running = 0;
    for (const { timers } of this.#calls.values()) running += timers.size;
    return running;
  }

  /** Calls that ended by a fault of their machine. */
  get crashed(): number {
    return this.#crashed;
  }

  has(callId: string): boolean {
    return this.#calls.has(callId);
  }

  /** The trunk that a call came by. */
  trunkOf(callId: string): string | null {
    return this.#calls.get(callId)?.trunk ?? null;
  }

  ids(): readonly string[] {
    return [...this.#calls.keys()];
  }

  /** Makes a call; its first input is to follow. */
  start(seed: CallSeed): void {
    this.#total += 1;
    this.#calls.set(seed.callId, {
      callId: seed.callId,
      trunk: seed.trunk.name,
      machine: this.#ports.makeCall(seed),
      startedAtMs: this.#ports.clock.wallMs(),
      inputs: [],
      timers: new Map(),
      orders: new Set(),
      handling: false,
      over: false,
      recordedEnd: false,
    });
  }

  /** Hands an input to a call, after those that wait; false where there is no such call. */
  dispatch(callId: string, input: CallInput): boolean {
    const call = this.#calls.get(callId);
    if (!call) return false;
    call.inputs.push(input);
    if (!call.handling) this.#run(call);
    return true;
  }

  #run(call: RunningCall): void {
    call.handling = true;
    for (let input = call.inputs.shift(); input && !call.over; input = call.inputs.shift()) {
      try {
        for (const command of call.machine.handle(input)) {
          if (!isOver(call)) this.#execute(call, command);
        }
      } catch (thrown) {
        this.#crash(call, thrown);
      }
    }
    call.handling = false;
  }

  #execute(call: RunningCall, command: CallCommand): void {
    const { callId } = call;
    switch (command.port) {
      case 'signalling':
        this.#ports.signalling.execute(callId, command.command);
        return;
      case 'media':
        this.#ports.media.execute(callId, command.command);
        return;
      case 'policy':
        this.#ask(callId, command);
        return;
      case 'timer':
        this.#setTimer(call, command.name, command.afterMs);
        return;
      case 'record':
        this.#record(call, command.record);
        return;
      case 'order':
        call.orders.delete(command.orderId);
        this.#ports.orderResult(command.orderId, command.result);
        return;
      case 'end':
        this.#end(call);
        return;
      default:
        assertUnreachable(command, 'call command');
    }
  }

  #ask(callId: string, command: Extract<CallCommand, { port: 'policy' }>): void {
    const { questionId } = command.question;
    this.#ports.policy.ask(command.question, command.deadlineMs, command.fallback, (decision, late) => {
      this.dispatch(callId, { port: 'policy', questionId, decision, late });
    });
  }

  #setTimer(call: RunningCall, name: string, afterMs: number | null): void {
    call.timers.get(name)?.cancel();
    call.timers.delete(name);
    if (afterMs === null) return;
    const timer = this.#ports.clock.after(Math.max(0, afterMs), () => {
      call.timers.delete(name);
      this.dispatch(call.callId, { port: 'timer', name });
    });
    call.timers.set(name, timer);
  }

  #record(call: RunningCall, record: CallRecord): void {
    const { log } = this.#ports;
    if (record.kind === 'call.ended') call.recordedEnd = true;
    logRecord(log, record);
    this.#ports.record(record);
  }

  /** Hands an order to a call; an unknown call refuses it at once. */
  order(orderId: string, callId: string, order: CallOrder): void {
    const call = this.#calls.get(callId);
    if (!call) {
      const detail = `no call ${callId} is in progress on this node`;
      this.#ports.orderResult(orderId, { accepted: false, code: 'unknown_call', detail });
      return;
    }
    call.orders.add(orderId);
    this.dispatch(callId, { port: 'order', orderId, order });
  }

  /** The call is over: timers, media and orders are settled, and it is never spoken to again. */
  #end(call: RunningCall): void {
    if (call.over) return;
    call.over = true;
    this.#calls.delete(call.callId);
    for (const timer of call.timers.values()) timer.cancel();
    call.timers.clear();
    call.inputs.length = 0;
    for (const orderId of call.orders) {
      this.#ports.orderResult(orderId, {
        accepted: false,
        code: 'call_ending',
        detail: 'the call ended before the order was carried out',
      });
    }
    call.orders.clear();
    const left = this.#ports.signalling.abandon(call.callId);
    if (left > 0)
      this.#ports.log.warn({ callId: call.callId, legs: left }, 'a call ended and left legs behind');
    this.#ports.media.callEnded(call.callId);
    this.#ports.ended(call.callId, call.trunk);
  }

  /** A fault of the machine: this call is taken down, the others go on. */
  #crash(call: RunningCall, thrown: unknown): void {
    if (call.over) return;
    this.#crashed += 1;
    const { log, signalling, clock } = this.#ports;
    const { callId } = call;
    log.error({ callId, err: thrown, code: 'call_failed' }, `call taken down: ${messageOf(thrown)}`);
    signalling.abandon(callId);
    const detail = { error: messageOf(thrown) };
    if (!call.recordedEnd) {
      this.#ports.record({ kind: 'call.event', callId, at: clock.wallMs(), name: 'internal_error', detail });
    }
    this.#recordForcedEnd(call, 500, 'internal_error');
    this.#end(call);
  }

  /** The record of an end that the call could not write itself; none where it has. */
  #recordForcedEnd(call: RunningCall, sipStatus: number, cause: string): void {
    if (call.recordedEnd) return;
    const at = this.#ports.clock.wallMs();
    this.#record(call, {
      kind: 'call.ended',
      callId: call.callId,
      at,
      endedBy: 'relevo',
      sipStatus,
      cause,
      durationMs: at - call.startedAtMs,
      answeredAt: null,
      transfers: [],
      media: {},
    });
  }

  /** Ends a call whose peers have not answered our BYE or CANCEL: it is recorded with `cause`, as no failure of ours. */
  leaveBehind(callId: string, cause: string): void {
    const call = this.#calls.get(callId);
    if (!call) return;
    this.#ports.signalling.abandon(callId);
    this.#recordForcedEnd(call, 503, cause);
    this.#end(call);
  }
}

/** Asked anew for each command: one of them may have ended the call. */
const isOver = (call: RunningCall): boolean => call.over;

/** Events of a call that an operator is to be told of. */
const TROUBLES: ReadonlySet<string> = new Set([
  'bot_failed',
  'media_timeout',
  'internal_error',
  'ending_forced',
]);

function logRecord(log: Logger, record: CallRecord): void {
  if (record.kind === 'call.started') {
    const { callId, sipCallId, project, trunk, caller, called } = record;
    log.info({ callId, sipCallId, project, trunk, caller, called }, 'call started');
  } else if (record.kind === 'call.ended') {
    const { callId, endedBy, cause, sipStatus, durationMs } = record;
    log.info({ callId, endedBy, cause, sipStatus, durationMs }, 'call ended');
  } else if (record.kind === 'call.event' && record.name.startsWith('listener_')) {
    // Who has a call heard is to be found out later.
    const { callId, name, detail } = record;
    log.info({ callId, ...detail }, name.replace('_', ' '));
  } else if (record.kind === 'call.event' && TROUBLES.has(record.name)) {
    const { callId, name, detail } = record;
    log.warn({ callId, code: name, ...detail }, 'trouble in a call');
  }
}

/** Names a leg of an INVITE that came in: the caller's own, or one that replaces another. */
export function incomingLegId(callId: string, index: number): LegId {
  return `${callId}.${index}`;
}
