import type { MessagePort } from 'node:worker_threads';
import type { MediaCommand, MediaEvent } from '../call/media-port.js';
import { assertUnreachable } from '../common/assert.js';
import type { Clock, Timer } from '../common/clock.js';
import { messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import type { Random } from '../common/random.js';
import { unlikeCodecs } from './codec-match.js';
import { MediaLeg, type NegotiationCommand } from './media-leg.js';
import { CallMover } from './call-mover.js';
import { MessageBatch } from './message-batch.js';
import type { MediaCall, WorkerLink } from './worker-link.js';
import type { FromMediaWorker, LegCommand, ToMediaWorker } from './worker-messages.js';

type DirectCommand = Extract<MediaCommand, { kind: 'makeDirectOffer' }>;

/** A worker that has not opened a leg by then is taken for stuck. */
const OPEN_DEADLINE_MS = 2000;

export interface EmbeddedMediaOptions {
  /** IPv4 address that stands in our SDP. */
  readonly mediaAddress: string;
  /** IPv6 address likewise; null where there is none. */
  readonly mediaAddress6?: string | null;
  readonly random: Random;
  readonly clock: Clock;
  readonly onEvent: (callId: string, event: MediaEvent) => void;
  readonly log: Logger;
  /** How many peers may be told of new ports in a second, after a worker was lost. */
  readonly movesPerSecond?: number;
}

export interface EmbeddedMediaStats {
  readonly calls: number;
  readonly legs: number;
  readonly workers: readonly { readonly index: number; readonly legs: number }[];
}

/**
 * The media adapter of the signalling thread: negotiates SDP itself and has RTP done by the media workers.
 * All legs of a call are pinned to one worker. Only the first offer or answer of a leg waits for a worker. The calls
 * of a worker that is lost go on at another one, with new ports.
 */
export class EmbeddedMedia {
  readonly #options: EmbeddedMediaOptions;
  readonly #workers = new Map<number, WorkerLink>();
  readonly #calls = new Map<string, MediaCall>();
  readonly #mover: CallMover;
  #legCount = 0;
  #closed = false;

  constructor(options: EmbeddedMediaOptions) {
    this.#options = options;
    const { clock, log, movesPerSecond } = options;
    this.#mover = new CallMover({
      clock,
      log,
      ...(movesPerSecond !== undefined && { peersPerSecond: movesPerSecond }),
      leastLoaded: (shunned) => this.#leastLoaded(shunned),
      post: (worker, message) => {
        this.#post(worker, message);
      },
      openDeadline: (leg) => this.#openDeadline(leg),
      emit: (callId, event) => {
        this.#emit(callId, event);
      },
    });
  }

  /** A port to worker `index` (speaks worker-messages.ts); replaces the former one of that index. */
  attachWorker(index: number, port: MessagePort): void {
    const former = this.#workers.get(index);
    if (former) this.#loseWorker(former);
    const worker: WorkerLink = { index, commands: new MessageBatch(port), legs: new Map() };
    this.#workers.set(index, worker);
    port.on('message', (messages: readonly FromMediaWorker[]) => {
      for (const message of messages) this.#fromWorker(worker, message);
    });
    port.on('close', () => {
      if (!this.#closed) this.#loseWorker(worker);
    });
    this.#mover.workerCame();
  }

  /** Carries out a command; the answer is an event with the same requestId. Never throws. */
  execute(callId: string, command: MediaCommand): void {
    if (this.#closed) return;
    switch (command.kind) {
      case 'makeOffer':
      case 'makeAnswer':
        this.#negotiate(callId, command);
        return;
      case 'takeAnswer': {
        const leg = this.#leg(callId, command.legId);
        if (leg) leg.negotiate(command);
        else this.#fail(callId, command, 500, 'media_unknown_leg', 'there is no such leg');
        return;
      }
      case 'makeDirectOffer':
        this.#negotiateDirectly(callId, command);
        return;
      case 'askSource':
        if (!this.#forward(callId, command)) {
          const { legId, requestId } = command;
          this.#emit(callId, { kind: 'source', legId, requestId, source: 'unknown' });
        }
        return;
      case 'hear':
      case 'sendDtmf':
      case 'beep':
      case 'record':
      case 'watch':
      case 'rest':
      case 'startGap':
        this.#forward(callId, command);
        return;
      case 'stopGap':
        if (!this.#forward(callId, command)) {
          this.#emit(callId, {
            kind: 'gap',
            legId: command.legId,
            requestId: command.requestId,
            gapMs: null,
          });
        }
        return;
      case 'close':
        // The answer of the worker ends the leg here.
        if (!this.#forward(callId, command)) {
          this.#forget(callId, command.legId);
          this.#emit(callId, { kind: 'closed', legId: command.legId, stats: null });
        }
        return;
      default:
        assertUnreachable(command, 'media command');
    }
  }

  /** Closes what is left of a call, without events. */
  callEnded(callId: string): void {
    const call = this.#calls.get(callId);
    if (!call) return;
    for (const leg of [...call.legs.values()]) {
      if (!leg.lost) this.#post(call.worker, { kind: 'close', legId: leg.legId });
      this.#forget(callId, leg.legId);
    }
    this.#mover.forget(call);
    this.#calls.delete(callId);
  }

  /** Has every worker read and convert prompt files ahead of the calls that need them. */
  preload(files: readonly string[]): void {
    for (const worker of this.#workers.values()) this.#post(worker, { kind: 'preload', files });
  }

  stats(): EmbeddedMediaStats {
    return {
      calls: this.#calls.size,
      legs: this.#legCount,
      workers: [...this.#workers.values()].map(({ index, legs }) => ({ index, legs: legs.size })),
    };
  }

  /** Idempotent. The workers close the legs of this thread when its ports close. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#mover.close();
    for (const call of this.#calls.values()) for (const leg of call.legs.values()) leg.dispose();
    this.#calls.clear();
    for (const worker of this.#workers.values()) worker.commands.close();
    this.#workers.clear();
  }

  #negotiate(
    callId: string,
    command: Extract<NegotiationCommand, { kind: 'makeOffer' | 'makeAnswer' }>,
  ): void {
    const known = this.#leg(callId, command.legId);
    if (known) {
      known.negotiate(command);
      return;
    }
    let call = this.#calls.get(callId);
    if (!call) {
      const worker = this.#leastLoaded(null);
      if (!worker) {
        this.#fail(callId, command, 503, 'media_no_worker', 'no media worker is running');
        return;
      }
      call = { callId, worker, legs: new Map(), dead: false, lostAt: null, lostAtMs: 0, losses: 0 };
      this.#calls.set(callId, call);
    }
    if (call.dead) {
      this.#fail(callId, command, 503, 'media_worker_gone', 'the media worker of this call has ended');
      return;
    }
    const { random } = this.#options;
    const family = familyOf(command);
    const mediaAddress = family === 6 ? this.#options.mediaAddress6 : this.#options.mediaAddress;
    if (!mediaAddress) {
      const { legId, requestId } = command;
      const detail = 'the peer wants IPv6, for which there is no media address';
      this.#emit(callId, { kind: 'mediaFailed', legId, requestId, status: 488, code: 'sdp_address', detail });
      return;
    }
    const open = {
      kind: 'open',
      callId,
      legId: command.legId,
      symmetricRtp: command.symmetricRtp,
      family,
      party: command.party,
      ...(command.srtpKeys === 'dtls' && (command.srtp ?? 'off') !== 'off' && { dtls: true }),
    } as const;
    const leg = new MediaLeg({
      callId,
      legId: command.legId,
      mediaAddress,
      sessionId: String(Math.floor(random.fraction() * 2 ** 46) + 1),
      emit: (event) => {
        this.#emit(callId, event);
      },
      configure: (settings) => {
        this.#post(call.worker, { kind: 'configure', legId: command.legId, settings });
        this.#matchCodecs(callId);
      },
      open,
      random,
    });
    leg.openDeadline = this.#openDeadline(leg);
    call.legs.set(command.legId, leg);
    call.worker?.legs.set(command.legId, leg);
    this.#legCount++;
    for (const message of leg.remembered.asNew()) this.#post(call.worker, message);
    leg.negotiate(command);
  }

  #negotiateDirectly(callId: string, command: DirectCommand): void {
    const leg = this.#leg(callId, command.legId);
    const peer = this.#leg(callId, command.peerLegId);
    if (leg && peer) leg.offerDirect(command.requestId, peer);
    else this.#fail(callId, command, 500, 'media_unknown_leg', 'there is no such leg');
  }

  #openDeadline(leg: MediaLeg): Timer {
    return this.#options.clock.after(OPEN_DEADLINE_MS, () => {
      const worker = this.#calls.get(leg.callId)?.worker ?? null;
      this.#openFailed(leg, 'media_worker_late', 'the media worker did not open the leg in time');
      this.#post(worker, { kind: 'close', legId: leg.legId });
    });
  }

  #leastLoaded(shunned: WorkerLink | null): WorkerLink | null {
    let best: WorkerLink | null = null;
    for (const worker of this.#workers.values()) {
      if (!best || best === shunned || (worker !== shunned && worker.legs.size < best.legs.size))
        best = worker;
    }
    return best;
  }

  #leg(callId: string, legId: string): MediaLeg | undefined {
    return this.#calls.get(callId)?.legs.get(legId);
  }

  /** False where nobody can take the command. */
  #forward(callId: string, command: LegCommand): boolean {
    const call = this.#calls.get(callId);
    const leg = call?.legs.get(command.legId);
    if (!call || !leg || leg.lost) {
      this.#options.log.debug({ callId, legId: command.legId, kind: command.kind }, 'no leg to take it');
      return false;
    }
    // While another worker is looked for: what is remembered is what that one will be told.
    if (!call.worker && ['stopGap', 'askSource', 'close'].includes(command.kind)) return false;
    if (command.kind === 'stopGap') leg.gapRequests.add(command.requestId);
    if (command.kind === 'close') leg.closing = true;
    leg.remembered.note(command);
    this.#post(call.worker, command);
    if (command.kind === 'hear') this.#matchCodecs(callId);
    return true;
  }

  /** Says once per agreement that a party must be asked to send another codec. */
  #matchCodecs(callId: string): void {
    const legs = this.#calls.get(callId)?.legs;
    // Who sends to another party does not mind what we could make of it.
    if (!legs || [...legs.values()].some(({ direct }) => direct)) return;
    for (const event of unlikeCodecs(legs)) {
      const leg = legs.get(event.legId);
      if (!leg || leg.saidUnlike === leg.settings) continue;
      leg.saidUnlike = leg.settings;
      this.#emit(callId, event);
    }
  }

  #fromWorker(worker: WorkerLink, message: FromMediaWorker): void {
    if (message.kind === 'event') {
      const { callId, event } = message;
      // A leg that was forgotten (callEnded) has no events any more.
      const leg = this.#leg(callId, event.legId);
      if (!leg) return;
      if (event.kind === 'closed') this.#forget(callId, event.legId);
      if (event.kind === 'gap') leg.gapRequests.delete(event.requestId);
      leg.remembered.heardOf(event);
      this.#emit(callId, event);
      return;
    }
    if (message.kind === 'callLost') {
      this.#loseCall(worker, message.callId, message.detail);
      return;
    }
    if (message.kind === 'srtpReached') {
      const { callId, legId, keyId, ssrc, index } = message;
      this.#leg(callId, legId)?.remembered.srtp.note(keyId, ssrc, index);
      return;
    }
    const leg = worker.legs.get(message.legId);
    if (!leg) return;
    if (message.kind === 'opened') {
      leg.bound = message;
      this.#openInOrder(leg.callId);
    } else {
      this.#openFailed(leg, message.code, message.detail);
    }
  }

  /**
   * Legs open in the order in which they were asked for, whichever has its sockets first: a caller's offer is judged
   * before anybody else hears of the call.
   */
  #openInOrder(callId: string): void {
    for (const leg of this.#calls.get(callId)?.legs.values() ?? []) {
      if (!leg.opening) continue;
      if (!leg.bound) return;
      leg.opened(leg.bound.rtpPort, leg.bound.address, leg.bound.fingerprint);
      this.#mover.opened(leg);
    }
  }

  #openFailed(leg: MediaLeg, code: string, detail: string): void {
    const { callId, legId } = leg;
    const known = leg.settings !== null;
    this.#forget(callId, legId);
    leg.fail(503, code, detail);
    // Where a worker had it before, its peer has ports that are no more.
    if (known) this.#emit(callId, { kind: 'mediaLost', legId, detail });
    this.#openInOrder(callId);
  }

  /** The worker of these legs has ended: their calls go to another one. */
  #loseWorker(worker: WorkerLink): void {
    if (this.#workers.get(worker.index) === worker) this.#workers.delete(worker.index);
    const legs = [...worker.legs.values()];
    worker.legs.clear();
    worker.commands.close();
    if (legs.length > 0) {
      this.#options.log.error(
        { index: worker.index, legs: legs.length },
        'media worker gone, its calls are moved to another one',
      );
    }
    this.#legsLost(legs);
  }

  /** The worker is well, and has lost this one call, which goes to another one. */
  #loseCall(worker: WorkerLink, callId: string, detail: string): void {
    const call = this.#calls.get(callId);
    if (call?.worker !== worker) return;
    this.#options.log.error(
      { callId, index: worker.index, detail },
      'a call is moved to another media worker',
    );
    this.#legsLost([...call.legs.values()].filter((leg) => worker.legs.delete(leg.legId)));
  }

  #legsLost(legs: readonly MediaLeg[]): void {
    const calls = new Set<MediaCall>();
    for (const leg of legs) {
      const { callId, legId } = leg;
      const call = this.#calls.get(callId);
      if (call) calls.add(call);
      for (const requestId of leg.gapRequests) {
        this.#emit(callId, { kind: 'gap', legId, requestId, gapMs: null });
      }
      leg.gapRequests.clear();
      if (!leg.closing) continue;
      this.#forget(callId, legId);
      this.#emit(callId, { kind: 'closed', legId, stats: null });
    }
    this.#mover.lost(calls);
  }

  #forget(callId: string, legId: string): void {
    const call = this.#calls.get(callId);
    const leg = call?.legs.get(legId);
    if (!call || !leg) return;
    leg.dispose();
    call.worker?.legs.delete(legId);
    call.legs.delete(legId);
    this.#legCount--;
    if (call.legs.size > 0) return;
    this.#mover.forget(call);
    this.#calls.delete(callId);
  }

  #fail(
    callId: string,
    command: NegotiationCommand | DirectCommand,
    status: 500 | 503,
    code: string,
    detail: string,
  ): void {
    const { legId, requestId } = command;
    this.#emit(callId, { kind: 'mediaFailed', legId, requestId, status, code, detail });
  }

  #post(worker: WorkerLink | null, message: ToMediaWorker): void {
    worker?.commands.post(message);
  }

  #emit(callId: string, event: MediaEvent): void {
    if (this.#closed) return;
    try {
      this.#options.onEvent(callId, event);
    } catch (error) {
      this.#options.log.error(
        { callId, event: event.kind, error: messageOf(error) },
        'media event not taken',
      );
    }
  }
}

/** The version of IP of a new leg: as the peer's offer has it, as ours is wished for (RFC 6157 is not done). */
function familyOf(command: Extract<NegotiationCommand, { kind: 'makeOffer' | 'makeAnswer' }>): 4 | 6 {
  if (command.kind === 'makeOffer') return command.family ?? 4;
  return /^c=IN IP6 /m.test(command.remoteSdp) && !/^c=IN IP4 /m.test(command.remoteSdp) ? 6 : 4;
}
