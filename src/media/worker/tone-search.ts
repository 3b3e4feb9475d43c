import { DtmfDetector } from '../../rtp/dtmf-detector.js';
import { ALAW_SILENCE, ALAW_TO_LINEAR, ULAW_SILENCE, ULAW_TO_LINEAR } from '../../rtp/g711.js';
import { OrderedAudio } from '../../rtp/ordered-audio.js';
import type { PayloadKind } from './payload-type-table.js';

const NOTHING = Buffer.alloc(0);

/** Finds keys that are pressed as tones in the packets of a party, in whatever order the network brings them. */
export class ToneSearch {
  readonly #detector: DtmfDetector;
  readonly #ordered: OrderedAudio;

  constructor(onKey: (key: string, durationMs: number) => void) {
    this.#detector = new DtmfDetector(onKey);
    this.#ordered = new OrderedAudio((codes, table) => {
      this.#detector.push(codes, 0, codes.length, table);
    });
  }

  /** A tone that was recognised is not heard by the other side, which gets the digit in its own way. */
  take(packet: Buffer, start: number, end: number, kind: PayloadKind, sequence: number): void {
    if (kind !== 'PCMU' && kind !== 'PCMA') {
      this.#ordered.push(sequence, NOTHING, ULAW_TO_LINEAR);
      return;
    }
    const table = kind === 'PCMU' ? ULAW_TO_LINEAR : ALAW_TO_LINEAR;
    this.#ordered.push(sequence, packet.subarray(start, end), table);
    if (this.#detector.sounding) packet.fill(kind === 'PCMU' ? ULAW_SILENCE : ALAW_SILENCE, start, end);
  }

  /** Nothing comes any more: a key that was pressed has ended. */
  idle(): void {
    this.#ordered.flush();
    this.#detector.idle();
  }
}
