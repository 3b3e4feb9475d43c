import type { MessagePort } from 'node:worker_threads';
import { assertUnreachable } from '../../common/assert.js';
import type { Clock, Timer } from '../../common/clock.js';
import { RelevoError, messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/log.js';
import type { PromptLibrary } from '../prompt/prompt-library.js';
import type { MediaThreadEngine, Reply } from '../media-thread.js';
import type { ToMediaWorker } from '../worker-messages.js';
import type { SeenDigit } from './dtmf-log.js';
import type { NgClient } from './ng-client.js';
import { PromptSource } from './prompt-source.js';
import { RtpengineCall } from './rtpengine-call.js';

const PING_MS = 1000;
/** How often a watched call is asked for its last packets; rtpengine counts in whole seconds. */
const WATCH_MS = 1000;

export interface RtpengineEngineOptions {
  readonly ng: NgClient;
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
  /** 0: not watched. */
  watchMs: number;
  watchedSinceMs: number;
  reported: boolean;
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
  #watches: Timer | null = null;
  #over = false;

  constructor(options: RtpengineEngineOptions) {
    this.#options = options;
    this.#prompts = new PromptSource(options.prompts);
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
        this.#watch(leg, command.timeoutMs);
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
    this.#watches?.cancel();
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
    { callId, legId, family, lostForMs }: Extract<ToMediaWorker, { kind: 'open' }>,
    reply: Reply,
  ): Promise<void> {
    const { ng, clock, log } = this.#options;
    let call = this.#calls.get(callId);
    if (!call) {
      call = new RtpengineCall({
        callId,
        ng,
        prompts: this.#prompts,
        clock,
        log,
        onPlayed: (played, promptId) => {
          const event = { kind: 'played', legId: played, promptId } as const;
          this.#legs.get(played)?.reply({ kind: 'event', callId, event });
        },
        onFailed: (error) => {
          this.#failed(callId, error);
        },
      });
      this.#calls.set(callId, call);
      // The thread before this one may have left the call behind.
      if (lostForMs !== undefined) call.clear();
    }
    const leg: Leg = {
      callId,
      legId,
      reply,
      watchMs: 0,
      watchedSinceMs: 0,
      reported: false,
      digitsByInfo: false,
    };
    this.#legs.set(legId, leg);
    try {
      const { address, port } = await call.open(legId, family);
      reply({ kind: 'opened', legId, rtpPort: port, address });
    } catch (error) {
      this.#forget(leg, call);
      const code = error instanceof RelevoError ? error.code : 'rtpengine_refused';
      reply({ kind: 'openFailed', legId, code, detail: messageOf(error) });
      this.#failed(callId, error);
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
    const others = call.legIds.some((legId) => legId !== leg.legId && this.#legs.has(legId));
    if (!others && this.#calls.get(leg.callId) === call) this.#calls.delete(leg.callId);
  }

  /** A refusal concerns the call; silence, or a call that is not known there any more, the node. */
  #failed(callId: string, error: unknown): void {
    if (this.#over) return;
    this.#options.log.error({ callId, error: messageOf(error) }, 'rtpengine did not do as it was asked');
    const silent = error instanceof RelevoError && error.code === 'rtpengine_silent';
    if (silent || /unknown call/i.test(messageOf(error))) this.#lost(messageOf(error));
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

  #watch(leg: Leg, timeoutMs: number): void {
    leg.watchMs = timeoutMs;
    leg.watchedSinceMs = this.#options.clock.wallMs();
    leg.reported = false;
    this.#watches ??= this.#watchLater();
  }

  #watchLater(): Timer {
    return this.#options.clock.after(WATCH_MS, () => {
      const watched = [...this.#legs.values()].filter(({ watchMs }) => watchMs > 0);
      if (watched.length === 0 || this.#over) {
        this.#watches = null;
        return;
      }
      void this.#check(watched).then(() => {
        if (!this.#over) this.#watches = this.#watchLater();
      });
    });
  }

  async #check(watched: readonly Leg[]): Promise<void> {
    for (const callId of new Set(watched.map((leg) => leg.callId))) {
      const last = await this.#calls
        .get(callId)
        ?.lastPackets()
        .catch((error: unknown) => {
          this.#failed(callId, error);
          return null;
        });
      if (!last) continue;
      const nowMs = this.#options.clock.wallMs();
      for (const leg of watched.filter((one) => one.callId === callId)) {
        const lastMs = Math.max((last.get(leg.legId) ?? 0) * 1000, leg.watchedSinceMs);
        const silentMs = nowMs - lastMs;
        const silent = leg.watchMs > 0 && silentMs >= leg.watchMs;
        if (silent && !leg.reported) {
          const event = { kind: 'mediaTimeout', legId: leg.legId, silentMs } as const;
          leg.reply({ kind: 'event', callId, event });
        }
        leg.reported = silent;
      }
    }
  }
}
