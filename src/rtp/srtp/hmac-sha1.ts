const BLOCK_BYTES = 64;
const DIGEST_BYTES = 20;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** Chaining value of SHA-1 before the first block (FIPS 180-4 5.3.1). */
const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

/**
 * HMAC-SHA1 (RFC 2104) over packets, with one key. node:crypto makes two objects per packet and starts from the key
 * each time; here both pads are hashed once, and nothing is allocated. SHA-1 has no look-ups, and so no timing.
 */
export class HmacSha1 {
  /** The last result. */
  readonly digest = Buffer.alloc(DIGEST_BYTES);
  readonly #inner = Int32Array.from(INITIAL);
  readonly #outer = Int32Array.from(INITIAL);
  readonly #state = new Int32Array(5);
  readonly #words = new Int32Array(80);
  readonly #tail = Buffer.alloc(2 * BLOCK_BYTES);

  /** `key` of up to 64 bytes. */
  constructor(key: Buffer) {
    if (key.length > BLOCK_BYTES) throw new RangeError('a key longer than a block');
    const pad = Buffer.alloc(BLOCK_BYTES);
    for (let at = 0; at < BLOCK_BYTES; at++) pad[at] = (key[at] ?? 0) ^ INNER_PAD;
    this.#compress(this.#inner, pad, 0);
    for (let at = 0; at < BLOCK_BYTES; at++) pad[at] = (key[at] ?? 0) ^ OUTER_PAD;
    this.#compress(this.#outer, pad, 0);
  }

  /** The digest of packet[start..end), followed by `trailer` as four bytes where it is not null. */
  compute(packet: Buffer, start: number, end: number, trailer: number | null): Buffer {
    const state = this.#state;
    const tail = this.#tail;
    state.set(this.#inner);
    let at = start;
    for (; at + BLOCK_BYTES <= end; at += BLOCK_BYTES) this.#compress(state, packet, at);
    let used = packet.copy(tail, 0, at, end);
    if (trailer !== null) used = tail.writeUInt32BE(trailer, used);
    this.#finish(state, used, end - start + (trailer === null ? 0 : 4));
    for (let word = 0; word < 5; word++) tail.writeInt32BE(state[word]!, word * 4);
    state.set(this.#outer);
    this.#finish(state, DIGEST_BYTES, DIGEST_BYTES);
    for (let word = 0; word < 5; word++) this.digest.writeInt32BE(state[word]!, word * 4);
    return this.digest;
  }

  /** Pads the tail, of which `used` bytes are filled, behind one block of key and `length` bytes of message. */
  #finish(state: Int32Array, used: number, length: number): void {
    const tail = this.#tail;
    const size = used + 9 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    tail[used] = 0x80;
    tail.fill(0, used + 1, size - 4);
    tail.writeUInt32BE((BLOCK_BYTES + length) * 8, size - 4);
    this.#compress(state, tail, 0);
    if (size > BLOCK_BYTES) this.#compress(state, tail, BLOCK_BYTES);
  }

  /** FIPS 180-4 6.1.2. */
  #compress(state: Int32Array, block: Buffer, offset: number): void {
    const words = this.#words;
    for (let t = 0, at = offset; t < 16; t++, at += 4) {
      words[t] = (block[at]! << 24) | (block[at + 1]! << 16) | (block[at + 2]! << 8) | block[at + 3]!;
    }
    for (let t = 16; t < 80; t++) {
      const mixed = words[t - 3]! ^ words[t - 8]! ^ words[t - 14]! ^ words[t - 16]!;
      words[t] = (mixed << 1) | (mixed >>> 31);
    }
    let a = state[0]!;
    let b = state[1]!;
    let c = state[2]!;
    let d = state[3]!;
    let e = state[4]!;
    let next = 0;
    for (let t = 0; t < 20; t++) {
      next = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + 0x5a827999 + words[t]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let t = 20; t < 40; t++) {
      next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + words[t]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let t = 40; t < 60; t++) {
      next = (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + e + 0x8f1bbcdc + words[t]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let t = 60; t < 80; t++) {
      next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + words[t]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    state[0] = (state[0]! + a) | 0;
    state[1] = (state[1]! + b) | 0;
    state[2] = (state[2]! + c) | 0;
    state[3] = (state[3]! + d) | 0;
    state[4] = (state[4]! + e) | 0;
  }
}
