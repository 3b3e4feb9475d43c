import type { MessagePort } from 'node:worker_threads';
import { assertUnreachable } from '../../common/assert.js';
import type { Clock, Timer } from '../../common/clock.js';
import { RelevoError, messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/log.js';
import type { PromptLibrary } from '../prompt/prompt-library.js';
import type { MediaThreadEngine, Reply } from '../media-thread.js';
import type { FromMediaWorker, ToMediaWorker } from '../worker-messages.js';
import type { SeenDigit } from './dtmf-log.js';
import type { NgClient } from './ng-client.js';
import { PromptSource } from './prompt-source.js';
import { RtpengineCall } from './rtpengine-call.js';
import { SilenceRounds } from './silence-rounds.js';

const PING_MS = 1000;
const LATELY_MS = 5000;

export interface RtpengineEngineOptions {
  readonly ng: Pick<NgClient, 'ask' | 'close'>;
  readonly clock: Clock;
  readonly prompts: PromptLibrary;
  readonly log: Logger;
  /** rtpengine is gone, or has lost our calls: this engine is of no use any more. Called once. */
  readonly onLost: (cause: string) => void;
}

interface Leg {
  readonly callId: string;
  readonly legId: string;
  readonly reply: Reply;
  /** The peer takes digits by INFO only. */
  digitsByInfo: boolean;
}

/** All calls of this node on one rtpengine, behind the same commands as a media worker's. */
export class RtpengineEngine implements MediaThreadEngine {
  readonly #options: RtpengineEngineOptions;
  readonly #prompts: PromptSource;
  readonly #legs = new Map<string, Leg>();
  readonly #calls = new Map<string, RtpengineCall>();
  #pings: Timer;
  readonly #rounds: SilenceRounds;
  /** Calls that were lost here a moment ago: the signalling side may not know it yet. */
  readonly #lately = new Map<string, Timer>();
  #over = false;

  constructor(options: RtpengineEngineOptions) {
    this.#options = options;
    this.#prompts = new PromptSource(options.prompts);
    this.#rounds = new SilenceRounds({
      clock: options.clock,
      calls: () => this.#calls.values(),
      onSilent: (legId, silentMs) => {
        this.#tell(legId, { kind: 'mediaTimeout', legId, silentMs });
      },
      onOneWay: (legId, missing, forMs) => {
        this.#tell(legId, { kind: 'oneWayAudio', legId, missing, forMs });
      },
      onFailed: (call, error) => {
        this.#failed(call, error);
      },
    });
    this.#pings = this.#pingLater();
  }

  execute(command: ToMediaWorker, reply: Reply): void {
    if (this.#over) return;
    if (command.kind === 'open') {
      void this.#open(command, reply);
      return;
    }
    if (command.kind === 'preload') {
      for (const file of command.files) this.#preload(file);
      return;
    }
    const leg = this.#legs.get(command.legId);
    const call = leg && this.#calls.get(leg.callId);
    if (!leg || !call) return;
    switch (command.kind) {
      case 'configure':
        leg.digitsByInfo = command.settings.dtmf === 'info';
        call.configure(leg.legId, command.settings);
        return;
      case 'hear':
        call.hear(leg.legId, command.source);
        return;
      case 'sendDtmf':
        if (leg.digitsByInfo) {
          const event = { kind: 'dtmfByInfo', legId: leg.legId, digits: command.digits } as const;
          reply({ kind: 'event', callId: leg.callId, event });
        } else {
          call.sendDtmf(leg.legId, command.digits);
        }
        return;
      case 'record': {
        const event = {
          kind: 'recording',
          legId: leg.legId,
          file: null,
          code: 'recording_by_rtpengine',
        } as const;
        reply({ kind: 'event', callId: leg.callId, event });
        return;
      }
      case 'watch':
        this.#rounds.watch(leg.legId, command.timeoutMs);
        return;
      case 'startGap':
      case 'beep':
        // Neither measured nor laid over: rtpengine has neither.
        return;
      case 'stopGap': {
        // rtpengine does not measure what it leaves out.
        const { legId, requestId } = command;
        reply({ kind: 'event', callId: leg.callId, event: { kind: 'gap', legId, requestId, gapMs: null } });
        return;
      }
      case 'close':
        void this.#close(leg, call);
        return;
      default:
        assertUnreachable(command, 'media command');
    }
  }

  dropReply(reply: Reply): void {
    for (const leg of [...this.#legs.values()]) {
      const call = this.#calls.get(leg.callId);
      if (leg.reply === reply && call) void this.#close(leg, call);
    }
  }

  /** A key that rtpengine has seen; those of unknown legs are passed over. */
  digitSeen({ callId, legId, digit, durationMs }: SeenDigit): void {
    const leg = this.#legs.get(legId);
    if (leg?.callId !== callId) return;
    leg.reply({ kind: 'event', callId, event: { kind: 'dtmf', legId, digit, durationMs } });
  }

  /** rtpengine records by itself where its site wants that. */
  attachRecorder(port: MessagePort): void {
    port.close();
  }

  stats(): ReturnType<MediaThreadEngine['stats']> {
    const legs = this.#legs.size;
    // RTP and RTCP; how many rtpengine has in all is in its own statistics, as are its packets.
    const counted = {
      packetsReceived: 0,
      packetsRelayed: 0,
      packetsGenerated: 0,
      packetsRejected: 0,
      recordings: 0,
      recordingsFailed: 0,
    };
    return { legs, portsInUse: legs * 2, portsTotal: 0, ...counted };
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#pings.cancel();
    this.#rounds.close();
    for (const timer of this.#lately.values()) timer.cancel();
    this.#lately.clear();
    const farewells = [...this.#calls.values()].flatMap((call) =>
      call.legIds.map((legId) => call.close(legId)),
    );
    this.#calls.clear();
    this.#legs.clear();
    void Promise.all(farewells).then(() => {
      this.#options.ng.close();
    });
  }

  async #open(
    { callId, legId, family, dtls, lostForMs, again }: Extract<ToMediaWorker, { kind: 'open' }>,
    reply: Reply,
  ): Promise<void> {
    const { ng, clock, log } = this.#options;
    // What was asked for before its call was lost is asked for again.
    if (!again && this.#lately.has(callId)) return;
    let call = this.#calls.get(callId);
    if (!call) {
      const made = new RtpengineCall({
        callId,
        ng,
        prompts: this.#prompts,
        clock,
        log,
        onPlayed: (played, promptId) => {
          this.#tell(played, { kind: 'played', legId: played, promptId });
        },
        onFailed: (error) => {
          this.#failed(made, error);
        },
      });
      call = made;
      this.#calls.set(callId, call);
      // The thread before this one may have left the call behind.
      if (lostForMs !== undefined) call.clear();
    }
    const leg: Leg = {
      callId,
      legId,
      reply,
      digitsByInfo: false,
    };
    this.#legs.set(legId, leg);
    this.#rounds.add(callId, legId);
    try {
      const { address, port, fingerprint } = await call.open(legId, family, dtls === true);
      reply({ kind: 'opened', legId, rtpPort: port, address, ...(fingerprint !== null && { fingerprint }) });
    } catch (error) {
      const first = call.legIds.length === 0;
      this.#forget(leg, call);
      const code = error instanceof RelevoError ? error.code : 'rtpengine_refused';
      const detail = messageOf(error);
      this.#options.log.error({ callId, legId, error: detail }, 'rtpengine opened no leg');
      if (code === 'rtpengine_silent') this.#lost(detail);
      // Where nothing of the call is here yet, another rtpengine may have room for it.
      else if (first) reply({ kind: 'callLost', callId, detail });
      else reply({ kind: 'openFailed', legId, code, detail });
    }
  }

  async #close(leg: Leg, call: RtpengineCall): Promise<void> {
    this.#forget(leg, call);
    const stats = await call.close(leg.legId);
    leg.reply({
      kind: 'event',
      callId: leg.callId,
      event: { kind: 'closed', legId: leg.legId, stats },
    });
  }

  #forget(leg: Leg, call: RtpengineCall): void {
    this.#legs.delete(leg.legId);
    this.#rounds.remove(leg.legId);
    const others = call.legIds.some((legId) => legId !== leg.legId && this.#legs.has(legId));
    if (!others && this.#calls.get(leg.callId) === call) this.#calls.delete(leg.callId);
  }

  /** Silence concerns the node, a refusal the call: what has become of its streams is not known any more. */
  #failed(call: RtpengineCall, error: unknown): void {
    const { callId } = call;
    if (this.#over || this.#calls.get(callId) !== call) return;
    const detail = messageOf(error);
    this.#options.log.error({ callId, error: detail }, 'rtpengine did not do as it was asked');
    if (error instanceof RelevoError && error.code === 'rtpengine_silent') {
      this.#lost(detail);
      return;
    }
    const replies = new Set<Reply>();
    for (const leg of [...this.#legs.values()]) {
      if (leg.callId !== callId) continue;
      replies.add(leg.reply);
      this.#legs.delete(leg.legId);
      this.#rounds.remove(leg.legId);
    }
    this.#calls.delete(callId);
    call.abandon();
    this.#lately.get(callId)?.cancel();
    const forget = this.#options.clock.after(LATELY_MS, () => this.#lately.delete(callId));
    this.#lately.set(callId, forget);
    for (const reply of replies) reply({ kind: 'callLost', callId, detail });
    // It may have been started anew: then it knows none of the others either.
    if (/unknown call/i.test(detail)) this.#rounds.hurry();
  }

  #lost(cause: string): void {
    if (this.#over) return;
    this.#options.onLost(cause);
  }

  #pingLater(): Timer {
    return this.#options.clock.after(PING_MS, () => {
      this.#options.ng.ask({ command: 'ping' }).then(
        () => {
          if (!this.#over) this.#pings = this.#pingLater();
        },
        (error: unknown) => {
          this.#lost(messageOf(error));
        },
      );
    });
  }

  #preload(file: string): void {
    this.#options.prompts.load(file).catch((error: unknown) => {
      this.#options.log.warn(
        { file, error: messageOf(error) },
        'prompt file cannot be read here: left to rtpengine',
      );
    });
  }

  #tell(legId: string, event: Extract<FromMediaWorker, { kind: 'event' }>['event']): void {
    const leg = this.#legs.get(legId);
    leg?.reply({ kind: 'event', callId: leg.callId, event });
  }
}
