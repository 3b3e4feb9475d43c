import type { MediaCommand, MediaEvent, MediaSource } from '../call/media-port.js';
import type { StreamSettings, ToMediaWorker } from './worker-messages.js';

type Noted = Extract<
  MediaCommand,
  { kind: 'hear' | 'sendDtmf' | 'beep' | 'record' | 'watch' | 'startGap' | 'stopGap' | 'close' }
>;

/** What a worker was told of a leg and still holds true: enough to say it to another worker. */
export class RememberedLeg {
  source: MediaSource | null = null;
  settings: StreamSettings | null = null;
  readonly #open: Extract<ToMediaWorker, { kind: 'open' }>;
  #watchMs = 0;
  #record: Extract<ToMediaWorker, { kind: 'record' }> | null = null;
  #measuring = false;

  constructor(open: Extract<ToMediaWorker, { kind: 'open' }>) {
    this.#open = open;
  }

  note(command: Noted): void {
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
      case 'sendDtmf':
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
    // The consent was given before the recording began, and a recording that failed is not tried again.
    const part = (this.#record.part ?? 1) + 1;
    this.#record = event.file === null ? null : { ...this.#record, consentFile: null, part };
  }

  /** For a worker that takes over a leg of whose ports nobody was told yet. */
  asNew(): ToMediaWorker[] {
    return [{ ...this.#open, again: true }, ...this.#settled(undefined)];
  }

  /** For a worker that takes the leg over from one that was lost so long ago. */
  restored(lostForMs: number): ToMediaWorker[] {
    return [{ ...this.#open, lostForMs, again: true }, ...this.#settled(lostForMs)];
  }

  #settled(lostForMs: number | undefined): ToMediaWorker[] {
    const { legId } = this.#open;
    const silentForMs = lostForMs ?? 0;
    return [
      ...(this.settings ? [{ kind: 'configure', legId, settings: this.settings } as const] : []),
      ...(this.#measuring ? [{ kind: 'startGap', legId, silentForMs } as const] : []),
      ...(this.source ? [{ kind: 'hear', legId, source: this.source } as const] : []),
      ...(this.#watchMs > 0 ? [{ kind: 'watch', legId, timeoutMs: this.#watchMs } as const] : []),
      ...(this.#record ? [this.#record] : []),
    ];
  }
}
