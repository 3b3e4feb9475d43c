import { createCipheriv, type CipherGCM, type Cipher } from 'node:crypto';

const BLOCK_BYTES = 16;
/** RFC 3711 4.1.1: so many blocks have a counter of their own. */
const MAX_BLOCKS = 0x10000;
const USUAL_BLOCKS = 11;

type BlockCipher = Exclude<Cipher, CipherGCM>;

/**
 * AES in counter mode as RFC 3711 4.1.1 has it. One block cipher lives as long as the key: its counter blocks are
 * made here, which costs half of what a cipher object per packet does.
 */
export class AesCounter {
  readonly #cipher: BlockCipher;
  /** The salt as three words and a half. */
  readonly #salt0: number;
  readonly #salt1: number;
  readonly #salt2: number;
  readonly #salt3: number;
  #blocks = Buffer.alloc(USUAL_BLOCKS * BLOCK_BYTES);
  #view = new DataView(this.#blocks.buffer, this.#blocks.byteOffset, this.#blocks.length);

  /** `key` of 16 bytes; a `salt` shorter than 14 bytes has zeros behind it. */
  constructor(key: Buffer, salt: Buffer) {
    this.#cipher = createCipheriv('aes-128-ecb', key, null);
    this.#cipher.setAutoPadding(false);
    const whole = Buffer.alloc(BLOCK_BYTES);
    salt.copy(whole);
    this.#salt0 = whole.readInt32BE(0);
    this.#salt1 = whole.readInt32BE(4);
    this.#salt2 = whole.readInt32BE(8);
    this.#salt3 = whole.readInt32BE(12);
    this.#fillFirstWord();
  }

  /** Encrypts or decrypts in place. `index` is the 48-bit packet index, or the SRTCP index. */
  apply(packet: Buffer, start: number, end: number, ssrc: number, index: number): void {
    const length = end - start;
    if (length <= 0) return;
    const stream = this.#keystream(length, ssrc, index);
    for (let at = 0; at < length; at++) packet[start + at]! ^= stream[at]!;
  }

  /** `bytes` of key material for a label (RFC 3711 4.3.1, with a key derivation rate of 0). */
  derive(label: number, bytes: number): Buffer {
    return Buffer.from(this.#keystream(bytes, label, 0).subarray(0, bytes));
  }

  #keystream(length: number, ssrc: number, index: number): Buffer {
    const count = Math.ceil(length / BLOCK_BYTES);
    if (count > MAX_BLOCKS) throw new RangeError('longer than one keystream');
    if (this.#blocks.length < count * BLOCK_BYTES) {
      this.#blocks = Buffer.alloc(count * BLOCK_BYTES);
      this.#view = new DataView(this.#blocks.buffer, this.#blocks.byteOffset, this.#blocks.length);
      this.#fillFirstWord();
    }
    const view = this.#view;
    const second = this.#salt1 ^ ssrc;
    const third = this.#salt2 ^ Math.floor(index / 0x10000);
    const fourth = this.#salt3 ^ ((index & 0xffff) << 16);
    for (let block = 0, at = 0; block < count; block++, at += BLOCK_BYTES) {
      view.setInt32(at + 4, second);
      view.setInt32(at + 8, third);
      view.setInt32(at + 12, fourth ^ block);
    }
    const used = count * BLOCK_BYTES;
    return this.#cipher.update(used === this.#blocks.length ? this.#blocks : this.#blocks.subarray(0, used));
  }

  #fillFirstWord(): void {
    for (let at = 0; at < this.#blocks.length; at += BLOCK_BYTES) this.#view.setInt32(at, this.#salt0);
  }
}
