/** What a read of the control connection yielded: whole payloads, and the error that ends the connection, if any. */
export interface FramedPayloads {
  readonly payloads: Buffer[];
  readonly error?: 'bad length' | 'too long';
}

const HASH = 0x23;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const MAX_LENGTH_DIGITS = 7;

/**
 * Cuts the byte stream of a control connection into payloads (`LENGTH#PAYLOAD`, LENGTH in decimal bytes).
 * After an error the framer yields nothing more.
 */
export class ControlFramer {
  readonly #maxBytes: number;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #wanted = 0;
  #failed = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the next bytes; the payloads share memory with `chunk`. */
  push(chunk: Buffer): FramedPayloads {
    const payloads: Buffer[] = [];
    if (this.#failed) return { payloads };
    let data = chunk;
    if (this.#restBytes > 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#wanted) return { payloads };
      data = Buffer.concat(this.#rest, this.#restBytes);
      this.#rest = [];
      this.#restBytes = 0;
    }
    let at = 0;
    while (at < data.length) {
      const head = readLength(data, at);
      if (head === 'incomplete') break;
      if (head === 'bad') return this.#fail(payloads, 'bad length');
      if (head.length > this.#maxBytes) return this.#fail(payloads, 'too long');
      const end = head.start + head.length;
      if (end > data.length) {
        this.#wanted = end - at;
        break;
      }
      payloads.push(data.subarray(head.start, end));
      at = end;
      this.#wanted = 0;
    }
    if (at < data.length) {
      this.#rest = [data.subarray(at)];
      this.#restBytes = data.length - at;
    }
    return { payloads };
  }

  #fail(payloads: Buffer[], error: 'bad length' | 'too long'): FramedPayloads {
    this.#failed = true;
    return { payloads, error };
  }
}

function readLength(data: Buffer, at: number): { start: number; length: number } | 'incomplete' | 'bad' {
  let length = 0;
  for (let i = at; i < data.length; i++) {
    const byte = data[i]!;
    if (byte === HASH) return i === at || length === 0 ? 'bad' : { start: i + 1, length };
    if (byte < DIGIT_0 || byte > DIGIT_9 || i - at >= MAX_LENGTH_DIGITS) return 'bad';
    length = length * 10 + (byte - DIGIT_0);
  }
  return 'incomplete';
}

const SLAB_BYTES = 131_072;

/** Frames outgoing messages into shared slabs, so that one write carries all messages of a turn of the event loop. */
export class ControlFrameWriter {
  #slab = Buffer.allocUnsafe(SLAB_BYTES);
  #start = 0;
  #end = 0;
  #full: Buffer[] = [];
  #bytes = 0;

  /** Bytes not yet taken. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** Adds `leader`, and after CRLF the SIP message as it is. */
  add(leader: string, sip?: Buffer): void {
    const leaderBytes = Buffer.byteLength(leader, 'utf8');
    const payloadBytes = sip === undefined ? leaderBytes : leaderBytes + 2 + sip.length;
    const prefix = `${payloadBytes}#`;
    const total = prefix.length + payloadBytes;
    this.#reserve(total);
    let at = this.#end;
    at += this.#slab.write(prefix, at, 'latin1');
    at += this.#slab.write(leader, at, leaderBytes === leader.length ? 'latin1' : 'utf8');
    if (sip !== undefined) {
      this.#slab[at++] = 0x0d;
      this.#slab[at++] = 0x0a;
      at += sip.copy(this.#slab, at);
    }
    this.#end = at;
    this.#bytes += total;
  }

  /** Everything added since the last call, in order. */
  take(): Buffer[] {
    const out = this.#full;
    if (this.#end > this.#start) out.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
    this.#full = [];
    this.#bytes = 0;
    return out;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#slab.length) return;
    if (this.#end > this.#start) this.#full.push(this.#slab.subarray(this.#start, this.#end));
    this.#slab = Buffer.allocUnsafe(Math.max(SLAB_BYTES, bytes));
    this.#start = 0;
    this.#end = 0;
  }
}
