import type { CallCommand, CallInput } from '../../../../src/call/call-io.js';
import type { SignallingCommand, SignallingEvent } from '../../../../src/call/signalling-port.js';
import type { CallMachine, CallSeed } from '../../../../src/signalling/call-runtime.js';

interface BridgeOptions {
  readonly proxies?: readonly string[];
  readonly auth?: { readonly username: string; readonly password: string } | null;
}

/** The smallest call: two legs, and everything that one side says is said to the other. No media. */
export class BridgeCall implements CallMachine {
  readonly events: SignallingEvent[] = [];
  readonly #seed: CallSeed;
  readonly #options: BridgeOptions;
  readonly #caller: string;
  readonly #bot: string;
  readonly #gone = new Set<string>();
  /** requestId of our request → the leg and requestId that wait for its answer. */
  readonly #relayed = new Map<string, { legId: string; requestId: string }>();
  /** requestId of a re-INVITE that we answered → the one of ours that waits for its ACK. */
  readonly #acks = new Map<string, { legId: string; requestId: string }>();
  #next = 0;
  #cancelling = false;

  constructor(seed: CallSeed, options: BridgeOptions = {}) {
    this.#seed = seed;
    this.#options = options;
    this.#caller = `${seed.callId}.1`;
    this.#bot = `${seed.callId}.2`;
  }

  handle(input: CallInput): readonly CallCommand[] {
    if (input.port === 'order') {
      const result = { accepted: true } as const;
      return [{ port: 'order', orderId: input.orderId, result }, ...this.#do(this.#hangUp())];
    }
    if (input.port !== 'signalling') return [];
    this.events.push(input.event);
    const commands = this.#do(this.#on(input.event));
    return this.#gone.size === 2 ? [...commands, { port: 'end' }] : commands;
  }

  #do(commands: readonly SignallingCommand[]): CallCommand[] {
    return commands.map((command) => ({ port: 'signalling', command }));
  }

  #other(legId: string): string {
    return legId === this.#caller ? this.#bot : this.#caller;
  }

  #hangUp(): SignallingCommand[] {
    return [this.#caller, this.#bot]
      .filter((legId) => !this.#gone.has(legId))
      .map((legId) => ({ kind: 'bye', legId, headers: { Reason: 'Q.850;cause=16' } }));
  }

  #on(event: SignallingEvent): SignallingCommand[] {
    const { legId } = event;
    switch (event.kind) {
      case 'incoming':
        return [
          {
            kind: 'invite',
            legId: this.#bot,
            uri: this.#seed.plan.bots['reception']!.uri,
            proxies: this.#options.proxies ?? [],
            from: { user: event.invite.caller, displayName: event.invite.callerDisplayName },
            headers: { 'X-Call': this.#seed.callId, 'User-to-User': '56;encoding=hex' },
            sdp: event.invite.sdp,
            auth: this.#options.auth ?? null,
          },
        ];
      case 'claimed':
        return [];
      case 'incomingReplaces':
        return [{ kind: 'reject', legId, status: 488, reason: null, headers: {} }];
      case 'provisional':
        return [{ kind: 'provisional', legId: this.#caller, status: 180, sdp: event.sdp, headers: {} }];
      case 'accepted':
        return [
          { kind: 'accept', legId: this.#caller, sdp: event.sdp ?? '', headers: { 'X-Answered': 'yes' } },
        ];
      case 'rejected':
        this.#gone.add(legId);
        if (this.#cancelling) return [];
        this.#gone.add(this.#caller);
        return [{ kind: 'reject', legId: this.#caller, status: event.status, reason: null, headers: {} }];
      case 'cancelled':
        this.#gone.add(legId);
        this.#cancelling = true;
        return [{ kind: 'cancel', legId: this.#bot, headers: { Reason: 'SIP;cause=487;text="Gone"' } }];
      case 'established':
        return [];
      case 'acked':
        return this.#onAcked(event);
      case 'request': {
        const requestId = `b${++this.#next}`;
        this.#relayed.set(requestId, { legId, requestId: event.requestId });
        const { method, body, contentType } = event;
        const headers: Record<string, string> = {};
        for (const name of ['Refer-To', 'Event', 'Subscription-State']) {
          const value = event.headers[name.toLowerCase()];
          if (typeof value === 'string') headers[name] = value;
        }
        const to = this.#other(legId);
        return [{ kind: 'request', legId: to, requestId, method, headers, body, contentType, auth: null }];
      }
      case 'response': {
        const asked = this.#relayed.get(event.requestId);
        if (!asked) return [];
        this.#relayed.delete(event.requestId);
        if (event.wantsAck) this.#acks.set(asked.requestId, { legId, requestId: event.requestId });
        const { status, body } = event;
        const { legId: to, requestId } = asked;
        return [
          {
            kind: 'respond',
            legId: to,
            requestId,
            status,
            reason: null,
            headers: {},
            body,
            contentType: null,
          },
        ];
      }
      case 'bye': {
        this.#gone.add(legId);
        return this.#gone.size === 2 ? [] : [{ kind: 'bye', legId: this.#other(legId), headers: {} }];
      }
      case 'gone':
        this.#gone.add(legId);
        return [];
    }
  }

  #onAcked(event: Extract<SignallingEvent, { kind: 'acked' }>): SignallingCommand[] {
    if (event.requestId === null) {
      if (event.sdp === null) return [];
      return [{ kind: 'ack', legId: this.#bot, requestId: null, sdp: event.sdp }];
    }
    const waiting = this.#acks.get(event.requestId);
    this.#acks.delete(event.requestId);
    if (!waiting || event.sdp === null) return [];
    return [{ kind: 'ack', ...waiting, sdp: event.sdp }];
  }
}
