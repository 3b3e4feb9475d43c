import { parseDecimal } from './scan.js';
import { DEFAULT_LIMITS, type ParseLimits } from './parse-message.js';

/** What a chunk of a stream completes. */
export type Frame =
  /** One whole message, for `parseMessage`. */
  | { readonly kind: 'message'; readonly bytes: Buffer }
  /** A double CRLF: to be answered with one CRLF at once (RFC 5626 4.4.1). */
  | { readonly kind: 'ping' }
  /** A single CRLF between messages: the answer to a ping of ours, or padding. */
  | { readonly kind: 'pong' }
  /** The stream can no longer be cut into messages: the connection must be closed. */
  | { readonly kind: 'error'; readonly reason: FramingError };

export type FramingError =
  'headers-too-large' | 'body-too-large' | 'missing-content-length' | 'bad-content-length';

const CR = 13;
const LF = 10;
const HEAD_END = Buffer.from('\r\n\r\n');

/** Cuts a stream transport's bytes into messages by Content-Length (RFC 3261 18.3). One per connection. */
export class StreamFramer {
  readonly #limits: ParseLimits;
  #chunks: Buffer[] = [];
  #length = 0;
  /** How many bytes must have come before looking again is worth it. */
  #wanted = 1;
  /** How much was searched for the end of the headers in vain. */
  #searched = 0;
  #afterPong = false;
  #failed = false;

  constructor(limits: ParseLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /** Bytes that wait for the rest of their message. */
  get bufferedBytes(): number {
    return this.#length;
  }

  /** Takes in what was read. After an error everything further is ignored. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    if (this.#failed || chunk.length === 0) return frames;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return frames;
    let buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#length);
    for (;;) {
      const taken = this.#next(buffer, frames);
      if (taken === 0) break;
      buffer = buffer.subarray(taken);
      this.#searched = 0;
    }
    const isLost = frames.at(-1)?.kind === 'error';
    this.#chunks = isLost || buffer.length === 0 ? [] : [buffer];
    this.#length = isLost ? 0 : buffer.length;
    return frames;
  }

  /** Handles what stands at the front of the buffer; returns the bytes used, 0 when more are needed. */
  #next(buffer: Buffer, frames: Frame[]): number {
    this.#wanted = buffer.length + 1;
    if (buffer.length === 0) return 0;
    if (buffer[0] === CR) {
      if (buffer.length < 2) return 0;
      if (buffer[1] === LF) return this.#keepAlive(buffer, frames);
    }
    this.#afterPong = false;
    const headEnd = buffer.indexOf(HEAD_END, Math.max(0, this.#searched - 3));
    this.#searched = buffer.length;
    if (
      headEnd > this.#limits.maxHeaderBytes ||
      (headEnd < 0 && buffer.length > this.#limits.maxHeaderBytes)
    ) {
      return this.#fail('headers-too-large', frames);
    }
    if (headEnd < 0) return 0;
    const bodyLength = contentLength(buffer.toString('latin1', 0, headEnd + 2));
    if (typeof bodyLength === 'string') return this.#fail(bodyLength, frames);
    if (bodyLength > this.#limits.maxBodyBytes) return this.#fail('body-too-large', frames);
    const total = headEnd + 4 + bodyLength;
    if (buffer.length < total) {
      this.#wanted = total;
      this.#searched = headEnd + HEAD_END.length - 1;
      return 0;
    }
    frames.push({ kind: 'message', bytes: buffer.subarray(0, total) });
    return total;
  }

  #keepAlive(buffer: Buffer, frames: Frame[]): number {
    if (buffer[2] === CR && buffer[3] === LF) {
      this.#afterPong = false;
      frames.push({ kind: 'ping' });
      return 4;
    }
    if (buffer.length === 3 && buffer[2] === CR) return 0;
    // A ping whose halves came apart: the first was taken for a pong.
    frames.push({ kind: this.#afterPong ? 'ping' : 'pong' });
    this.#afterPong = !this.#afterPong;
    return 2;
  }

  #fail(reason: FramingError, frames: Frame[]): number {
    this.#failed = true;
    frames.push({ kind: 'error', reason });
    return 0;
  }
}

function contentLength(head: string): number | FramingError {
  let found: number | undefined;
  for (let at = head.indexOf('\r\n') + 2; at < head.length; at = head.indexOf('\r\n', at) + 2) {
    const first = head.charCodeAt(at) | 32;
    if (first !== 99 && first !== 108) continue;
    const end = head.indexOf('\r\n', at);
    const colon = head.indexOf(':', at);
    if (colon < 0 || colon > end) continue;
    const name = head.slice(at, colon).trimEnd().toLowerCase();
    if (name !== 'content-length' && name !== 'l') continue;
    const value = parseDecimal(head.slice(colon + 1, end).trim(), Number.MAX_SAFE_INTEGER);
    if (value === undefined || (found !== undefined && found !== value)) return 'bad-content-length';
    found = value;
  }
  return found ?? 'missing-content-length';
}
