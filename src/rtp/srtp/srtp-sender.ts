import { RTP_HEADER_BYTES } from '../packet.js';
import { estimateIndex } from './packet-index.js';
import { ReplayWindow } from './replay-window.js';
import { transformOf } from './session-keys.js';
import type { SrtpSuite } from './suites.js';
import type { SrtpTransform } from './transform.js';

/** RFC 3711 9.2: after so many packets a master key is used up. */
const MAX_INDEX = 2 ** 48;
const MAX_RTCP_INDEX = 2 ** 31;

/** What we send under one master key: counts the turns of each SSRC's sequence, and never uses an index twice. */
export class SrtpSender {
  readonly #transform: SrtpTransform;
  readonly #sources = new Map<number, ReplayWindow>();
  #rtcpIndex = 0;

  constructor(suite: SrtpSuite, master: Buffer) {
    this.#transform = transformOf(suite, master);
  }

  /**
   * The SRTP packet of packet[start..end), which begins with a header of 12 bytes. Null where its number was used
   * before: a second packet under the same keystream would give both away.
   */
  protect(packet: Buffer, start: number, end: number): Buffer | null {
    const sequence = (packet[start + 2]! << 8) | packet[start + 3]!;
    const ssrc = packet.readUInt32BE(start + 8);
    const used = this.#sourceOf(ssrc);
    const index = used.highest < 0 ? sequence : estimateIndex(sequence, used.highest);
    if (index >= MAX_INDEX || !used.isNew(index)) return null;
    used.use(index);
    const length = end - start;
    const out = Buffer.allocUnsafe(length + this.#transform.rtpOverhead);
    packet.copy(out, 0, start, end);
    this.#transform.sealRtp(out, RTP_HEADER_BYTES, length, ssrc, index);
    return out;
  }

  /** The SRTCP packet of a compound packet of ours; null where the key is used up. */
  protectRtcp(packet: Buffer): Buffer | null {
    if (this.#rtcpIndex >= MAX_RTCP_INDEX) return null;
    const out = Buffer.allocUnsafe(packet.length + this.#transform.rtcpOverhead);
    packet.copy(out);
    this.#transform.sealRtcp(out, packet.length, packet.readUInt32BE(4), this.#rtcpIndex++);
    return out;
  }

  #sourceOf(ssrc: number): ReplayWindow {
    const known = this.#sources.get(ssrc);
    if (known) return known;
    const fresh = new ReplayWindow();
    this.#sources.set(ssrc, fresh);
    return fresh;
  }
}
