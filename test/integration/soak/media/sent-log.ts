const KEPT = 2048;

type Kind = 'audio' | 'other' | 'withheld';

/** What a party sent lately under each sequence number: what the network it plays lost is not the node's loss. */
export class SentLog {
  readonly #kinds = new Array<Kind | undefined>(KEPT);

  note(sequence: number, kind: Kind): void {
    this.#kinds[sequence % KEPT] = kind;
  }

  /** Was a packet of audio sent under this number, and not kept back on purpose? */
  wasAudio(sequence: number): boolean {
    return this.#kinds[sequence % KEPT] === 'audio';
  }
}
