import type { MessagePort } from 'node:worker_threads';
import type { MediaCommand, MediaEvent } from '../call/media-port.js';
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/log.js';
import type { Random } from '../common/random.js';

export interface EmbeddedMediaOptions {
  /** IPv4 address that stands in our SDP. */
  readonly mediaAddress: string;
  readonly random: Random;
  readonly clock: Clock;
  readonly onEvent: (callId: string, event: MediaEvent) => void;
  readonly log: Logger;
}

export interface EmbeddedMediaStats {
  readonly calls: number;
  readonly legs: number;
  readonly workers: readonly { readonly index: number; readonly legs: number }[];
}

/**
 * The media adapter of the signalling thread: negotiates SDP itself and has RTP done by the media workers.
 * All legs of a call are pinned to one worker.
 */
export class EmbeddedMedia {
  readonly #options: EmbeddedMediaOptions;
  constructor(options: EmbeddedMediaOptions) {
    this.#options = options;
  }
  /** A port to worker `index` (speaks worker-messages.ts); replaces the former one of that index. */
  attachWorker(index: number, port: MessagePort): void {
    this.#options.log.debug({ index, port: typeof port }, 'media worker attached');
  }
  /** Carries out a command; the answer is an event with the same requestId. Never throws. */
  execute(callId: string, command: MediaCommand): void {
    this.#options.log.debug({ callId, kind: command.kind }, 'media command');
  }
  /** Closes what is left of a call, without events. */
  callEnded(callId: string): void {
    this.#options.log.debug({ callId }, 'call ended');
  }
  /** Has every worker read and convert prompt files ahead of the calls that need them. */
  preload(files: readonly string[]): void {
    this.#options.log.debug({ files }, 'preload');
  }
  stats(): EmbeddedMediaStats {
    return { calls: 0, legs: 0, workers: [] };
  }
  /** Idempotent. */
  close(): void {
    this.#options.log.debug('media closed');
  }
}
