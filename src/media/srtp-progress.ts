import type { SrtpSettings } from './worker-messages.js';

/** Keys of a peer that are remembered: the one in force, and the one before. */
const KEYS = 2;
/** Sources of a peer that are remembered for each. */
const SOURCES = 8;

/** The peer's key, a secret; the same bytes under another suite are another key. */
export function keyIdOf({ suite, receiveKey }: SrtpSettings): string {
  return `${suite} ${receiveKey}`;
}

/** How far the streams of a peer have come under each of its keys (RFC 3711 3.3.1), as its worker told of it. */
export class SrtpProgress {
  /** Least recently told of first, the sources of each likewise. */
  readonly #keys = new Map<string, Map<number, number>>();

  note(keyId: string, ssrc: number, index: number): void {
    const sources = this.#keys.get(keyId) ?? new Map<number, number>();
    const reached = Math.max(index, sources.get(ssrc) ?? 0);
    putLast(sources, ssrc, reached, SOURCES);
    putLast(this.#keys, keyId, sources, KEYS);
  }

  /** SSRC and index. */
  of(keyId: string): [ssrc: number, index: number][] {
    return [...(this.#keys.get(keyId) ?? [])];
  }
}

function putLast<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
