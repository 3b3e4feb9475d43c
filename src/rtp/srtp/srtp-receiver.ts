import { rtpSequence, rtpSsrc } from '../packet.js';
import { estimateIndex } from './packet-index.js';
import { ReplayWindow } from './replay-window.js';
import { transformOf } from './session-keys.js';
import type { SrtpSuite } from './suites.js';
import { ENCRYPTED, RTCP_CLEAR_BYTES, type SrtpTransform } from './transform.js';

const TURN = 0x10000;
/** Authenticated sources that are remembered; the one that came first is forgotten for the next. */
const MAX_SOURCES = 64;

/** What is wrong with a packet: the words that are logged. */
export type SrtpFault = 'shorter than SRTP' | 'SRTP not authentic' | 'SRTP seen before';

/** What a peer sends under one master key. */
export class SrtpReceiver {
  readonly #transform: SrtpTransform;
  readonly #former: ReadonlyMap<number, number>;
  readonly #sources = new Map<number, ReplayWindow>();
  readonly #reports = new Map<number, ReplayWindow>();

  /** `former`: how far each SSRC had come under the key before this one, whose rollover counter may go on. */
  constructor(suite: SrtpSuite, master: Buffer, former: ReadonlyMap<number, number> = new Map()) {
    this.#transform = transformOf(suite, master);
    this.#former = former;
  }

  /** The highest index of each source. */
  get indices(): ReadonlyMap<number, number> {
    return new Map([...this.#sources].map(([ssrc, { highest }]) => [ssrc, highest]));
  }

  /** Decrypts a packet in place: its length as plain RTP, or why it is not taken. `payload` is the header's end. */
  unprotect(packet: Buffer, payload: number): number | SrtpFault {
    const plainEnd = packet.length - this.#transform.rtpOverhead;
    if (plainEnd < payload) return 'shorter than SRTP';
    const ssrc = rtpSsrc(packet);
    const source = this.#sources.get(ssrc);
    if (!source) return this.#begin(packet, payload, ssrc) ? plainEnd : 'SRTP not authentic';
    const index = estimateIndex(rtpSequence(packet), source.highest);
    if (!source.isNew(index)) return 'SRTP seen before';
    if (!this.#transform.openRtp(packet, payload, ssrc, index)) return 'SRTP not authentic';
    source.use(index);
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
    const window = known ?? remember(this.#reports, ssrc);
    window.use(index);
    return plainEnd;
  }

  /** The rollover counter of a source that is new here is a guess, which the tag confirms or refutes. */
  #begin(packet: Buffer, payload: number, ssrc: number): boolean {
    const sequence = rtpSequence(packet);
    const before = this.#former.get(ssrc) ?? -1;
    // A sequence near its beginning may have lost everything from before its first turn.
    const guesses = sequence < TURN / 2 ? [sequence, sequence + TURN] : [sequence];
    // With a new key the counter goes on (RFC 3711 3.3.1), or begins anew, as many peers have it.
    if (before >= 0) guesses.unshift(estimateIndex(sequence, before));
    for (const index of new Set(guesses)) {
      if (index < 0 || !this.#transform.openRtp(packet, payload, ssrc, index)) continue;
      remember(this.#sources, ssrc).use(index);
      return true;
    }
    return false;
  }
}

function remember(sources: Map<number, ReplayWindow>, ssrc: number): ReplayWindow {
  if (sources.size >= MAX_SOURCES) {
    const [oldest] = sources.keys();
    if (oldest !== undefined) sources.delete(oldest);
  }
  const window = new ReplayWindow();
  sources.set(ssrc, window);
  return window;
}
