import type { KnownDialog } from '../../../src/call/dialog-directory.js';
import { JoinedCalls } from '../../../src/signalling/joined-calls.js';
import { VirtualClock } from '../virtual-clock.js';
import { CallBench, type BenchOptions } from './call-bench.js';

/** Two calls of one node on one virtual clock, with the real seam between them. Legs: c1.1, c1.2, c2.1, c2.2. */
export class TwoCalls {
  readonly clock = new VirtualClock();
  readonly one: CallBench;
  readonly two: CallBench;
  readonly joined: JoinedCalls;
  /** The dialogs that a Replaces may name, by Call-ID. */
  readonly dialogs = new Map<string, KnownDialog | 'ended'>();
  /** Whether what one call says to the other waits for `flush`. */
  lagging = false;
  readonly #late: (() => void)[] = [];

  constructor(options: BenchOptions = {}) {
    this.joined = new JoinedCalls({
      mediaAddress: null,
      emit: (callId, event) => {
        const bench = callId === 'c1' ? this.one : this.two;
        if (bench.ended > 0) return false;
        bench.signal(event);
        return true;
      },
    });
    this.one = this.#bench('c1', options);
    this.two = this.#bench('c2', options);
    this.dialogs.set('b@node', {
      callId: 'c2',
      legId: 'c2.1',
      confirmed: true,
      acceptReplaces: true,
      joined: false,
    });
  }

  /** Both calls are with their bots. */
  withBots(): this {
    this.one.withBot();
    this.two.withBot();
    return this;
  }

  /** The caller of the first call joins it with its second one; the requestId is returned. */
  refer(legId = 'c1.1', replaces = 'b@node;to-tag=us;from-tag=them'): string {
    const value = `<sip:anywhere@relevo?Replaces=${encodeURIComponent(replaces)}>`;
    return this.one.request(legId, 'REFER', { headers: { 'refer-to': value } });
  }

  /** What waited between the calls goes on. */
  flush(): void {
    this.lagging = false;
    for (const next of this.#late.splice(0)) next();
  }

  #bench(callId: string, options: BenchOptions): CallBench {
    return new CallBench({
      ...options,
      callId,
      clock: this.clock,
      dialogs: { find: (_asking, { sipCallId }) => this.dialogs.get(sipCallId) ?? null },
      elsewhere: (command) => {
        if (command.kind === 'claim') {
          (command.of.callId === 'c1' ? this.one : this.two).signal({
            kind: 'claimed',
            legId: command.of.legId,
          });
          return true;
        }
        if (command.kind === 'invite' && command.join) {
          const { join } = command;
          const run = (): void => this.joined.join(callId, command, join);
          if (this.lagging) this.#late.push(run);
          else run();
          return true;
        }
        return this.joined.execute(command);
      },
    });
  }
}
