import { messageOf } from '../common/errors.js';
import { CallContext, type CallDeps } from './call-context.js';
import type { CallCommand, CallInput } from './call-io.js';
import type { CallState, LegView } from './call-record.js';
import { CallMachine } from './session/call-machine.js';

export type { CallDeps } from './call-context.js';

/**
 * One call: pure, sans-IO. Each input is handled to its end and answered by commands; the first is `incoming`.
 * It never throws: what cannot be is counted and recorded, and a fault of ours ends the call in good order.
 */
export class Call {
  readonly callId: string;
  readonly #context: CallContext;
  readonly #machine: CallMachine;

  constructor(deps: CallDeps) {
    this.callId = deps.callId;
    this.#context = new CallContext(deps);
    this.#machine = new CallMachine(this.#context);
  }

  get state(): CallState {
    return this.#machine.state;
  }

  handle(input: CallInput): readonly CallCommand[] {
    if (this.#machine.ended) return [];
    try {
      this.#dispatch(input);
      this.#machine.settle();
    } catch (thrown) {
      this.#context.event('internal_error', { input: input.port, message: messageOf(thrown) });
      this.#machine.collapse();
    }
    return this.#context.takeCommands();
  }

  /** The legs that are not gone. */
  legs(): readonly LegView[] {
    return this.#machine.legs();
  }

  dump(): object {
    const { callId, state } = this;
    return { callId, state, ...this.#machine.dump(), timers: this.#context.timers.armed };
  }

  #dispatch(input: CallInput): void {
    switch (input.port) {
      case 'signalling':
        this.#machine.signalling(input.event);
        return;
      case 'media':
        this.#machine.media(input.event);
        return;
      case 'policy':
        this.#machine.decided(input.questionId, input.decision, input.late);
        return;
      case 'timer':
        // A timer that was stopped while its firing was on the way says nothing.
        this.#context.timers.fired(input.name);
        return;
      case 'order':
        this.#context.emit({
          port: 'order',
          orderId: input.orderId,
          result: this.#machine.order(input.order),
        });
        return;
    }
  }
}
