import { isIPv6 } from 'node:net';
import type { MediaDirection } from '../../call/media-port.js';
import type { CodecName, DtmfKind } from '../../call/project.js';
import { CODECS } from './codecs.js';
import { isG711, meaningsOf, type Format, type LocalAudio } from './local-audio.js';
import type { RemoteAudio } from './remote-description.js';

const NARROW = 8000;
const MAX_PARAMETERS = 200;

/** What is known of one of two parties that are to send to each other. */
export interface DirectSide {
  /** Its last description; null before the first. */
  readonly remote: RemoteAudio | null;
  /** As agreed with it, from our side. */
  readonly direction: MediaDirection;
  readonly encrypted: boolean;
  /** What its trunk allows. */
  readonly codecs: readonly CodecName[];
  readonly dtmf: DtmfKind;
  /** What each payload type has meant towards it so far (RFC 3264 8.3.2). */
  readonly meanings: ReadonlyMap<number, string>;
}

/** Why two parties cannot send to each other. */
export type DirectRefusal = 'hold' | 'srtp' | 'ip_version' | 'codecs' | 'dtmf' | 'payload_types';

/** An audio line of ours that says where another party is, under that party's own payload types. */
export interface DirectAudio {
  readonly local: LocalAudio;
  /** Whose it is. */
  readonly party: RemoteAudio;
}

export type DirectResult =
  { readonly ok: true; readonly audio: DirectAudio } | { readonly ok: false; readonly why: DirectRefusal };

/**
 * What `own` is told so that it sends to `peer` and not to us: where that one is, with the codecs that both described
 * and that both trunks allow. One of them is G.711, so that this node can take the audio back at any time.
 */
export function directAudio(own: DirectSide, peer: DirectSide): DirectResult {
  const [mine, theirs] = [own.remote, peer.remote];
  if (!mine || !theirs || held(own, mine) || held(peer, theirs)) return { ok: false, why: 'hold' };
  if (own.encrypted || peer.encrypted || mine.secure || theirs.secure) return { ok: false, why: 'srtp' };
  if (isIPv6(mine.rtp.address) !== isIPv6(theirs.rtp.address)) return { ok: false, why: 'ip_version' };
  const codecs = theirs.codecs.filter(
    ({ codec }) =>
      own.codecs.includes(codec) &&
      peer.codecs.includes(codec) &&
      mine.codecs.some((other) => other.codec === codec),
  );
  if (!codecs.some(({ codec }) => isG711(codec))) return { ok: false, why: 'codecs' };
  const kind = digitsOf(own, mine);
  if (kind === null || kind !== digitsOf(peer, theirs)) return { ok: false, why: 'dtmf' };
  const events = kind === 'rfc4733' ? commonEvents(codecs, mine, theirs) : new Map<number, number>();
  if (kind === 'rfc4733' && !events.has(NARROW)) return { ok: false, why: 'dtmf' };
  const local: LocalAudio = { codecs, events, direction: 'sendrecv', rtcpMux: theirs.rtcpMux };
  const strange = meaningsOf(local).some(
    ([type, meaning]) => (own.meanings.get(type) ?? meaning) !== meaning,
  );
  if (strange) return { ok: false, why: 'payload_types' };
  return { ok: true, audio: { local, party: theirs } };
}

/** What was `told` to a party, which then described itself as `own`, is still all that it has to know. */
export function isCovered(told: DirectAudio, own: RemoteAudio, now: DirectAudio): boolean {
  if (!samePlace(told.party, now.party)) return false;
  const { codecs, events } = now.local;
  // RFC 3264 6.1: of what it was told, it sends only what it named in its answer.
  for (const { codec, payloadType } of told.local.codecs) {
    if (typeOf(own.codecs, codec) !== undefined && typeOf(codecs, codec) !== payloadType) return false;
  }
  return [...told.local.events].every(
    ([rate, payloadType]) => !own.events.has(rate) || events.get(rate) === payloadType,
  );
}

/** The peer, told of another party as `told`, offers nothing but what it had described before (a session refresh). */
export function restates(before: RemoteAudio, now: RemoteAudio, told: LocalAudio): boolean {
  if (!samePlace(before, now) || now.secure || now.heldByAddress || now.direction !== 'sendrecv')
    return false;
  for (const { codec } of told.codecs)
    if (typeOf(before.codecs, codec) !== typeOf(now.codecs, codec)) return false;
  return [...told.events.keys()].every((rate) => before.events.get(rate) === now.events.get(rate));
}

/** `local` as an answer to `remote`, which may have fewer formats. */
export function within(local: LocalAudio, remote: RemoteAudio): LocalAudio {
  return {
    ...local,
    codecs: local.codecs.filter(({ codec }) => remote.codecs.some((other) => other.codec === codec)),
    events: new Map([...local.events].filter(([rate]) => remote.events.has(rate))),
    rtcpMux: local.rtcpMux && remote.rtcpMux,
  };
}

/** The lines from m= on. */
export function directLines({ local, party }: DirectAudio, protocol: string): string[] {
  const formats = [...local.codecs.map(({ payloadType }) => payloadType), ...local.events.values()];
  const lines = [`m=audio ${party.rtp.port} ${protocol} ${formats.join(' ')}`];
  if (!party.rtcpWanted) lines.push('b=RS:0', 'b=RR:0');
  for (const { payloadType, codec } of local.codecs) {
    const { encoding, clockRate, channels } = CODECS[codec];
    lines.push(`a=rtpmap:${payloadType} ${encoding}/${clockRate}${channels > 1 ? `/${channels}` : ''}`);
    const parameters = parametersOf(party, payloadType);
    if (parameters !== null) lines.push(`a=fmtp:${payloadType} ${parameters}`);
  }
  for (const [rate, payloadType] of local.events) {
    lines.push(`a=rtpmap:${payloadType} telephone-event/${rate}`);
    lines.push(`a=fmtp:${payloadType} ${parametersOf(party, payloadType) ?? '0-15'}`);
  }
  if (party.packetMs !== null) lines.push(`a=ptime:${party.packetMs}`);
  if (party.maxPacketMs !== null) lines.push(`a=maxptime:${party.maxPacketMs}`);
  if (local.rtcpMux) lines.push('a=rtcp-mux');
  const { rtp, rtcp } = party;
  if (!party.rtcpMux && (rtcp.port !== rtp.port + 1 || rtcp.address !== rtp.address)) {
    const type = isIPv6(rtcp.address) ? 'IP6' : 'IP4';
    lines.push(`a=rtcp:${rtcp.port} IN ${type} ${rtcp.address}`);
  }
  lines.push(`a=${local.direction}`);
  return lines;
}

function held(side: DirectSide, remote: RemoteAudio): boolean {
  return side.direction !== 'sendrecv' || remote.heldByAddress;
}

/** How digits go between the party and us; null where they cannot go to it. */
function digitsOf({ dtmf }: DirectSide, { events }: RemoteAudio): DtmfKind | null {
  const told = events.has(NARROW);
  if (dtmf === 'auto') return told ? 'rfc4733' : 'info';
  return dtmf === 'rfc4733' && !told ? null : dtmf;
}

function commonEvents(
  codecs: readonly Format[],
  mine: RemoteAudio,
  theirs: RemoteAudio,
): Map<number, number> {
  const rates = new Set(codecs.map(({ codec }) => CODECS[codec].clockRate));
  return new Map([...theirs.events].filter(([rate]) => rates.has(rate) && mine.events.has(rate)));
}

function samePlace(one: RemoteAudio, other: RemoteAudio): boolean {
  return (
    one.rtp.address === other.rtp.address &&
    one.rtp.port === other.rtp.port &&
    one.rtcp.address === other.rtcp.address &&
    one.rtcp.port === other.rtcp.port &&
    one.rtcpMux === other.rtcpMux &&
    one.rtcpWanted === other.rtcpWanted
  );
}

function typeOf(formats: readonly Format[], codec: CodecName): number | undefined {
  return formats.find((format) => format.codec === codec)?.payloadType;
}

/** Of a peer that may write anything: only what can stand in a line of ours. */
function parametersOf({ parameters }: RemoteAudio, payloadType: number): string | null {
  const found = parameters.get(payloadType);
  return found !== undefined && found.length <= MAX_PARAMETERS && /^[\x20-\x7e]+$/.test(found) ? found : null;
}
