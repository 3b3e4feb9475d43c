import type { MessagePort } from 'node:worker_threads';
import type { FromRecordingWriter, ToRecordingWriter } from '../recording/recording-messages.js';
import { CallRecorder } from './call-recorder.js';

/** One recording as its leg sees it. */
export interface OpenRecording {
  readonly recorder: CallRecorder;
  mark(label: string, nowMs: number): void;
  /** Idempotent. */
  close(nowMs: number): void;
}

export type RecordingNews =
  | { readonly state: 'started'; readonly file: string }
  | { readonly state: 'failed'; readonly code: string; readonly detail: string };

/** The recordings of a worker: audio goes to the writer thread by transfer, and nothing is waited for. */
export class RecordingDesk {
  readonly #open = new Map<number, (news: RecordingNews) => void>();
  #port: MessagePort | null = null;
  #ids = 0;

  /** The port to the writer thread. */
  attach(port: MessagePort): void {
    this.#port = port;
    port.on('message', (message: FromRecordingWriter) => {
      const tell = this.#open.get(message.id);
      if (message.kind === 'opened') tell?.({ state: 'started', file: message.file });
      else this.#failed(message.id, message.code, message.detail);
    });
    port.on('close', () => {
      this.#port = null;
      for (const id of [...this.#open.keys()]) {
        this.#failed(id, 'recording_thread_gone', 'the thread that writes recordings is gone');
      }
    });
  }

  /** Begins a recording; `tell` hears how it goes, once started and at most once failed. */
  begin(
    directory: string,
    name: string,
    nowMs: number,
    tell: (news: RecordingNews) => void,
  ): OpenRecording | null {
    if (!this.#port) {
      tell({ state: 'failed', code: 'recording_thread_gone', detail: 'no thread writes recordings' });
      return null;
    }
    const id = ++this.#ids;
    this.#open.set(id, tell);
    this.#post({ kind: 'open', id, directory, name });
    const recorder = new CallRecorder(nowMs, (samples) => {
      if (this.#open.has(id)) this.#port?.postMessage({ kind: 'audio', id, samples }, [samples]);
    });
    return {
      recorder,
      mark: (label, atMs) => {
        this.#post({ kind: 'mark', id, frame: recorder.frameAt(atMs), label });
      },
      close: (atMs) => {
        if (!this.#open.has(id)) return;
        recorder.end(atMs);
        this.#open.delete(id);
        this.#post({ kind: 'close', id });
      },
    };
  }

  close(): void {
    this.#port?.close();
  }

  #failed(id: number, code: string, detail: string): void {
    const tell = this.#open.get(id);
    this.#open.delete(id);
    tell?.({ state: 'failed', code, detail });
  }

  #post(message: ToRecordingWriter): void {
    this.#port?.postMessage(message);
  }
}
