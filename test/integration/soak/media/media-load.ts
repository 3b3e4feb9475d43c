import { setMaxListeners } from 'node:events';
import type { LightPeer as Peer } from '../light-peer.js';
import { LightPeer, type Incoming } from '../light-peer.js';
import { Beat } from './beat.js';
import { Ledger } from './ledger.js';
import { MediaCall, type CallWorld } from './media-call.js';
import { MediaPlan } from './media-plan.js';
import type { SoakNode } from './soak-node.js';
import { Strangers } from './strangers.js';

export interface LoadOptions {
  readonly atOnce: number;
  readonly seed: number;
  readonly longestMs: number;
}

type Speaker = 'caller' | 'bot' | 'agent';
const SHED_AGAIN_MS = 500;
/** The first calls come one after the other over this time. */
const BEGIN_MS = 4000;

/** Keeps so many calls up at once, each of them drawn from the plan, until it is told to stop. */
export class MediaLoad {
  readonly ledger = new Ledger();
  readonly #node: SoakNode;
  readonly #options: LoadOptions;
  readonly #plan: MediaPlan;
  readonly #beat = new Beat();
  readonly #over = new AbortController();
  readonly #calls = new Map<string, MediaCall>();
  /** By SIP Call-ID: a re-INVITE has no mark. */
  readonly #dialogs = new Map<string, MediaCall>();
  readonly #ends = new Map<string, () => void>();
  /** Calls that the node is recording, or has: their number by its id for them. */
  readonly recorded = new Map<string, number>();
  readonly #strangers: Strangers;
  #peers: Record<Speaker, Peer> | null = null;
  #lanes: Promise<unknown> | null = null;

  constructor(node: SoakNode, options: LoadOptions) {
    this.#node = node;
    // Every call waits for it.
    setMaxListeners(0, this.#over.signal);
    this.#options = options;
    this.#plan = new MediaPlan(options.seed, options.longestMs);
    this.#strangers = new Strangers(options.seed, this.ledger, () =>
      [...this.#calls.values()].flatMap((call) => call.locked),
    );
    node.onEnded((callId) => {
      this.#ends.get(callId)?.();
      this.#ends.delete(callId);
    });
  }

  async start(): Promise<void> {
    const { sip, bot, agent } = this.#node.ports;
    const open = async (role: Speaker, port: number): Promise<Peer> =>
      LightPeer.open(port, sip, (request) => this.#asked(role, request));
    this.#peers = {
      caller: await open('caller', 0),
      bot: await open('bot', bot),
      agent: await open('agent', agent),
    };
    await this.#strangers.open();
    const { atOnce } = this.#options;
    this.#lanes = Promise.all(
      Array.from({ length: atOnce }, async (_, lane) => {
        await new Promise((resolve) => setTimeout(resolve, (BEGIN_MS * lane) / atOnce));
        while (!this.#over.signal.aborted) await this.#one();
      }),
    );
  }

  /** Lets every call end, and resolves when the last is over. */
  async stop(): Promise<void> {
    this.#over.abort();
    await this.#lanes;
  }

  /** Calls up now. */
  get up(): number {
    return this.#calls.size;
  }

  close(): void {
    this.#over.abort();
    this.#beat.close();
    this.#strangers.close();
    for (const peer of Object.values(this.#peers ?? {})) peer.close();
  }

  async #one(): Promise<void> {
    const world: CallWorld = {
      beat: this.#beat,
      ledger: this.ledger,
      peers: this.#peers!,
      over: this.#over.signal,
      handOver: (callId) => this.#node.handOver(callId),
      ended: (callId) => new Promise((resolve) => this.#ends.set(callId, resolve)),
      invited: (sipCallId, call) => this.#dialogs.set(sipCallId, call),
    };
    const call = new MediaCall(this.#plan.next(), world);
    this.#calls.set(call.mark, call);
    this.ledger.count('calls placed');
    await call.run();
    this.#calls.delete(call.mark);
    if (call.plan.recorded && call.answered) this.recorded.set(call.callId, call.plan.index);
    this.#ends.delete(call.callId);
    for (const dialog of call.dialogs) this.#dialogs.delete(dialog);
    if (!call.answered) await new Promise((resolve) => setTimeout(resolve, SHED_AGAIN_MS));
  }

  #asked(role: Speaker, request: Incoming): void {
    const call =
      this.#dialogs.get(request.callId) ??
      this.#calls.get(request.mark) ??
      this.#calls.get(request.callId.replace('@soak', ''));
    if (call) call.asked(role, request);
    else if (request.method !== 'OPTIONS') request.respond('481 Call/Transaction Does Not Exist');
  }
}
