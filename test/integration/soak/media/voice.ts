import { ALAW_TO_LINEAR, LINEAR_TO_ALAW, LINEAR_TO_ULAW, ULAW_TO_LINEAR } from '../../../../src/rtp/g711.js';

/** Who speaks in a call. A stranger belongs to none. */
export type Role = 'caller' | 'bot' | 'agent' | 'stranger';

const ROLES: readonly Role[] = ['caller', 'bot', 'agent', 'stranger'];
/** Samples of a packet, each of which carries one bit in its sign: the sign is the same bit in both laws. */
export const MARK_SAMPLES = 160;
/** What a role is told by, at the beginning of every packet; any two differ in half of their bits. */
const BEGINNINGS: Readonly<Record<Role, number>> = {
  caller: 0x5ac3,
  bot: 0x5a3c,
  agent: 0x55cc,
  stranger: 0x69f0,
};
/** What the number of the call is written under, likewise. */
const PADS: Readonly<Record<Role, number>> = {
  caller: 0,
  bot: 0xffff,
  agent: 0xff00ff,
  stranger: 0x0f0f0f0f,
};
/** And what follows it: two voices of a call whose packets lie upon each other have nothing in common. */
const FILLERS: Readonly<Record<Role, readonly number[]>> = {
  caller: [0, 0, 0, 0, 0, 0],
  bot: [0xff, 0xff, 0xff, 0, 0, 0],
  agent: [0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0],
  stranger: [0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc],
};
/** Beginning, call and filler: the same in every packet of a voice, so that it is found inside a mix. */
const STEADY_BITS = 96;
/** Peak of a voice. Two of them mixed have levels of 0 and twice that, three also thrice. */
const LEVEL = 4000;
/** More than two voices reach, less than three do. */
const THREE_VOICES = 2.6 * LEVEL;
/** Of the sum over all steady bits: five times what chance makes of two other voices, and more than it ever makes. */
const PRESENT = 0.75 * STEADY_BITS * LEVEL;
const CERTAIN = 0.92 * STEADY_BITS * LEVEL;

/** What one packet says of itself. */
export interface Mark {
  readonly call: number;
  readonly role: Role;
  /** Of the stream that it was sent in. */
  readonly sequence: number;
  readonly timestamp: number;
}

const LOUD = {
  PCMU: [LINEAR_TO_ULAW[-LEVEL & 0xffff]!, LINEAR_TO_ULAW[LEVEL]!],
  PCMA: [LINEAR_TO_ALAW[-LEVEL & 0xffff]!, LINEAR_TO_ALAW[LEVEL]!],
} as const;

/** The pattern of one party of one call: every packet names who speaks, and its place in the stream. */
export class Voice {
  readonly #bytes = Buffer.alloc(MARK_SAMPLES / 8);
  readonly #steady: Int8Array;

  constructor(call: number, role: Role) {
    this.#bytes.writeUInt16BE(BEGINNINGS[role], 0);
    this.#bytes.writeUInt32BE((call ^ PADS[role]) >>> 0, 2);
    FILLERS[role].forEach((filler, at) => {
      this.#bytes[6 + at] = chance(call * 8 + at) ^ filler;
    });
    this.#steady = Int8Array.from({ length: STEADY_BITS }, (_, bit) => (bitOf(this.#bytes, bit) ? 1 : -1));
  }

  /** 160 bytes. Not a law's: `PCMA` levels, which other codecs pass through as they are. */
  payload(sequence: number, timestamp: number, law: 'PCMU' | 'PCMA'): Buffer {
    const bytes = this.#bytes;
    bytes.writeUInt16BE(sequence, 12);
    bytes.writeUInt32BE(timestamp, 14);
    bytes.writeUInt16BE(checkOf(bytes), 18);
    const [low, high] = LOUD[law];
    const out = Buffer.allocUnsafe(MARK_SAMPLES);
    for (let bit = 0; bit < MARK_SAMPLES; bit++) out[bit] = bitOf(bytes, bit) ? high : low;
    return out;
  }

  /** Is this voice in the sound, alone or under another one? `samples` are 40 ms or more. */
  isIn(samples: Int16Array, certainly = false): boolean {
    const enough = certainly ? CERTAIN : PRESENT;
    for (let from = 0; from + STEADY_BITS <= samples.length; from++) {
      let sum = 0;
      for (let bit = 0; bit < STEADY_BITS; bit++) sum += samples[from + bit]! * this.#steady[bit]!;
      if (sum > enough) return true;
    }
    return false;
  }
}

/** Reads what a packet says; null where it is nobody's whole pattern (music, silence, a mix, a tone). */
export function markOf(payload: Buffer, from = 0): Mark | null {
  const level = (payload[from] ?? 0) & 0x7f;
  return markIn(
    payload.length - from,
    (at) => (payload[from + at]! & 0x80) !== 0,
    (at) => (payload[from + at]! & 0x7f) === level,
  );
}

/** The same of 16-bit samples, as a recording has them. */
export function markOfSamples(samples: Int16Array, from: number): Mark | null {
  return markIn(
    samples.length - from,
    (at) => samples[from + at]! > 0,
    (at) => Math.abs(Math.abs(samples[from + at]!) - LEVEL) < LEVEL / 4,
  );
}

/** Three voices or more, where the loudest sample says so. */
export function moreThanTwo(samples: Int16Array): boolean {
  return samples.some((sample) => Math.abs(sample) > THREE_VOICES);
}

/** Nothing but the quietest levels of either law. */
export function isSilent(payload: Buffer): boolean {
  return payload.every((code) => (code & 0x7f) >= 0x7e || (code & 0x7f) === 0x55);
}

export function linear(payload: Buffer, law: 'PCMU' | 'PCMA'): Int16Array {
  const table = law === 'PCMU' ? ULAW_TO_LINEAR : ALAW_TO_LINEAR;
  return Int16Array.from(payload, (code) => table[code]!);
}

/** `isSteady`: of two voices together the louder one has the sign, but not the level. */
function markIn(
  length: number,
  isHigh: (at: number) => boolean,
  isSteady: (at: number) => boolean,
): Mark | null {
  if (length < MARK_SAMPLES) return null;
  let beginning = 0;
  for (let bit = 0; bit < 16; bit++) beginning = beginning * 2 + (isHigh(bit) ? 1 : 0);
  const role = ROLES.find((one) => BEGINNINGS[one] === beginning);
  if (!role) return null;
  const bytes = Buffer.alloc(MARK_SAMPLES / 8);
  for (let bit = 0; bit < MARK_SAMPLES; bit++) {
    if (!isSteady(bit)) return null;
    if (isHigh(bit)) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  }
  if (bytes.readUInt16BE(18) !== checkOf(bytes)) return null;
  return {
    call: (bytes.readUInt32BE(2) ^ PADS[role]) >>> 0,
    role,
    sequence: bytes.readUInt16BE(12),
    timestamp: bytes.readUInt32BE(14),
  };
}

/** A byte that looks like chance (the finalizer of MurmurHash3). */
function chance(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & 0xff;
}

function bitOf(bytes: Buffer, bit: number): boolean {
  return (bytes[bit >> 3]! & (0x80 >> (bit & 7))) !== 0;
}

/** Sixteen bits over all that stands before them (FNV, folded). */
function checkOf(bytes: Buffer): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < 18; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash ^ (hash >>> 16)) & 0xffff;
}
