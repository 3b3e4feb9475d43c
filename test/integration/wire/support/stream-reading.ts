import { parseRtpPacket } from 'rtp-parser';
import { decodeG711 } from '../../../../src/rtp/g711.js';
import { toneShare } from '../../../../src/rtp/goertzel.js';
import type { Arrived } from './rtp-end.js';

const FRAME = 160;
const EVENT = 101;

/** What a stream did that RFC 3550, 3551 and 4733 forbid, in words; none where it is in order. */
export function faultsOf(stream: readonly Arrived[], audioType = 8): string[] {
  const faults: string[] = [];
  const packets = stream.map(({ packet }) => parseRtpPacket(packet));
  const first = packets[0];
  if (!first) return ['no packet came'];
  if (first.marker === 0) faults.push('the first packet has no marker');
  let heldUntil: number | null = null;
  packets.forEach((packet, at) => {
    const where = `packet ${at} (sequence ${packet.sequenceNumber})`;
    const plain = packet.version === 2 && packet.padding + packet.extension + packet.csrcCount === 0;
    if (!plain) faults.push(`${where}: its header is not a plain one of version 2`);
    if (packet.ssrc !== first.ssrc) faults.push(`${where}: SSRC ${packet.ssrc} after ${first.ssrc}`);
    const isEvent = packet.payloadType === EVENT;
    if (!isEvent && packet.payloadType !== audioType)
      faults.push(`${where}: payload type ${packet.payloadType}`);
    if (packet.payload.length !== (isEvent ? 4 : FRAME))
      faults.push(`${where}: ${packet.payload.length} bytes of payload`);
    const before = packets[at - 1];
    if (!before) return;
    const step = (packet.sequenceNumber - before.sequenceNumber) & 0xffff;
    if (step !== 1) faults.push(`${where}: sequence moved by ${step}`);
    const moved = (packet.timestamp - before.timestamp) | 0;
    if (isEvent) {
      const begins = before.payloadType !== EVENT || before.payload[0] !== packet.payload[0] || moved !== 0;
      if (begins && (packet.marker === 0 || moved <= 0))
        faults.push(`${where}: an event begins with marker ${packet.marker}, timestamp +${moved}`);
      if (packet.marker === 1 && !begins) faults.push(`${where}: a marker within an event`);
      heldUntil = packet.payload.readUInt16BE(2);
      return;
    }
    // Behind an event the audio goes on after its duration.
    const least = heldUntil ?? FRAME;
    heldUntil = null;
    const goesOn = least === FRAME ? moved === FRAME : moved >= least;
    if (moved < least || moved % FRAME !== 0 || (!goesOn && packet.marker === 0))
      faults.push(`${where}: timestamp moved by ${moved} with marker ${packet.marker}`);
  });
  return faults;
}

/** How far apart packets came, in milliseconds. */
export interface Pacing {
  readonly packets: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function pacingOf(stream: readonly Arrived[]): Pacing {
  const gaps = stream.slice(1).map(({ atMs }, at) => atMs - stream[at]!.atMs);
  const sorted = [...gaps].sort((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  const mean = round(gaps.reduce((sum, gap) => sum + gap, 0) / Math.max(1, gaps.length));
  return { packets: stream.length, mean, p50: at(0.5), p99: at(0.99), max: at(1) };
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** The audio of packets as linear samples, put in the order of their timestamps; what is missing is left out. */
export function samplesOf(stream: readonly Arrived[], audioType = 8): Int16Array {
  const law = audioType === 8 ? 'PCMA' : 'PCMU';
  const packets = stream
    .map(({ packet }) => parseRtpPacket(packet))
    .filter(({ payloadType }) => payloadType === audioType);
  const base = packets[0]?.timestamp ?? 0;
  const frames = new Map(packets.map((packet) => [(packet.timestamp - base) | 0, packet.payload]));
  const ordered = [...frames].sort(([a], [b]) => a - b).map(([, payload]) => payload);
  return decodeG711(Buffer.concat(ordered), law);
}

/** In which part (0..1) of the packets with audio this tone is most of what is heard, frame by frame. */
export function toneIn(stream: readonly Arrived[], hz: number, audioType = 8): number {
  const samples = samplesOf(stream, audioType);
  let found = 0;
  const frames = Math.floor(samples.length / FRAME);
  for (let frame = 0; frame < frames; frame++)
    if (toneShare(samples.subarray(frame * FRAME, (frame + 1) * FRAME), hz) > 0.8) found++;
  return frames === 0 ? 0 : found / frames;
}

/** In which part of the packets both tones are there, each with about half of the energy. */
export function bothIn(stream: readonly Arrived[], a: number, b: number, audioType = 8): number {
  const samples = samplesOf(stream, audioType);
  let found = 0;
  const frames = Math.floor(samples.length / FRAME);
  for (let frame = 0; frame < frames; frame++) {
    const heard = samples.subarray(frame * FRAME, (frame + 1) * FRAME);
    if (toneShare(heard, a) > 0.3 && toneShare(heard, b) > 0.3) found++;
  }
  return frames === 0 ? 0 : found / frames;
}

/** Does any packet hold this tone, be it below others? */
export function hasTone(stream: readonly Arrived[], hz: number, audioType = 8): boolean {
  const samples = samplesOf(stream, audioType);
  for (let start = 0; start + FRAME <= samples.length; start += FRAME)
    if (toneShare(samples.subarray(start, start + FRAME), hz) > 0.25) return true;
  return false;
}

/** Presses in a stream of telephone-events, as a peer that follows RFC 4733 2.5 counts them: one for each timestamp. */
export function pressesIn(stream: readonly Arrived[]): string {
  let keys = '';
  const seen = new Set<number>();
  for (const { packet } of stream) {
    const { payloadType, timestamp, payload } = parseRtpPacket(packet);
    if (payloadType !== EVENT || seen.has(timestamp)) continue;
    seen.add(timestamp);
    keys += '0123456789*#ABCD'[payload[0]!] ?? '?';
  }
  return keys;
}
