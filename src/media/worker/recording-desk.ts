import type { MessagePort } from 'node:worker_threads';
import {
  RECORDING_THREAD_GONE,
  type FromRecordingWriter,
  type ToRecordingWriter,
} from '../recording/recording-messages.js';
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

interface Open {
  readonly tell: (news: RecordingNews) => void;
  /** To the writer that has its file. */
  readonly port: MessagePort;
}

/** The recordings of a worker: audio goes to the writer thread by transfer, and nothing is waited for. */
export class RecordingDesk {
  readonly #open = new Map<number, Open>();
  #port: MessagePort | null = null;
  #waiting: (() => void)[] = [];
  #ids = 0;

  /** The port to the writer thread, or to the one that replaces it. */
  attach(port: MessagePort): void {
    this.#port = port;
    port.on('message', (message: FromRecordingWriter) => {
      if (message.kind === 'opened')
        this.#open.get(message.id)?.tell({ state: 'started', file: message.file });
      else this.#failed(message.id, message.code, message.detail);
    });
    port.on('close', () => {
      if (this.#port === port) this.#port = null;
      for (const [id, recording] of [...this.#open]) {
        if (recording.port !== port) continue;
        this.#failed(id, RECORDING_THREAD_GONE, 'the thread that writes recordings is gone');
      }
    });
    for (const begin of this.#waiting.splice(0)) begin();
  }

  /** Calls `begin` once there is a writer again. */
  whenAttached(begin: () => void): void {
    if (this.#port) begin();
    else this.#waiting.push(begin);
  }

  /** Begins a recording; `tell` hears how it goes, once started and at most once failed. */
  begin(
    directory: string,
    name: string,
    nowMs: number,
    tell: (news: RecordingNews) => void,
  ): OpenRecording | null {
    const port = this.#port;
    if (!port) {
      tell({ state: 'failed', code: RECORDING_THREAD_GONE, detail: 'no thread writes recordings' });
      return null;
    }
    const id = ++this.#ids;
    this.#open.set(id, { tell, port });
    const post = (message: ToRecordingWriter, transfer: ArrayBuffer[] = []): void => {
      if (this.#open.has(id)) port.postMessage(message, transfer);
    };
    post({ kind: 'open', id, directory, name });
    const recorder = new CallRecorder(nowMs, (samples) => {
      post({ kind: 'audio', id, samples }, [samples]);
    });
    return {
      recorder,
      mark: (label, atMs) => {
        post({ kind: 'mark', id, frame: recorder.frameAt(atMs), label });
      },
      close: (atMs) => {
        if (!this.#open.has(id)) return;
        recorder.end(atMs);
        post({ kind: 'close', id });
        this.#open.delete(id);
      },
    };
  }

  close(): void {
    this.#waiting = [];
    this.#port?.close();
  }

  #failed(id: number, code: string, detail: string): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.tell({ state: 'failed', code, detail });
  }
}
