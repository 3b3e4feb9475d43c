import { rtpSequence, rtpSsrc } from '../packet.js';
import { estimateIndex } from './packet-index.js';
import { ReplayWindow } from './replay-window.js';
import { transformOf } from './session-keys.js';
import type { SrtpSuite } from './suites.js';
import { ENCRYPTED, RTCP_CLEAR_BYTES, type SrtpTransform } from './transform.js';

const TURN = 0x10000;
/** Turns of the sequence that are tried on the first source: close to three hours of 20 ms packets. */
const FIRST_TURNS = 8;
/** A source is told of so often: the true index is then never half a turn beyond what was told last. */
const TOLD_EVERY = TURN / 4;
/** Authenticated sources that are remembered; the one that came first is forgotten for the next. */
const MAX_SOURCES = 64;

/** What is wrong with a packet: the words that are logged. */
export type SrtpFault = 'shorter than SRTP' | 'SRTP not authentic' | 'SRTP seen before';

interface Source {
  readonly window: ReplayWindow;
  /** The index from which on it is told of again. */
  tellAt: number;
}

export interface SrtpProgressOptions {
  /** How far each SSRC had come under this same key, where another receiver was lost: nothing older is taken. */
  readonly reached?: ReadonlyMap<number, number>;
  /** Called every quarter turn of a source, and for one that is found beyond its first turn. */
  readonly onReached?: (ssrc: number, index: number) => void;
}

/** What a peer sends under one master key. */
export class SrtpReceiver {
  readonly #transform: SrtpTransform;
  readonly #former: ReadonlyMap<number, number>;
  readonly #reached: ReadonlyMap<number, number>;
  readonly #onReached: (ssrc: number, index: number) => void;
  readonly #sources = new Map<number, Source>();
  readonly #reports = new Map<number, ReplayWindow>();

  /** `former`: how far each SSRC had come under the key before this one, whose rollover counter may go on. */
  constructor(
    suite: SrtpSuite,
    master: Buffer,
    former: ReadonlyMap<number, number> = new Map(),
    { reached = new Map(), onReached = () => undefined }: SrtpProgressOptions = {},
  ) {
    this.#transform = transformOf(suite, master);
    this.#former = former;
    this.#reached = reached;
    this.#onReached = onReached;
  }

  /** The highest index of each source. */
  get indices(): ReadonlyMap<number, number> {
    const seen = [...this.#sources].map(([ssrc, { window }]) => [ssrc, window.highest] as const);
    return new Map([...this.#reached, ...seen]);
  }

  /** Decrypts a packet in place: its length as plain RTP, or why it is not taken. `payload` is the header's end. */
  unprotect(packet: Buffer, payload: number): number | SrtpFault {
    const plainEnd = packet.length - this.#transform.rtpOverhead;
    if (plainEnd < payload) return 'shorter than SRTP';
    const ssrc = rtpSsrc(packet);
    const source = this.#sources.get(ssrc);
    if (!source) return this.#begin(packet, payload, ssrc) ? plainEnd : 'SRTP not authentic';
    const { window } = source;
    const index = estimateIndex(rtpSequence(packet), window.highest);
    if (!window.isNew(index)) return 'SRTP seen before';
    if (!this.#transform.openRtp(packet, payload, ssrc, index)) return 'SRTP not authentic';
    window.use(index);
    if (index >= source.tellAt) this.#tell(source, ssrc, index);
    return plainEnd;
  }

  /** Likewise for RTCP. */
  unprotectRtcp(packet: Buffer): number | SrtpFault {
    const plainEnd = packet.length - this.#transform.rtcpOverhead;
    if (plainEnd < RTCP_CLEAR_BYTES) return 'shorter than SRTP';
    const index = this.#transform.rtcpIndexWord(packet) - ENCRYPTED;
    // Unencrypted SRTCP was never agreed on.
    if (index < 0) return 'SRTP not authentic';
    const ssrc = packet.readUInt32BE(4);
    const known = this.#reports.get(ssrc);
    if (known && !known.isNew(index)) return 'SRTP seen before';
    if (!this.#transform.openRtcp(packet, ssrc)) return 'SRTP not authentic';
    const window = known ?? remember(this.#reports, ssrc, new ReplayWindow());
    window.use(index);
    return plainEnd;
  }

  /** The rollover counter of a source that is new here is a guess, which the tag confirms or refutes. */
  #begin(packet: Buffer, payload: number, ssrc: number): boolean {
    const sequence = rtpSequence(packet);
    for (const index of this.#guesses(ssrc, sequence)) {
      if (index < 0 || !this.#transform.openRtp(packet, payload, ssrc, index)) continue;
      const source = remember(this.#sources, ssrc, { window: new ReplayWindow(), tellAt: 0 });
      source.window.use(index);
      this.#tell(source, ssrc, index);
      return true;
    }
    return false;
  }

  #guesses(ssrc: number, sequence: number): Iterable<number> {
    const reached = this.#reached.get(ssrc);
    if (reached !== undefined) {
      const nearest = estimateIndex(sequence, reached);
      return [nearest, nearest + TURN].filter((index) => index > reached);
    }
    const before = this.#former.get(ssrc) ?? -1;
    // The first source may have been going on for hours where the media was made anew in the middle of a call. A later
    // one has begun under this key, and may have lost everything from before its first turn.
    const turns = this.#sources.size === 0 ? FIRST_TURNS : sequence < TURN / 2 ? 2 : 1;
    const guesses = Array.from({ length: turns }, (_, turn) => turn * TURN + sequence);
    // With a new key the counter goes on (RFC 3711 3.3.1), or begins anew, as many peers have it.
    if (before >= 0) guesses.unshift(estimateIndex(sequence, before));
    return new Set(guesses);
  }

  /** A source in its first turn is found again without having been told of. */
  #tell(source: Source, ssrc: number, index: number): void {
    source.tellAt = (Math.floor(index / TOLD_EVERY) + 1) * TOLD_EVERY;
    if (index >= TOLD_EVERY) this.#onReached(ssrc, index);
  }
}

function remember<T>(sources: Map<number, T>, ssrc: number, fresh: T): T {
  if (sources.size >= MAX_SOURCES) {
    const [oldest] = sources.keys();
    if (oldest !== undefined) sources.delete(oldest);
  }
  sources.set(ssrc, fresh);
  return fresh;
}
