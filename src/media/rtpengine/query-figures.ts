import type { LegMediaStats } from '../../call/media-port.js';
import { isDictionary, type NgDictionary } from './ng-client.js';

/** The RTP stream of a tag in a reply of `query`; null where there is none. */
export function rtpStream(reply: NgDictionary, tag: string): NgDictionary | null {
  const { tags } = reply;
  const own = isDictionary(tags) ? tags[tag] : undefined;
  const medias = isDictionary(own) ? own.medias : undefined;
  const media: unknown = Array.isArray(medias) ? medias[0] : undefined;
  const streams = isDictionary(media as NgDictionary) ? (media as NgDictionary).streams : undefined;
  const stream: unknown = Array.isArray(streams) ? streams[0] : undefined;
  return isDictionary(stream as NgDictionary) ? (stream as NgDictionary) : null;
}

/** The figures of a leg from a reply of `query`; null where rtpengine has none of it. */
export function figuresOf(reply: NgDictionary, tag: string): LegMediaStats | null {
  const stats = rtpStream(reply, tag)?.stats;
  if (!isDictionary(stats)) return null;
  const count = (name: string): number => (typeof stats[name] === 'number' ? stats[name] : 0);
  return {
    packetsReceived: count('packets'),
    packetsSent: null,
    bytesReceived: count('bytes'),
    bytesSent: null,
    packetsLost: null,
    jitterMs: null,
    packetsRejected: count('errors'),
    roundTripMs: null,
    roundTripMaxMs: null,
    farPacketsLost: null,
    farJitterMs: null,
    mos: null,
    farMos: null,
  };
}
