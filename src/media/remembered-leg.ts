import type { MediaEvent, MediaSource } from '../call/media-port.js';
import { recordingPart } from './recording/recording-folder.js';
import { RECORDING_THREAD_GONE } from './recording/recording-messages.js';
import { keyIdOf, SrtpProgress } from './srtp-progress.js';
import type { LegCommand, StreamSettings, StreamSsrcs, ToMediaWorker } from './worker-messages.js';

type Recorded = Extract<ToMediaWorker, { kind: 'record' }>;

/** What a worker was told of a leg and still holds true: enough to say it to another worker. */
export class RememberedLeg {
  source: MediaSource | null = null;
  settings: StreamSettings | null = null;
  readonly #open: Extract<ToMediaWorker, { kind: 'open' }>;
  #watchMs = 0;
  #record: Recorded | null = null;
  #measuring = false;
  readonly #drawSsrcs: () => StreamSsrcs;
  /** How far the peer's SRTP has come. */
  readonly srtp = new SrtpProgress();
  #resting = false;

  /** `drawSsrcs` never gives the same twice. */
  constructor(open: Extract<ToMediaWorker, { kind: 'open' }>, drawSsrcs: () => StreamSsrcs) {
    this.#open = open;
    this.#drawSsrcs = drawSsrcs;
  }

  note(command: LegCommand): void {
    switch (command.kind) {
      case 'hear':
        this.source = command.source;
        return;
      case 'watch':
        this.#watchMs = command.timeoutMs;
        return;
      case 'record':
        this.#record ??= command;
        return;
      case 'startGap':
        this.#measuring = true;
        return;
      case 'stopGap':
        this.#measuring = false;
        return;
      case 'rest':
        this.#resting = command.on;
        return;
      case 'sendDtmf':
      case 'askSource':
      case 'beep':
      case 'close':
        // Done once, whatever becomes of it.
        return;
    }
  }

  /** Something that was asked for has come to its end, or to its beginning. */
  heardOf(event: MediaEvent): void {
    const { source } = this;
    if (event.kind === 'played' && source?.kind === 'file' && source.promptId === event.promptId) {
      this.source = { kind: 'silence' };
    }
    if (event.kind !== 'recording' || !this.#record) return;
    const { file, code } = event;
    // The worker begins it again by itself.
    if (file === null && code === RECORDING_THREAD_GONE) return;
    // The consent was given before the recording began, and a recording that failed is not tried again.
    this.#record = file === null ? null : { ...this.#record, consentFile: null, part: recordingPart(file) };
  }

  /** For a worker that takes over a leg of whose ports nobody was told yet. */
  asNew(): ToMediaWorker[] {
    return [{ ...this.#opening(), again: true }, ...this.#settled(undefined)];
  }

  /** For a worker that takes the leg over from one that was lost so long ago. */
  restored(lostForMs: number): ToMediaWorker[] {
    return [{ ...this.#opening(), lostForMs, again: true }, ...this.#settled(lostForMs)];
  }

  #opening(): Extract<ToMediaWorker, { kind: 'open' }> {
    return { ...this.#open, ssrcs: this.#drawSsrcs() };
  }

  #configure(settings: StreamSettings): ToMediaWorker {
    const srtpReached = settings.srtp ? this.srtp.of(keyIdOf(settings.srtp)) : [];
    const { legId } = this.#open;
    return { kind: 'configure', legId, settings, ...(srtpReached.length > 0 && { srtpReached }) };
  }

  /** The file of the worker before may be there although nobody heard of it: no two have the same name. */
  #nextPart(record: Recorded): Recorded {
    this.#record = { ...record, part: (record.part ?? 1) + 1 };
    return this.#record;
  }

  #settled(lostForMs: number | undefined): ToMediaWorker[] {
    const { legId } = this.#open;
    const silentForMs = lostForMs ?? 0;
    return [
      ...(this.settings ? [this.#configure(this.settings)] : []),
      ...(this.#resting ? [{ kind: 'rest', legId, on: true } as const] : []),
      ...(this.#measuring ? [{ kind: 'startGap', legId, silentForMs } as const] : []),
      ...(this.source ? [{ kind: 'hear', legId, source: this.source } as const] : []),
      ...(this.#watchMs > 0 ? [{ kind: 'watch', legId, timeoutMs: this.#watchMs } as const] : []),
      ...(this.#record ? [this.#nextPart(this.#record)] : []),
    ];
  }
}
