import { buildRtcp } from '../../../../src/rtp/rtcp.js';
import { eventPayload, rtp } from '../../media/phone.js';

/** Payload of every lie: nobody may ever hear it. */
export const LIE = 0x33;
/** Events of lies: no DTMF digit but for one. */
const EVENT = 101;
const PCMA = 8;
const LONGEST = 65_507;

const RTP_SSRC = 0x5eed;
const body = (length: number): Buffer => Buffer.alloc(length, LIE);
const packet = (payload: Buffer, type = PCMA): Buffer => rtp(type, 7, 7, RTP_SSRC, payload);
const good = packet(body(160));

/** `bytes` with some of them replaced. */
function changed(bytes: Buffer, ...changes: readonly (readonly [at: number, value: number])[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, value] of changes) copy[at] = value;
  return copy;
}

/** Datagrams to an RTP port that are no RTP, or not what was agreed, by what is wrong with them. */
export const RTP_LIES: Readonly<Record<string, Buffer>> = {
  ...Object.fromEntries(
    Array.from({ length: 12 }, (_, length) => [`${length} bytes`, good.subarray(0, length)]),
  ),
  'the longest datagram there is': packet(body(LONGEST - 12)),
  'a packet of a quarter of a second': packet(body(2040)),
  'version 0': changed(good, [0, 0x00]),
  'version 1': changed(good, [0, 0x40]),
  'version 3': changed(good, [0, 0xc0]),
  'a padding of no byte': changed(good, [0, 0xa0], [171, 0]),
  'a padding beyond the payload': changed(good, [0, 0xa0], [171, 161]),
  'a padding where there is no payload': changed(packet(Buffer.alloc(0)), [0, 0xa0], [11, 12]),
  'fifteen CSRC in eight bytes': changed(good.subarray(0, 20), [0, 0x8f]),
  'one CSRC where the packet ends': changed(packet(Buffer.alloc(3, LIE)), [0, 0x81]),
  'an extension where the packet ends': changed(good.subarray(0, 15), [0, 0x90]),
  'an extension beyond the packet': changed(good, [0, 0x90], [14, 0xff], [15, 0xff]),
  'an extension one word too long': changed(good, [0, 0x90], [14, 0], [15, 40]),
  'a payload type that nobody agreed on': changed(good, [1, 97]),
  'a payload type of RTCP': changed(good, [1, 200]),
  STUN: Buffer.from('000100002112a442000102030405060708090a0b', 'hex'),
  DTLS: Buffer.concat([Buffer.from('16fefd000000000000000000600100', 'hex'), body(96)]),
  ZRTP: Buffer.concat([Buffer.from('100000005a525450', 'hex'), body(40)]),
  'TURN channel data': Buffer.concat([Buffer.from('40000050', 'hex'), body(80)]),
  'a telephone-event of one byte': packet(Buffer.from([5]), EVENT),
  'a telephone-event of three bytes': packet(Buffer.from([5, 0x8a, 0]), EVENT),
};

/** RTP that is odd and yet right: it is taken, and no digit comes of it. */
export const ODDITIES: readonly Buffer[] = [
  // Padding that is all there is, an extension of no word, CSRCs.
  changed(packet(Buffer.alloc(4, 0)), [0, 0xa0], [15, 4]),
  changed(packet(Buffer.alloc(0)), [0, 0xa0], [11, 0]).subarray(0, 0),
  // Events that are no digits, with the reserved bit, every volume and the longest duration.
  ...[16, 17, 63, 144, 255].map((event) => packet(Buffer.from([event, 0xff, 0xff, 0xff]), EVENT)),
  packet(Buffer.concat([Buffer.from([255, 0xbf, 0, 0]), Buffer.alloc(60)]), EVENT),
].filter(({ length }) => length > 0);

const report = buildRtcp({ ssrc: RTP_SSRC, cname: 'liar', sender: null, block: null, bye: false });
const goodbye = buildRtcp({ ssrc: RTP_SSRC, cname: 'liar', sender: null, block: null, bye: true });

/** Datagrams to an RTCP port that RFC 3550 A.2 calls invalid. */
export const RTCP_LIES: Readonly<Record<string, Buffer>> = {
  ...Object.fromEntries(
    Array.from({ length: 8 }, (_, length) => [`${length} bytes`, report.subarray(0, length)]),
  ),
  'a length beyond the packet': changed(report, [2, 0xff], [3, 0xff]),
  'a length beyond the packet behind a good one': changed(goodbye, [goodbye.length - 5, 0x7f]),
  'a source description first': report.subarray(8),
  'a goodbye first': changed(report, [1, 203]),
  'another type first': changed(report, [1, 204]),
  'padding in the first': changed(report, [0, 0xa0]),
  'version 1 behind a good one': changed(report, [8, 0x41]),
  'thirty-one blocks that are not there': changed(report, [0, 0x9f]),
  audio: good,
  'a sender report cut short': changed(report, [1, 200]),
};

/** RTCP that is odd and yet valid: a goodbye whose reason is longer than the packet ends no call. */
export const RTCP_ODDITIES: readonly Buffer[] = [
  Buffer.concat([
    goodbye.subarray(0, -8),
    Buffer.from('81cb0002', 'hex'),
    Buffer.from('00005eed', 'hex'),
    Buffer.from([255, 1, 2, 3]),
  ]),
  Buffer.concat([report, Buffer.from('9fcb0000', 'hex')]),
  // The text of a source description that is longer than the packet.
  changed(report, [17, 255]),
];

/** Events of one press that no phone would send: durations that fall, leap and overflow. One press all the same. */
export function wildPress(sequence: number, timestamp: number, ssrc: number): Buffer[] {
  return [160, 0xffff, 320, 1, 0xffff, 0]
    .map((duration, at) => eventPayload(9, at > 3, duration))
    .map((payload, at) => rtp(EVENT, sequence + at, timestamp, ssrc, payload, at === 0));
}
