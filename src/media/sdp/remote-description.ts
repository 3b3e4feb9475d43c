import { isIPv4 } from 'node:net';
import { parse, type ParsedConnection, type ParsedMedia, type ParsedSession } from 'sdp-transform';
import type { MediaDirection } from '../../call/media-port.js';
import type { CodecName } from '../../call/project.js';
import type { MediaAddress } from '../worker-messages.js';

const MAX_SDP_BYTES = 65_536;
const CLOCK_RATE = 8000;
/** RFC 3551 6: payload types that need no rtpmap. */
const STATIC_CODECS: ReadonlyMap<number, CodecName> = new Map([
  [0, 'PCMU'],
  [8, 'PCMA'],
]);
const PLAIN_RTP = new Set(['RTP/AVP', 'RTP/AVPF']);

/** Why a session description cannot be used, with the SIP status that says so. */
export interface SdpFailure {
  readonly status: 400 | 488;
  readonly code: 'sdp_malformed' | 'sdp_no_audio' | 'sdp_no_common_codec' | 'sdp_address' | 'sdp_answer';
  readonly detail: string;
}

/** An m= line as it was written: enough to repeat it when it is rejected (RFC 3264 6). */
export interface MediaLine {
  readonly type: string;
  readonly port: number;
  readonly protocol: string;
  readonly formats: string;
}

/** A usable audio stream of a peer. */
export interface RemoteAudio {
  /** Position among the m= lines. */
  readonly index: number;
  readonly protocol: string;
  readonly rtp: MediaAddress;
  readonly rtcp: MediaAddress;
  /** The old form of hold: c=0.0.0.0 (RFC 3264 8.4). */
  readonly heldByAddress: boolean;
  /** As the peer wrote it, from its side. */
  readonly direction: MediaDirection;
  /** The G.711 formats in the peer's order. */
  readonly codecs: readonly { readonly payloadType: number; readonly codec: CodecName }[];
  readonly eventPayloadType: number | null;
  readonly rtcpMux: boolean;
}

/** A peer's session description, read. */
export interface RemoteDescription {
  readonly lines: readonly MediaLine[];
  /** Audio streams that plain RTP over IPv4 can serve, in order. */
  readonly audio: readonly RemoteAudio[];
  /** Why there is none, where there is none. */
  readonly noAudio: SdpFailure;
}

export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: SdpFailure };

const malformed = (detail: string): { ok: false; failure: SdpFailure } => ({
  ok: false,
  failure: { status: 400, code: 'sdp_malformed', detail },
});

/** Reads a peer's SDP (RFC 8866). Never throws; what is not SDP is a failure with status 400. */
export function readRemoteDescription(sdp: string): Read<RemoteDescription> {
  if (sdp.length > MAX_SDP_BYTES) return malformed(`longer than ${MAX_SDP_BYTES} bytes`);
  if (!/^v=0\s*(?:\r|\n)/.test(sdp)) return malformed('does not begin with v=0');
  const lines: MediaLine[] = [];
  for (const raw of sdp.split(/\r\n|\r|\n/)) {
    if (!raw.startsWith('m=')) continue;
    const line = readMediaLine(raw);
    if (!line) return malformed(`bad media line "${raw.slice(0, 80)}"`);
    lines.push(line);
  }
  if (lines.length === 0) return malformed('no m= line');
  let session: ParsedSession;
  try {
    session = parse(sdp);
  } catch {
    return malformed('cannot be parsed');
  }
  if (session.media.length !== lines.length) return malformed('m= lines cannot be told apart');
  return { ok: true, value: pickAudio(session, lines) };
}

function readMediaLine(raw: string): MediaLine | null {
  const match = /^m=([\w.-]+) (\d{1,5})(?:\/\d+)? ([\w/.-]+) ([^\s](?:.*\S)?)\s*$/.exec(raw);
  if (!match) return null;
  const port = Number(match[2]);
  if (port > 65_535) return null;
  return { type: match[1]!, port, protocol: match[3]!, formats: match[4]! };
}

function pickAudio(session: ParsedSession, lines: readonly MediaLine[]): RemoteDescription {
  const audio: RemoteAudio[] = [];
  let noAudio: SdpFailure = { status: 488, code: 'sdp_no_audio', detail: 'no audio stream is offered' };
  lines.forEach((line, index) => {
    if (line.type !== 'audio' || line.port === 0) return;
    if (!PLAIN_RTP.has(line.protocol)) {
      noAudio = { status: 488, code: 'sdp_no_audio', detail: `audio over ${line.protocol} is not supported` };
      return;
    }
    const media = session.media[index]!;
    const address = ipv4Of(media.connection ?? session.connection);
    if (address === null) {
      noAudio = { status: 488, code: 'sdp_address', detail: 'the connection address is not unicast IPv4' };
      return;
    }
    audio.push(readAudio(session, media, line, index, address));
  });
  return { lines, audio, noAudio };
}

function ipv4Of(connection: ParsedConnection | undefined): string | null {
  const ip = connection?.ip;
  if (typeof ip !== 'string' || connection?.version !== 4 || !isIPv4(ip)) return null;
  const first = Number(ip.slice(0, ip.indexOf('.')));
  return first >= 224 ? null : ip;
}

function readAudio(
  session: ParsedSession,
  media: ParsedMedia,
  line: MediaLine,
  index: number,
  address: string,
): RemoteAudio {
  const rtcpMux = media.rtcpMux !== undefined;
  return {
    index,
    protocol: line.protocol,
    rtp: { address, port: line.port },
    rtcp: rtcpMux ? { address, port: line.port } : rtcpAddress(media, address, line.port),
    heldByAddress: address === '0.0.0.0',
    direction: directionOf(media.direction) ?? directionOf(session.direction) ?? 'sendrecv',
    ...readFormats(media, line),
    rtcpMux,
  };
}

/** RFC 3605: a=rtcp names another port, perhaps another address. */
function rtcpAddress(media: ParsedMedia, address: string, rtpPort: number): MediaAddress {
  const port = media.rtcp?.port;
  const named = media.rtcp?.address;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return { address, port: Math.min(rtpPort + 1, 65_535) };
  }
  return { address: typeof named === 'string' && isIPv4(named) ? named : address, port };
}

function directionOf(value: string | undefined): MediaDirection | null {
  return value === 'sendrecv' || value === 'sendonly' || value === 'recvonly' || value === 'inactive'
    ? value
    : null;
}

function readFormats(media: ParsedMedia, line: MediaLine): Pick<RemoteAudio, 'codecs' | 'eventPayloadType'> {
  const codecs: { payloadType: number; codec: CodecName }[] = [];
  let eventPayloadType: number | null = null;
  const seen = new Set<number>();
  for (const format of line.formats.split(/\s+/)) {
    const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : -1;
    if (payloadType < 0 || payloadType > 127 || seen.has(payloadType)) continue;
    seen.add(payloadType);
    const map = media.rtp.find((candidate) => candidate.payload === payloadType);
    if (!map) {
      const codec = STATIC_CODECS.get(payloadType);
      if (codec) codecs.push({ payloadType, codec });
      continue;
    }
    const name = String(map.codec).toUpperCase();
    if ((map.rate ?? CLOCK_RATE) !== CLOCK_RATE) continue;
    if ((name === 'PCMU' || name === 'PCMA') && Number(map.encoding ?? 1) === 1) {
      codecs.push({ payloadType, codec: name });
    } else if (name === 'TELEPHONE-EVENT') {
      eventPayloadType ??= payloadType;
    }
  }
  return { codecs, eventPayloadType };
}
