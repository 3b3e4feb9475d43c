import { CODECS } from '../sdp/codecs.js';
import type { StreamSettings } from '../worker-messages.js';

const EVENT_PAYLOAD_TYPE = 101;

/**
 * The silent partner of a leg that is joined to nobody: rtpengine knows streams in pairs only. The port is that of
 * RFC 863, which throws away what it gets; nothing is sent there, because a leg without a partner is blocked.
 */
export const HUB_SDP = sdp(1, '127.0.0.1', 9, '8 0 101', [
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:0 PCMU/8000',
  `a=rtpmap:${EVENT_PAYLOAD_TYPE} telephone-event/8000`,
  'a=sendrecv',
]);

/** The peer's side of an agreed stream, as rtpengine is told it. `version` rises with each exchange. */
export function peerSdp(settings: StreamSettings, version: number): string {
  const { remoteRtp, sendCodec, sendPayloadType, sendEventPayloadType, peerCodec } = settings;
  const audio = [{ payloadType: sendPayloadType, codec: sendCodec }, ...settings.passThrough];
  audio.sort((one, other) => Number(other.codec === peerCodec) - Number(one.codec === peerCodec));
  const formats = audio.map(({ payloadType }) => payloadType);
  const lines = audio.map(({ payloadType, codec }) => {
    const { encoding, clockRate, channels } = CODECS[codec];
    return `a=rtpmap:${payloadType} ${encoding}/${clockRate}${channels > 1 ? `/${channels}` : ''}`;
  });
  if (sendEventPayloadType !== null) {
    formats.push(sendEventPayloadType);
    lines.push(`a=rtpmap:${sendEventPayloadType} telephone-event/8000`);
  }
  if (settings.rtcpMux) lines.push('a=rtcp-mux');
  lines.push('a=ptime:20', `a=${peerDirection(settings)}`);
  return sdp(version, remoteRtp?.address ?? '0.0.0.0', remoteRtp?.port ?? 9, formats.join(' '), lines);
}

function peerDirection({ maySend, mayReceive }: StreamSettings): string {
  if (maySend) return mayReceive ? 'sendrecv' : 'recvonly';
  return mayReceive ? 'sendonly' : 'inactive';
}

function sdp(version: number, address: string, port: number, formats: string, lines: string[]): string {
  const family = address.includes(':') ? 'IP6' : 'IP4';
  return [
    'v=0',
    `o=relevo 1 ${version} IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats}`,
    ...lines,
    '',
  ].join('\r\n');
}

/** Where rtpengine takes the peer's RTP, read from the description that it hands back; null where it has none. */
export function localAddress(
  description: unknown,
): { readonly address: string; readonly port: number } | null {
  if (typeof description !== 'string') return null;
  const address = /^c=IN IP[46] ([0-9A-Fa-f:.]+)/m.exec(description)?.[1];
  const port = Number(/^m=audio (\d+) /m.exec(description)?.[1] ?? 0);
  return address && port > 0 ? { address, port } : null;
}
