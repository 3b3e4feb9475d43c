import type { G711Name } from '../../call/project.js';

/** Takes the audio that a party is sent, as a part of what it hears itself. */
export interface Overhearer {
  /** G.711 codes `[start, end)`; `name` tells this audio from what the party says. */
  overhear(
    name: string,
    timestamp: number,
    packet: Buffer,
    start: number,
    end: number,
    codec: G711Name,
  ): void;
}

/** Where copies of what goes out to a party can be had; null while nobody wants them. */
interface Source {
  overhear: ((timestamp: number, packet: Buffer, start: number, end: number, codec: G711Name) => void) | null;
}

/** What is sent to a party, as a part of a mix. */
export const sentTo = (legId: string): string => `to ${legId}`;

/** Those who listen to one party. The party's own stream is not touched. */
export class Taps {
  readonly #name: string;
  readonly #source: Source;
  /** Replaced, never changed in place. */
  #all: readonly Overhearer[] = [];

  constructor(legId: string, source: Source) {
    this.#name = sentTo(legId);
    this.#source = source;
  }

  add(one: Overhearer): void {
    this.#set([...this.#all, one]);
  }

  remove(one: Overhearer): void {
    if (this.#all.length > 0) this.#set(this.#all.filter((other) => other !== one));
  }

  clear(): void {
    this.#set([]);
  }

  #set(all: readonly Overhearer[]): void {
    this.#all = all;
    this.#source.overhear =
      all.length === 0
        ? null
        : (timestamp, packet, start, end, codec) => {
            for (const one of this.#all) one.overhear(this.#name, timestamp, packet, start, end, codec);
          };
  }
}
