import { CODECS } from '../sdp/codecs.js';
import { checkedFingerprint } from '../sdp/dtls-attributes.js';
import type { SrtpSettings, StreamSettings } from '../worker-messages.js';
import type { NgDictionary } from './ng-client.js';

const EVENT_PAYLOAD_TYPE = 101;
/** rtpengine keeps a key of ours for a tag only as long as the peer is said to answer with the same number. */
const CRYPTO_TAG = 1;

type Profile = 'RTP/AVP' | 'RTP/SAVP' | 'UDP/TLS/RTP/SAVP';

/**
 * The silent partner of a leg that is joined to nobody: rtpengine knows streams in pairs only. The port is that of
 * RFC 863, which throws away what it gets; nothing is sent there, because a leg without a partner is blocked.
 */
export const HUB_SDP = hubSdp([]);

/** The hub's offer which has rtpengine encrypt what it sends to the leg with a key of ours: it takes over what is offered. */
export function keyingSdp({ suite, sendKey }: SrtpSettings): string {
  return hubSdp([crypto(suite, sendKey)]);
}

function hubSdp(keyLines: readonly string[]): string {
  return sdp(1, '127.0.0.1', 9, keyLines.length > 0 ? 'RTP/SAVP' : 'RTP/AVP', '8 0 101', [
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:0 PCMU/8000',
    `a=rtpmap:${EVENT_PAYLOAD_TYPE} telephone-event/8000`,
    ...keyLines,
    'a=sendrecv',
  ]);
}

/** Which profile the agreed stream has at rtpengine; what the peer calls it does not matter. */
export function profileOf({ srtp, dtls }: Pick<StreamSettings, 'srtp' | 'dtls'>): Profile {
  if (dtls) return 'UDP/TLS/RTP/SAVP';
  return srtp ? 'RTP/SAVP' : 'RTP/AVP';
}

/** What rtpengine is to speak with the side that an offer is for. */
export function transportFor(profile: Profile): NgDictionary {
  const transport = { 'transport-protocol': profile };
  if (profile === 'RTP/SAVP') return { ...transport, DTLS: 'off' };
  return profile === 'RTP/AVP' ? transport : { ...transport, SDES: ['off'] };
}

/**
 * The peer's side of an agreed stream, as rtpengine is told it. `version` rises with each exchange. Without its SDES
 * key where that would be taken for one of ours: rtpengine hands a key that is offered on to the other side.
 */
export function peerSdp(settings: StreamSettings, version: number, withKey = true): string {
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
  const { remoteRtcp } = settings;
  if (!settings.rtcpMux && remoteRtcp && remoteRtcp.port !== (remoteRtp?.port ?? 0) + 1) {
    lines.push(`a=rtcp:${remoteRtcp.port} IN ${familyOf(remoteRtcp.address)} ${remoteRtcp.address}`);
  }
  if (settings.srtp && withKey) lines.push(crypto(settings.srtp.suite, settings.srtp.receiveKey));
  if (settings.dtls) {
    lines.push(`a=fingerprint:${settings.dtls.fingerprint}`, `a=setup:${settings.dtls.peerRole}`);
  }
  lines.push('a=ptime:20', `a=${peerDirection(settings)}`);
  const { address, port } = remoteRtp ?? { address: '0.0.0.0', port: 9 };
  return sdp(version, address, port, profileOf(settings), formats.join(' '), lines);
}

function peerDirection({ maySend, mayReceive }: StreamSettings): string {
  if (maySend) return mayReceive ? 'sendrecv' : 'recvonly';
  return mayReceive ? 'sendonly' : 'inactive';
}

function familyOf(address: string): 'IP4' | 'IP6' {
  return address.includes(':') ? 'IP6' : 'IP4';
}

function crypto(suite: string, key: string): string {
  return `a=crypto:${CRYPTO_TAG} ${suite} inline:${key}`;
}

function sdp(
  version: number,
  address: string,
  port: number,
  profile: Profile,
  formats: string,
  lines: string[],
): string {
  const family = familyOf(address);
  return [
    'v=0',
    `o=relevo 1 ${version} IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
    `m=audio ${port} ${profile} ${formats}`,
    ...lines,
    '',
  ].join('\r\n');
}

/** The certificate that rtpengine shows, from the description that it hands back; null where it has none. */
export function localFingerprint(description: unknown): string | null {
  if (typeof description !== 'string') return null;
  const value = /^a=fingerprint:(.+)$/im.exec(description)?.[1];
  return value === undefined ? null : checkedFingerprint(value);
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
