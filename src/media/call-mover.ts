import type { MediaEvent } from '../call/media-port.js';
import type { Clock, Timer } from '../common/clock.js';
import type { Logger } from '../common/log.js';
import type { MediaLeg } from './media-leg.js';
import { PacedQueue } from './paced-queue.js';
import type { MediaCall, WorkerLink } from './worker-link.js';
import type { ToMediaWorker } from './worker-messages.js';

/** New ports are bound for so many calls in a second. */
const CALLS_PER_SECOND = 2500;
/** So many peers are told of their new ports in a second: a re-INVITE each. */
const PEERS_PER_SECOND = 500;
/** Where no worker runs, calls wait so long for one that replaces it. */
const PARKED_MS = 5000;
/** A call that lost so many workers within the time below is given up: it may be what ends them. */
const MAX_LOSSES = 3;
const LOSSES_WITHIN_MS = 60_000;

export interface CallMoverOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly peersPerSecond?: number;
  /** The worker with the fewest legs, one other than `shunned` where there is one. */
  readonly leastLoaded: (shunned: WorkerLink | null) => WorkerLink | null;
  readonly post: (worker: WorkerLink, message: ToMediaWorker) => void;
  /** A new deadline for a leg that is being opened. */
  readonly openDeadline: (leg: MediaLeg) => Timer;
  readonly emit: (callId: string, event: MediaEvent) => void;
}

/**
 * Brings the calls of a lost worker to another one, or to the one that replaces it: new ports, what each party hears,
 * and what was watched, measured and recorded. Their peers are told of the new ports little by little.
 */
export class CallMover {
  readonly #options: CallMoverOptions;
  readonly #calls: PacedQueue<MediaCall>;
  readonly #peers: PacedQueue<MediaLeg>;
  /** Calls that wait for a worker. */
  readonly #parked = new Map<MediaCall, Timer>();

  constructor(options: CallMoverOptions) {
    this.#options = options;
    const { clock, peersPerSecond = PEERS_PER_SECOND } = options;
    this.#calls = new PacedQueue(clock, CALLS_PER_SECOND, (call) => {
      this.#move(call);
    });
    this.#peers = new PacedQueue(clock, peersPerSecond, (leg) => {
      if (leg.tellDue()) options.emit(leg.callId, { kind: 'mediaMoved', legId: leg.legId });
    });
  }

  /** The worker of these calls is gone. */
  lost(calls: Iterable<MediaCall>): void {
    const nowMs = this.#options.clock.now();
    for (const call of calls) {
      const recent = call.losses > 0 && nowMs - call.lostAtMs < LOSSES_WITHIN_MS;
      call.losses = recent ? call.losses + 1 : 1;
      call.lostAtMs = nowMs;
      call.lostAt = call.worker;
      call.worker = null;
      for (const leg of call.legs.values()) leg.suspend();
      if (call.losses > MAX_LOSSES)
        this.#giveUp(call, 'media_worker_gone', 'it lost one media worker after the other');
      else this.#calls.push(call);
    }
  }

  /** A leg has its new ports. */
  opened(leg: MediaLeg): void {
    if (leg.tellWaiting()) this.#peers.push(leg);
  }

  /** There is a worker for those that wait. */
  workerCame(): void {
    const calls = [...this.#parked.keys()];
    for (const call of calls) {
      this.forget(call);
      this.#calls.push(call);
    }
  }

  /** The call has ended. */
  forget(call: MediaCall): void {
    this.#parked.get(call)?.cancel();
    this.#parked.delete(call);
  }

  /** Idempotent. */
  close(): void {
    for (const timer of this.#parked.values()) timer.cancel();
    this.#parked.clear();
    this.#calls.close();
    this.#peers.close();
  }

  #move(call: MediaCall): void {
    if (call.legs.size === 0 || call.worker || call.dead) return;
    const { clock, leastLoaded, post, openDeadline } = this.#options;
    const worker = leastLoaded(call.lostAt);
    if (!worker) {
      const timer = clock.after(PARKED_MS, () => {
        this.#giveUp(call, 'media_no_worker', 'no media worker took the place of the one that was lost');
      });
      this.#parked.set(call, timer);
      return;
    }
    call.worker = worker;
    const lostForMs = clock.now() - call.lostAtMs;
    for (const leg of call.legs.values()) {
      worker.legs.set(leg.legId, leg);
      for (const command of leg.reopen(openDeadline(leg), lostForMs)) post(worker, command);
    }
  }

  #giveUp(call: MediaCall, code: string, detail: string): void {
    this.forget(call);
    call.dead = true;
    this.#options.log.error({ callId: call.callId, code, detail }, 'the media of a call is lost');
    for (const leg of [...call.legs.values()]) {
      leg.fail(503, code, detail);
      this.#options.emit(call.callId, { kind: 'mediaLost', legId: leg.legId, detail });
    }
  }
}
