import { rounded, type Figure } from '../common/figures.js';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../src/rtp/packet.js';
import { SrtpReceiver } from '../../src/rtp/srtp/srtp-receiver.js';
import { SrtpSender } from '../../src/rtp/srtp/srtp-sender.js';
import { masterBytes, type SrtpSuite } from '../../src/rtp/srtp/suites.js';

const PACKETS = 50_000;
const PAYLOAD_BYTES = 160;

/** What SRTP adds to a packet that is relayed from one key to another: decrypted, and encrypted again. */
export function srtpFigures(): Figure[] {
  return [
    figureOf('AES_CM_128_HMAC_SHA1_80', 'relay.srtp_cpu_per_packet', 'SRTP on both sides adds'),
    figureOf('AEAD_AES_128_GCM', 'relay.srtp_gcm_cpu_per_packet', 'SRTP with AES-GCM adds'),
  ];
}

function figureOf(suite: SrtpSuite, id: string, label: string): Figure {
  measure(suite, PACKETS / 5);
  const meaning = `CPU time to decrypt and to encrypt one packet of 20 ms of G.711 (${suite}), without any socket`;
  return { id, label, value: rounded(measure(suite, PACKETS)), unit: 'µs', meaning };
}

/** Microseconds of CPU per packet. */
function measure(suite: SrtpSuite, packets: number): number {
  const master = Buffer.alloc(masterBytes(suite), 1);
  const [peer, own] = [new SrtpSender(suite, master), new SrtpSender(suite, master)];
  const receiver = new SrtpReceiver(suite, master);
  const plain = Buffer.alloc(RTP_HEADER_BYTES + PAYLOAD_BYTES);
  let micros = 0;
  for (let sequence = 0; sequence < packets;) {
    const batch: Buffer[] = [];
    for (let at = 0; at < 500; at++, sequence++) {
      writeRtpHeader(plain, 0, 0, 8, sequence & 0xffff, sequence * PAYLOAD_BYTES, 1);
      const sealed = peer.protect(plain, 0, plain.length);
      if (sealed) batch.push(sealed);
    }
    const before = process.cpuUsage();
    for (const packet of batch) {
      const end = receiver.unprotect(packet, RTP_HEADER_BYTES);
      if (typeof end === 'number') own.protect(packet, 0, end);
    }
    const { user, system } = process.cpuUsage(before);
    micros += user + system;
  }
  return micros / packets;
}
