import type { MessagePort } from 'node:worker_threads';
import type { LogLevel } from '../../common/log.js';
import type { RecordingSettings } from '../../call/project.js';

/** Why a recording failed: the thread that writes has ended. It goes on in another file once there is one again. */
export const RECORDING_THREAD_GONE = 'recording_thread_gone';

/** Media worker → writer thread. `id` is the worker's own, one per recording. */
export type ToRecordingWriter =
  | { readonly kind: 'open'; readonly id: number; readonly directory: string; readonly name: string }
  /** Interleaved 16-bit samples, left and right; the buffer is transferred. */
  | { readonly kind: 'audio'; readonly id: number; readonly samples: ArrayBuffer }
  /** Marks a place; `frame` counts samples of one channel from the beginning. */
  | { readonly kind: 'mark'; readonly id: number; readonly frame: number; readonly label: string }
  | { readonly kind: 'close'; readonly id: number };

/** Writer thread → media worker. After `failed` nothing more is taken for that recording. */
export type FromRecordingWriter =
  | { readonly kind: 'opened'; readonly id: number; readonly file: string }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly detail: string };

/** Control thread → writer thread. */
export type ControlToWriter =
  { readonly kind: 'connect'; readonly port: MessagePort } | { readonly kind: 'close' };

/** `workerData` of the writer thread. */
export interface RecordingWriterOptions {
  readonly retention: readonly Pick<RecordingSettings, 'directory' | 'keepMs' | 'maxBytes'>[];
  readonly logLevel: LogLevel;
}
