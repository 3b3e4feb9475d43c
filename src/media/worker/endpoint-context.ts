import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import type { StreamSsrcs } from '../worker-messages.js';
import type { SrtpReached } from './inbound-srtp.js';
import type { Pacer } from './pacer.js';

/** Counters of a worker, shared by its endpoints. */
export interface WorkerCounters {
  packetsReceived: number;
  packetsRelayed: number;
  packetsGenerated: number;
  packetsRejected: number;
  recordings: number;
  recordingsFailed: number;
}

export interface EndpointContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly pacer: Pacer;
  readonly counters: WorkerCounters;
  readonly log: Logger;
  /** Of the streams that we send; drawn here where nobody chose them. */
  readonly ssrcs?: StreamSsrcs;
  /** Audio in one direction alone for so long is told of; 10 s where it is not given. */
  readonly oneWayAudioAfterMs?: number;
  readonly onSrtpReached?: SrtpReached;
}
