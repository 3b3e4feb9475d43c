import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { parse, type ParsedConnection, type ParsedMedia, type ParsedSession } from 'sdp-transform';
import type { MediaDirection } from '../../call/media-port.js';
import type { CodecName } from '../../call/project.js';
import type { MediaAddress } from '../worker-messages.js';
import { codecOfMap, formatName, staticCodec } from './codecs.js';
import { readCryptos, type CryptoAttribute } from './crypto-attribute.js';
import { readDtls, type RemoteDtls } from './dtls-attributes.js';

const MAX_SDP_BYTES = 65_536;
/** Of an a=rtpmap that is cut short. */
const DEFAULT_RATE = 8000;
const PLAIN_RTP = new Set(['RTP/AVP', 'RTP/AVPF']);
const DTLS_RTP = new Set(['UDP/TLS/RTP/SAVP', 'UDP/TLS/RTP/SAVPF']);
const SECURE_RTP = new Set(['RTP/SAVP', 'RTP/SAVPF', ...DTLS_RTP]);

/** Why a session description cannot be used, with the SIP status that says so. */
export interface SdpFailure {
  readonly status: 400 | 488;
  readonly code:
    'sdp_malformed' | 'sdp_no_audio' | 'sdp_no_common_codec' | 'sdp_address' | 'sdp_answer' | 'sdp_no_srtp';
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
  /** The profile is one of SRTP. */
  readonly secure: boolean;
  /** Those that can be used, in the peer's order; they may stand beside plain RTP as well. */
  readonly cryptos: readonly CryptoAttribute[];
  /** How many a=crypto there are, also of those that cannot. */
  readonly cryptosWritten: number;
  /** What it says of DTLS-SRTP; null where it offers none. */
  readonly dtls: RemoteDtls | null;
  readonly rtp: MediaAddress;
  readonly rtcp: MediaAddress;
  /** The old form of hold: c=0.0.0.0 (RFC 3264 8.4). */
  readonly heldByAddress: boolean;
  /** As the peer wrote it, from its side. */
  readonly direction: MediaDirection;
  /** The formats that are known here, in the peer's order. */
  readonly codecs: readonly { readonly payloadType: number; readonly codec: CodecName }[];
  /** telephone-event (RFC 4733) by clock rate. */
  readonly events: ReadonlyMap<number, number>;
  /** What each payload type stands for, also those that are not known here; names as `formatName` writes them. */
  readonly meanings: ReadonlyMap<number, string>;
  readonly rtcpMux: boolean;
  /** False where the peer has set its RTCP bandwidth to nothing (RFC 3556). */
  readonly rtcpWanted: boolean;
  /** The longest packet that the peer takes (a=maxptime); null where it does not say. */
  readonly maxPacketMs: number | null;
}

/** A peer's session description, read. */
export interface RemoteDescription {
  readonly lines: readonly MediaLine[];
  /** The value of its t= line, which an answer repeats (RFC 3264 6). */
  readonly timing: string;
  /** Audio streams over RTP or SRTP, in order. */
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
  return { ok: true, value: pickAudio(sdp, session, lines) };
}

function readMediaLine(raw: string): MediaLine | null {
  const match = /^m=([\w.-]+) (\d{1,5})(?:\/\d+)? ([\w/.-]+) ([^\s](?:.*\S)?)\s*$/.exec(raw);
  if (!match) return null;
  const port = Number(match[2]);
  if (port > 65_535) return null;
  return { type: match[1]!, port, protocol: match[3]!, formats: match[4]! };
}

/** The first t= line where it is well formed; without one, the session has no bounds. */
function timingOf(sdp: string): string {
  return /^t=(\d{1,20} \d{1,20})\s*$/m.exec(sdp)?.[1] ?? '0 0';
}

function pickAudio(sdp: string, session: ParsedSession, lines: readonly MediaLine[]): RemoteDescription {
  const audio: RemoteAudio[] = [];
  let noAudio: SdpFailure = { status: 488, code: 'sdp_no_audio', detail: 'no audio stream is offered' };
  lines.forEach((line, index) => {
    if (line.type !== 'audio' || line.port === 0) return;
    if (!PLAIN_RTP.has(line.protocol) && !SECURE_RTP.has(line.protocol)) {
      noAudio = { status: 488, code: 'sdp_no_audio', detail: `audio over ${line.protocol} is not supported` };
      return;
    }
    const media = session.media[index]!;
    const address = unicastOf(media.connection ?? session.connection);
    if (address === null) {
      noAudio = { status: 488, code: 'sdp_address', detail: 'the connection address is no unicast address' };
      return;
    }
    audio.push({ ...readAudio(session, media, line, index, address), dtls: readDtls(sdp, index) });
  });
  return { lines, timing: timingOf(sdp), audio, noAudio };
}

function unicastOf(connection: ParsedConnection | undefined): string | null {
  const ip = connection?.ip;
  if (typeof ip !== 'string') return null;
  if (connection?.version === 6) return isIPv6(ip) && !/^ff/i.test(ip) ? canonical(ip) : null;
  if (connection?.version !== 4 || !isIPv4(ip)) return null;
  const first = Number(ip.slice(0, ip.indexOf('.')));
  return first >= 224 ? null : ip;
}

/** An IPv6 address as the system writes it, so that the source of a packet can be compared. */
function canonical(ip: string): string {
  return new SocketAddress({ address: ip, family: 'ipv6' }).address;
}

function readAudio(
  session: ParsedSession,
  media: ParsedMedia,
  line: MediaLine,
  index: number,
  address: string,
): Omit<RemoteAudio, 'dtls'> {
  const rtcpMux = media.rtcpMux !== undefined;
  return {
    index,
    protocol: line.protocol,
    secure: SECURE_RTP.has(line.protocol),
    // RFC 5764 8: under these profiles keys come from DTLS alone.
    cryptos: DTLS_RTP.has(line.protocol) ? [] : readCryptos(media.crypto),
    cryptosWritten: media.crypto?.length ?? 0,
    rtp: { address, port: line.port },
    rtcp: rtcpMux ? { address, port: line.port } : rtcpAddress(media, address, line.port),
    heldByAddress: address === '0.0.0.0' || address === '::',
    direction: directionOf(media.direction) ?? directionOf(session.direction) ?? 'sendrecv',
    ...readFormats(media, line),
    rtcpMux,
    rtcpWanted: !(bandwidthOf(media, 'RR') === 0 && bandwidthOf(media, 'RS') === 0),
    maxPacketMs: typeof media.maxptime === 'number' && media.maxptime > 0 ? media.maxptime : null,
  };
}

/** RFC 3605: a=rtcp names another port, perhaps another address. */
function rtcpAddress(media: ParsedMedia, address: string, rtpPort: number): MediaAddress {
  const port = media.rtcp?.port;
  const named = media.rtcp?.address;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return { address, port: Math.min(rtpPort + 1, 65_535) };
  }
  if (typeof named !== 'string' || isIPv6(named) !== isIPv6(address)) return { address, port };
  if (isIPv6(named)) return { address: canonical(named), port };
  return { address: isIPv4(named) ? named : address, port };
}

function directionOf(value: string | undefined): MediaDirection | null {
  return value === 'sendrecv' || value === 'sendonly' || value === 'recvonly' || value === 'inactive'
    ? value
    : null;
}

function bandwidthOf(media: ParsedMedia, type: string): number | null {
  const line = media.bandwidth?.find((candidate) => candidate.type === type);
  return line === undefined ? null : Number(line.limit);
}

function readFormats(
  media: ParsedMedia,
  line: MediaLine,
): Pick<RemoteAudio, 'codecs' | 'events' | 'meanings'> {
  const codecs: { payloadType: number; codec: CodecName }[] = [];
  const events = new Map<number, number>();
  const meanings = new Map<number, string>();
  const seen = new Set<number>();
  for (const format of line.formats.split(/\s+/)) {
    const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : -1;
    if (payloadType < 0 || payloadType > 127 || seen.has(payloadType)) continue;
    seen.add(payloadType);
    const map = media.rtp.find((candidate) => candidate.payload === payloadType);
    const rate = map?.rate ?? DEFAULT_RATE;
    const name = map ? String(map.codec) : '';
    const channels = Number(map?.encoding ?? 1);
    if (map) meanings.set(payloadType, formatName(name, rate, channels));
    if (name.toUpperCase() === 'TELEPHONE-EVENT') {
      if (!events.has(rate)) events.set(rate, payloadType);
      continue;
    }
    const codec = map ? codecOfMap(name, rate, channels) : staticCodec(payloadType);
    if (codec) codecs.push({ payloadType, codec });
  }
  return { codecs, events, meanings };
}
