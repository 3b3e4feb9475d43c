import type { LegMediaStats } from '../../call/media-port.js';
import type { Bencoded } from './bencode.js';
import { isDictionary, type NgDictionary } from './ng-client.js';

/** rtpengine counts round trips in microseconds, and quality in tenths. */
const MICROSECONDS = 1000;
const TENTHS = 10;

/** The RTP stream of a tag in a reply of `query`; null where there is none. */
export function rtpStream(reply: NgDictionary, tag: string): NgDictionary | null {
  const medias = dictionary(dictionary(reply.tags)?.[tag])?.medias;
  const streams = dictionary(first(medias))?.streams;
  return dictionary(first(streams));
}

/**
 * The figures of a leg from a reply of `query`; null where rtpengine has none of it. What the peer has reported by RTCP
 * stands under the SSRC that it sends with. rtpengine 10.5 counts neither what it sends nor (in a way that could be told
 * apart) losses, and keeps the jitter that it measures to itself.
 */
export function figuresOf(reply: NgDictionary, tag: string): LegMediaStats | null {
  const stream = rtpStream(reply, tag);
  const stats = dictionary(stream?.stats);
  if (!stats) return null;
  const reported = dictionary(dictionary(reply.SSRC)?.[String(number(stream?.SSRC))]);
  const reports = list(dictionary(reported?.['MOS progression'])?.entries).flatMap(
    (entry): NgDictionary[] => {
      const report = dictionary(entry);
      return report ? [report] : [];
    },
  );
  const trips = reports.map((report) => number(report['round-trip time leg'])).filter((trip) => trip > 0);
  const last = reports.at(-1);
  const mos = number(dictionary(reported?.['average MOS'])?.MOS);
  return {
    packetsReceived: number(stats.packets),
    packetsSent: null,
    bytesReceived: number(stats.bytes),
    bytesSent: null,
    packetsLost: null,
    jitterMs: null,
    packetsRejected: number(stats.errors),
    roundTripMs:
      trips.length > 0 ? milliseconds(trips.reduce((sum, trip) => sum + trip) / trips.length) : null,
    roundTripMaxMs: trips.length > 0 ? milliseconds(Math.max(...trips)) : null,
    farPacketsLost: null,
    farJitterMs: last ? number(last.jitter) : null,
    mos: null,
    farMos: mos > 0 ? mos / TENTHS : null,
  };
}

/** To the tenth. */
function milliseconds(microseconds: number): number {
  return Math.round((microseconds / MICROSECONDS) * 10) / 10;
}

function dictionary(value: Bencoded | undefined | null): NgDictionary | null {
  return value !== null && isDictionary(value) ? value : null;
}

function list(value: Bencoded | undefined): readonly Bencoded[] {
  return Array.isArray(value) ? (value as readonly Bencoded[]) : [];
}

function first(value: Bencoded | undefined): Bencoded | undefined {
  return list(value)[0];
}

function number(value: Bencoded | undefined): number {
  return typeof value === 'number' ? value : 0;
}
