import { randomFillSync, randomUUID } from 'node:crypto';

/** Randomness as an input, so that tests can seed it. */
export interface Random {
  /** A lower-case hexadecimal token of `bytes` random bytes (RFC 3261 19.3 asks for 32 bits at least). */
  token(bytes: number): string;
  /** A uniform number in [0, 1). */
  fraction(): number;
  /** A version 4 UUID. */
  uuid(): string;
}

const POOL_BYTES = 8192;

/** Cryptographic randomness, drawn from a pool so that a token does not cost a system call. */
export function secureRandom(): Random {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  const take = (bytes: number): number => {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const start = used;
    used += bytes;
    return start;
  };
  return {
    token: (bytes) => {
      const start = take(bytes);
      return pool.toString('hex', start, start + bytes);
    },
    fraction: () => pool.readUInt32BE(take(4)) / 2 ** 32,
    uuid: () => randomUUID(),
  };
}

/** A repeatable source for tests and seeded simulations (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const token = (bytes: number): string => {
    let out = '';
    while (out.length < bytes * 2) out += next().toString(16).padStart(8, '0');
    return out.slice(0, bytes * 2);
  };
  return {
    token,
    fraction: () => next() / 2 ** 32,
    uuid: () => {
      const hex = token(16);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
  };
}
