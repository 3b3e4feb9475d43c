import type { MediaDirection } from '../../call/media-port.js';
import type { CodecName, G711Name } from '../../call/project.js';
import type { StreamSettings } from '../worker-messages.js';
import { CODECS, EVENT_PAYLOAD_TYPES, formatName, freePayloadType } from './codecs.js';
import type { RemoteAudio } from './remote-description.js';

const PTIME_MS = 20;
const PACKET_SAMPLES = 160;
const SHORT_PACKET_SAMPLES = 80;
const NARROW = 8000;
const WIDE = 48_000;
const EVENT_NAME = 'telephone-event';

/** What an exchange of SDP decides. */
export type NegotiatedSettings = Omit<StreamSettings, 'dtmf' | 'srtp' | 'dtls'>;

export interface Format {
  readonly payloadType: number;
  readonly codec: CodecName;
}

/** The audio line of a description of ours. */
export interface LocalAudio {
  readonly codecs: readonly Format[];
  /** telephone-event by clock rate. */
  readonly events: ReadonlyMap<number, number>;
  readonly direction: MediaDirection;
  readonly rtcpMux: boolean;
}

export const isG711 = (codec: CodecName): codec is G711Name => codec === 'PCMA' || codec === 'PCMU';

/**
 * Our offer of `codecs`, in order. `known` are payload types in use, and `meanings` what every type has stood for on
 * this stream, on either side: both hold for the session (RFC 3264 8.3.2). There is a telephone-event for each clock
 * rate (RFC 4733 2.1).
 */
export function audioToOffer(
  codecs: readonly CodecName[],
  known: ReadonlyMap<CodecName, number>,
  knownEvents: ReadonlyMap<number, number>,
  meanings: ReadonlyMap<number, string>,
  direction: MediaDirection,
  rtcpMux: boolean,
): LocalAudio {
  const taken = new Set<number>();
  const take = (wanted: number, name: string): number => {
    const type = freePayloadType(wanted, (one) => !taken.has(one) && (meanings.get(one) ?? name) === name);
    taken.add(type);
    return type;
  };
  const formats = codecs.map((codec) => {
    const { encoding, clockRate, channels, payloadType } = CODECS[codec];
    const name = formatName(encoding, clockRate, channels);
    return { codec, payloadType: take(known.get(codec) ?? payloadType, name) };
  });
  const events = new Map<number, number>();
  for (const rate of new Set(codecs.map((codec) => CODECS[codec].clockRate))) {
    const wanted = knownEvents.get(rate) ?? EVENT_PAYLOAD_TYPES.get(rate);
    if (wanted !== undefined) events.set(rate, take(wanted, formatName(EVENT_NAME, rate, 1)));
  }
  return { codecs: formats, events, direction, rtcpMux };
}

/** What the payload types of an audio line of ours stand for. */
export function meaningsOf(local: LocalAudio): readonly (readonly [payloadType: number, name: string])[] {
  return [
    ...local.codecs.map(({ payloadType, codec }) => {
      const { encoding, clockRate, channels } = CODECS[codec];
      return [payloadType, formatName(encoding, clockRate, channels)] as const;
    }),
    ...[...local.events].map(
      ([rate, payloadType]) => [payloadType, formatName(EVENT_NAME, rate, 1)] as const,
    ),
  ];
}

/**
 * What we answer to an offer: the codecs of ours that are passed through and that we like better than G.711,
 * and one G.711 codec, for what this node has to say itself. Null where there is no G.711 in common. Comfort
 * noise is no audio: it stands behind.
 */
export function audioToAnswer(
  codecs: readonly CodecName[],
  remote: RemoteAudio,
  direction: MediaDirection,
): LocalAudio | null {
  const found = (codec: CodecName): Format | undefined =>
    remote.codecs.find((format) => format.codec === codec);
  const first = codecs.findIndex((codec) => isG711(codec) && found(codec) !== undefined);
  if (first < 0) return null;
  const chosen: CodecName[] = codecs.slice(0, first + 1).filter((codec) => codec !== 'CN');
  if (codecs.includes('CN')) chosen.push('CN');
  const formats = chosen.map(found).filter((format) => format !== undefined);
  return { codecs: formats, events: eventsFor(formats, remote), direction, rtcpMux: remote.rtcpMux };
}

function eventsFor(formats: readonly Format[], remote: RemoteAudio): Map<number, number> {
  const rates = new Set(formats.map(({ codec }) => CODECS[codec].clockRate));
  return new Map([...remote.events].filter(([rate]) => rates.has(rate)));
}

/** The lines of `local` from m= on. */
export function audioLines(
  local: LocalAudio,
  rtpPort: number,
  protocol: string,
  keyLines: readonly string[],
): string[] {
  const formats = [...local.codecs.map(({ payloadType }) => payloadType), ...local.events.values()];
  const lines = [`m=audio ${rtpPort} ${protocol} ${formats.join(' ')}`];
  for (const { payloadType, codec } of local.codecs) {
    const { encoding, clockRate, channels, fmtp } = CODECS[codec];
    lines.push(`a=rtpmap:${payloadType} ${encoding}/${clockRate}${channels > 1 ? `/${channels}` : ''}`);
    if (fmtp !== null) lines.push(`a=fmtp:${payloadType} ${fmtp}`);
  }
  for (const [rate, payloadType] of local.events) {
    lines.push(`a=rtpmap:${payloadType} telephone-event/${rate}`, `a=fmtp:${payloadType} 0-15`);
  }
  lines.push(`a=ptime:${PTIME_MS}`);
  lines.push(...keyLines);
  if (local.rtcpMux) lines.push('a=rtcp-mux');
  lines.push(`a=${local.direction}`);
  return lines;
}

/** What the worker needs of an agreement; null where the two have no G.711 in common. */
export function settingsOf(
  local: LocalAudio,
  remote: RemoteAudio,
  direction: MediaDirection,
): NegotiatedSettings | null {
  // RFC 3264 6.1: the answerer's first format is the one that it wants to get, and ours likewise.
  const common = remote.codecs.filter(({ codec }) => local.codecs.some((ours) => ours.codec === codec));
  const made = common.find(({ codec }) => isG711(codec));
  const first = common.find(({ codec }) => codec !== 'CN');
  if (!made || !first || !isG711(made.codec)) return null;
  const { heldByAddress, rtcpWanted } = remote;
  return {
    remoteRtp: heldByAddress ? null : remote.rtp,
    remoteRtcp: heldByAddress || !rtcpWanted ? null : remote.rtcp,
    rtcpMux: local.rtcpMux,
    sendCodec: made.codec,
    sendPayloadType: made.payloadType,
    packetSamples:
      remote.maxPacketMs !== null && remote.maxPacketMs < PTIME_MS ? SHORT_PACKET_SAMPLES : PACKET_SAMPLES,
    passThrough: common.filter(({ codec }) => !isG711(codec)),
    peerCodec: preferredOf(local, remote)?.codec ?? first.codec,
    sendEventPayloadType: remote.events.get(NARROW) ?? null,
    sendWideEventPayloadType: remote.events.get(WIDE) ?? null,
    receivePayloadTypes: local.codecs,
    receiveEventPayloadType: local.events.get(NARROW) ?? null,
    receiveWideEventPayloadType: local.events.get(WIDE) ?? null,
    maySend: direction === 'sendrecv' || direction === 'sendonly',
    mayReceive: direction === 'sendrecv' || direction === 'recvonly',
  };
}

/** The first of our formats that the peer has: what it is going to send. */
function preferredOf(local: LocalAudio, remote: RemoteAudio): Format | undefined {
  return local.codecs.find(
    ({ codec }) => codec !== 'CN' && remote.codecs.some((format) => format.codec === codec),
  );
}

/** RFC 3264 6.1: our wish within what the peer's direction leaves us. */
export function narrow(wish: MediaDirection, remote: RemoteAudio): MediaDirection {
  const peerTakes =
    !remote.heldByAddress && (remote.direction === 'sendrecv' || remote.direction === 'recvonly');
  const peerSends = remote.direction === 'sendrecv' || remote.direction === 'sendonly';
  const send = peerTakes && (wish === 'sendrecv' || wish === 'sendonly');
  const receive = peerSends && (wish === 'sendrecv' || wish === 'recvonly');
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}
