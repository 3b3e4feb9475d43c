import type { MessagePort } from 'node:worker_threads';
import type { MediaEvent, MediaSource } from '../../call/media-port.js';
import { assertUnreachable } from '../../common/assert.js';
import type { Clock, Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Party } from '../../call/vocabulary.js';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import type { PromptLibrary } from '../prompt/prompt-library.js';
import type { MediaThreadEngine, Reply } from '../media-thread.js';
import type { PortRange, ToMediaWorker } from '../worker-messages.js';
import { Endpoint } from './endpoint.js';
import type { WorkerCounters } from './endpoint-context.js';
import { Pacer } from './pacer.js';
import { PortAllocator } from './port-allocator.js';
import { recordLeg } from './record-leg.js';
import { RecordingDesk } from './recording-desk.js';
import { SocketPairStock } from './socket-pair-stock.js';

/** Every leg is checked so often; in slices, so that no packet waits for the checks of a thousand legs. */
const CHECK_MS = 100;
const CHECK_SLICES = 10;

export interface MediaEngineOptions {
  readonly address: string;
  readonly address6: string | null;
  readonly ports: PortRange;
  readonly clock: Clock;
  readonly random: Random;
  readonly prompts: PromptLibrary;
  readonly log: Logger;
}

interface Leg {
  readonly endpoint: Endpoint;
  readonly party: Party;
  readonly reply: Reply;
  /** What the party is to hear; a leg that is not there yet is joined when it opens. */
  source: MediaSource | null;
}

/** All legs of one media worker, and who hears whom. */
export class MediaEngine implements MediaThreadEngine {
  readonly #options: MediaEngineOptions;
  readonly #ports: PortAllocator;
  readonly #sockets: SocketPairStock;
  readonly #sockets6: SocketPairStock | null;
  readonly #pacer: Pacer;
  readonly recordings = new RecordingDesk();
  readonly #legs = new Map<string, Leg>();
  readonly counters: WorkerCounters = {
    packetsReceived: 0,
    packetsRelayed: 0,
    packetsGenerated: 0,
    packetsRejected: 0,
    recordings: 0,
    recordingsFailed: 0,
  };
  #checks: Timer | null = null;
  /** The legs that this round of checks has still to visit. */
  #unchecked: MapIterator<Leg> | null = null;
  #closed = false;

  constructor(options: MediaEngineOptions) {
    this.#options = options;
    this.#ports = new PortAllocator(options.ports);
    this.#sockets = new SocketPairStock(this.#ports, options.address, options.clock);
    this.#sockets6 = options.address6
      ? new SocketPairStock(this.#ports, options.address6, options.clock)
      : null;
    this.#pacer = new Pacer(options.clock);
  }

  get legCount(): number {
    return this.#legs.size;
  }

  /** UDP ports held, two per leg. */
  get portsInUse(): number {
    return (this.#ports.inUse - this.#resting()) * 2;
  }

  get portsTotal(): number {
    return this.#ports.total * 2;
  }

  attachRecorder(port: MessagePort): void {
    this.recordings.attach(port);
  }

  stats(): ReturnType<MediaThreadEngine['stats']> {
    return {
      legs: this.#legs.size,
      portsInUse: this.portsInUse,
      portsTotal: this.portsTotal,
      ...this.counters,
    };
  }

  /** Carries out one command. Commands for unknown legs are ignored, the adapter knows which there are. */
  execute(command: ToMediaWorker, reply: Reply): void {
    if (this.#closed) return;
    if (command.kind === 'open') {
      this.#open(command, reply);
      return;
    }
    if (command.kind === 'preload') {
      for (const file of command.files) this.#preload(file);
      return;
    }
    const leg = this.#legs.get(command.legId);
    if (!leg) {
      this.#options.log.debug({ legId: command.legId, kind: command.kind }, 'command for an unknown leg');
      return;
    }
    const endpoint = leg.endpoint;
    switch (command.kind) {
      case 'configure':
        endpoint.configure(command.settings);
        return;
      case 'hear':
        this.#hear(leg, command.source);
        return;
      case 'sendDtmf':
        if (this.#isNews(command)) endpoint.sendDtmf(command.digits);
        return;
      case 'beep':
        endpoint.beep();
        return;
      case 'record':
        this.#record(leg, command);
        return;
      case 'watch':
        endpoint.watch(command.timeoutMs);
        return;
      case 'startGap':
        endpoint.startGap(command.silentForMs);
        return;
      case 'stopGap':
        this.#emit(leg, {
          kind: 'gap',
          legId: command.legId,
          requestId: command.requestId,
          gapMs: endpoint.stopGap(),
        });
        return;
      case 'close':
        this.#close(leg);
        return;
      default:
        assertUnreachable(command, 'media command');
    }
  }

  /** Closes the legs that were opened with this reply: its signalling thread is gone. */
  dropReply(reply: Reply): void {
    for (const leg of [...this.#legs.values()]) if (leg.reply === reply) this.#close(leg);
  }

  /** Frees everything without a word: the signalling side sees its port close. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const leg of this.#legs.values()) leg.endpoint.close();
    this.#legs.clear();
    this.recordings.close();
    this.#sockets.close();
    this.#sockets6?.close();
    this.#pacer.close();
    this.#checks?.cancel();
    this.#checks = null;
  }

  #open(
    { callId, legId, symmetricRtp, family, party, lostForMs }: Extract<ToMediaWorker, { kind: 'open' }>,
    reply: Reply,
  ): void {
    if (this.#legs.has(legId)) {
      this.#options.log.error({ legId }, 'leg opened twice');
      return;
    }
    const { clock, random, log } = this.#options;
    const context = { clock, random, log, pacer: this.#pacer, counters: this.counters };
    const endpoint: Endpoint = new Endpoint(callId, legId, symmetricRtp, context, (event) => {
      this.#emit(leg, event);
    });
    const leg: Leg = { endpoint, party, reply, source: null };
    this.#legs.set(legId, leg);
    if (lostForMs !== undefined) endpoint.resuming(lostForMs);
    if (this.#checks === null) this.#scheduleCheck();
    // Legs that wait for this one join it.
    for (const other of this.#legs.values()) {
      if (heardBy(other).includes(legId)) this.#join(other, endpoint);
    }
    this.#bind(leg, family).catch((error: unknown) => {
      this.#failOpen(leg, 'media_bind_failed', messageOf(error));
    });
  }

  /** Bound sockets that no leg has. */
  #resting(): number {
    return this.#sockets.size + (this.#sockets6?.size ?? 0);
  }

  async #bind(leg: Leg, family: 4 | 6): Promise<void> {
    const { endpoint, reply } = leg;
    const sockets = family === 6 ? this.#sockets6 : this.#sockets;
    if (!sockets) {
      this.#failOpen(leg, 'media_no_ipv6', 'there is no IPv6 address for RTP');
      return;
    }
    const pair = await sockets.take(endpoint.handlers);
    if (endpoint.closed) {
      pair?.close();
      return;
    }
    if (!pair) {
      this.#failOpen(leg, 'media_ports_exhausted', 'no RTP port pair is free in the range of this worker');
      return;
    }
    endpoint.attach(pair);
    reply({ kind: 'opened', legId: endpoint.legId, rtpPort: pair.rtpPort });
  }

  #failOpen(leg: Leg, code: string, detail: string): void {
    this.#remove(leg);
    leg.endpoint.close();
    leg.reply({ kind: 'openFailed', legId: leg.endpoint.legId, code, detail });
  }

  #hear(leg: Leg, source: MediaSource): void {
    const before = leg.source;
    if (source.kind === 'leg' && before?.kind === 'leg' && before.legId === source.legId) return;
    this.#part(leg);
    leg.source = source;
    const { endpoint } = leg;
    const { prompts } = this.#options;
    switch (source.kind) {
      case 'leg': {
        endpoint.hearLeg();
        const heard = this.#legs.get(source.legId);
        if (heard) this.#join(leg, heard.endpoint);
        endpoint.markRecording(heard?.party ?? 'nobody');
        return;
      }
      case 'mix': {
        const legIds = heardBy(leg);
        endpoint.hearMix(legIds);
        for (const legId of legIds) {
          const heard = this.#legs.get(legId);
          if (heard) this.#join(leg, heard.endpoint);
        }
        return;
      }
      case 'tap': {
        endpoint.hearTap(source.legId);
        const heard = this.#legs.get(source.legId);
        if (heard) this.#join(leg, heard.endpoint);
        return;
      }
      case 'ringback':
        endpoint.hearPrompt(prompts.ringback(source.country), true, null);
        return;
      case 'silence':
        endpoint.hearSilence();
        return;
      case 'music':
        if (source.file === null) endpoint.hearPrompt(prompts.melody, true, null);
        else this.#hearFile(leg, source, source.file);
        return;
      case 'file':
        this.#hearFile(leg, source, source.file);
        return;
      default:
        assertUnreachable(source, 'media source');
    }
  }

  /** Plays a file; one that is not in memory yet is preceded by silence while it is read. */
  #hearFile(leg: Leg, source: Extract<MediaSource, { kind: 'music' | 'file' }>, file: string): void {
    const { endpoint } = leg;
    const { prompts, log } = this.#options;
    const finish = (): void => {
      if (source.kind === 'file') {
        this.#emit(leg, { kind: 'played', legId: endpoint.legId, promptId: source.promptId });
      }
    };
    const cached = prompts.cached(file);
    if (cached) {
      endpoint.hearPrompt(cached, source.kind === 'music', finish);
      return;
    }
    endpoint.hearSilence();
    const wanted = (): boolean => leg.source === source && !endpoint.closed;
    prompts.load(file).then(
      (audio) => {
        if (wanted()) endpoint.hearPrompt(audio, source.kind === 'music', finish);
      },
      (error: unknown) => {
        log.warn({ legId: endpoint.legId, file, error: messageOf(error) }, 'prompt file cannot be played');
        if (!wanted()) return;
        if (source.kind === 'music') endpoint.hearPrompt(prompts.melody, true, null);
        else finish();
      },
    );
  }

  /** A press that came by INFO, and in RTP as well, is sent once. */
  #isNews({ digits, pressedOn }: Extract<ToMediaWorker, { kind: 'sendDtmf' }>): boolean {
    const presser = pressedOn === undefined ? undefined : this.#legs.get(pressedOn);
    return !presser || presser.endpoint.pressedByInfo(digits);
  }

  #record(leg: Leg, { directory, consentFile, part = 1 }: Extract<ToMediaWorker, { kind: 'record' }>): void {
    const { clock, prompts } = this.#options;
    recordLeg(
      leg.endpoint,
      { directory, consentFile, part },
      { clock, prompts, desk: this.recordings },
      (news) => {
        if (news.state === 'started') this.counters.recordings++;
        else this.counters.recordingsFailed++;
        const { legId } = leg.endpoint;
        const started = news.state === 'started';
        const [file, code] = started ? [news.file, null] : [null, news.code];
        this.#emit(leg, { kind: 'recording', legId, file, code });
      },
    );
  }

  #preload(file: string): void {
    this.#options.prompts.load(file).catch((error: unknown) => {
      this.#options.log.warn({ file, error: messageOf(error) }, 'prompt file cannot be read');
    });
  }

  #join(listener: Leg, heard: Endpoint): void {
    heard.listeners = [...heard.listeners, listener.endpoint];
    if (listener.source?.kind === 'tap') heard.taps.add(listener.endpoint);
  }

  #part(listener: Leg): void {
    for (const legId of heardBy(listener)) {
      const heard = this.#legs.get(legId)?.endpoint;
      if (!heard) continue;
      heard.listeners = heard.listeners.filter((other) => other !== listener.endpoint);
      heard.taps.remove(listener.endpoint);
    }
  }

  #close(leg: Leg): void {
    this.#remove(leg);
    const stats = leg.endpoint.close();
    this.#emit(leg, { kind: 'closed', legId: leg.endpoint.legId, stats });
  }

  #remove(leg: Leg): void {
    this.#part(leg);
    this.#legs.delete(leg.endpoint.legId);
  }

  #scheduleCheck(): void {
    this.#checks = this.#options.clock.after(CHECK_MS / CHECK_SLICES, () => {
      this.#check();
    });
  }

  /** One slice of the regular checks. */
  #check(): void {
    this.#checks = null;
    const nowMs = this.#options.clock.now();
    this.#unchecked ??= this.#legs.values();
    for (let left = Math.ceil(this.#legs.size / CHECK_SLICES); left > 0; left--) {
      const next = this.#unchecked.next();
      if (next.done) {
        this.#unchecked = null;
        break;
      }
      next.value.endpoint.check(nowMs);
    }
    this.#sockets.trim(nowMs);
    this.#sockets6?.trim(nowMs);
    if (this.#legs.size + this.#resting() > 0) this.#scheduleCheck();
  }

  #emit(leg: Leg, event: MediaEvent): void {
    switch (event.kind) {
      case 'dtmf':
      case 'dtmfByInfo':
      case 'recording':
      case 'played':
      case 'mediaTimeout':
      case 'mediaResumed':
      case 'oneWayAudio':
      case 'gap':
      case 'closed':
        leg.reply({ kind: 'event', callId: leg.endpoint.callId, event });
        return;
      default:
        throw new Error(`${event.kind} is not an event of a worker`);
    }
  }
}

/** The legs that a leg is to hear; in a mix nobody hears itself. */
function heardBy({ source, endpoint }: Leg): readonly string[] {
  if (source?.kind === 'leg' || (source?.kind === 'tap' && source.legId !== endpoint.legId))
    return [source.legId];
  if (source?.kind !== 'mix') return [];
  return [...new Set(source.legIds)].filter((legId) => legId !== endpoint.legId);
}
