import type { G711Law } from './audio/g711.js';

/** RFC 3264 direction, from the point of view of who wrote the description. */
export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** The one audio stream of a session description. */
export interface AudioDescription {
  readonly host: string;
  /** 0 where the stream is refused. */
  readonly port: number;
  readonly direction: MediaDirection;
  /** G.711 laws in order of preference. */
  readonly codecs: readonly G711Law[];
  readonly telephoneEventType: number | null;
}

const DIRECTIONS: readonly MediaDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
const TYPE_OF: Readonly<Record<G711Law, number>> = { PCMU: 0, PCMA: 8 };

/** Writes a description with one RTP/AVP audio stream; `version` must rise with each change (RFC 3264 section 8). */
export function writeSessionDescription(
  origin: { sessionId: number; version: number },
  audio: AudioDescription,
): string {
  const types = audio.codecs.map((codec) => TYPE_OF[codec]);
  const maps = audio.codecs.map((codec) => `a=rtpmap:${TYPE_OF[codec]} ${codec}/8000`);
  if (audio.telephoneEventType !== null) {
    types.push(audio.telephoneEventType);
    maps.push(`a=rtpmap:${audio.telephoneEventType} telephone-event/8000`);
    maps.push(`a=fmtp:${audio.telephoneEventType} 0-15`);
  }
  return [
    'v=0',
    `o=demo ${origin.sessionId} ${origin.version} IN IP4 ${audio.host}`,
    's=-',
    `c=IN IP4 ${audio.host}`,
    't=0 0',
    `m=audio ${audio.port} RTP/AVP ${types.join(' ')}`,
    ...maps,
    'a=ptime:20',
    `a=${audio.direction}`,
    '',
  ].join('\r\n');
}

/** Reads the first audio stream; throws an Error where there is none. */
export function readSessionDescription(text: string): AudioDescription {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => line.startsWith('m=audio '));
  if (start < 0) throw new Error('the session description has no audio stream');
  const next = lines.findIndex((line, i) => i > start && line.startsWith('m='));
  const media = lines.slice(start, next < 0 ? undefined : next);
  const session = lines.slice(
    0,
    lines.findIndex((line) => line.startsWith('m=')),
  );
  const [port, , ...types] = lines[start]!.slice('m=audio '.length).trim().split(/\s+/);
  const host = connectionOf(media) ?? connectionOf(session);
  if (host === null) throw new Error('the session description has no connection address');
  const named = new Map(
    media.flatMap((line) => {
      const [, type, name] = /^a=rtpmap:(\d+) +([^/]+)\/8000/.exec(line) ?? [];
      return type === undefined || name === undefined ? [] : [[Number(type), name.toUpperCase()] as const];
    }),
  );
  const offered = types.map(Number);
  const telephoneEventType = offered.find((type) => named.get(type) === 'TELEPHONE-EVENT') ?? null;
  const codecs = offered.flatMap((type): G711Law[] => (type === 0 ? ['PCMU'] : type === 8 ? ['PCMA'] : []));
  const direction = directionOf(media) ?? directionOf(session) ?? 'sendrecv';
  // RFC 2543 put a stream on hold with the address 0.0.0.0 (RFC 3264 section 8.4).
  const held = host === '0.0.0.0' ? (direction === 'sendrecv' ? 'sendonly' : direction) : direction;
  return { host, port: Number(port), direction: held, codecs, telephoneEventType };
}

/** The direction of an answer: what the offer leaves, cut down to what we want (RFC 3264 section 6.1). */
export function answerDirection(offered: MediaDirection, wanted: MediaDirection): MediaDirection {
  const send = receives(offered) && sends(wanted);
  const receive = sends(offered) && receives(wanted);
  return send ? (receive ? 'sendrecv' : 'sendonly') : receive ? 'recvonly' : 'inactive';
}

export function sends(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

export function receives(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

function connectionOf(lines: readonly string[]): string | null {
  const line = lines.find((one) => one.startsWith('c='));
  return line?.trim().split(/\s+/)[2] ?? null;
}

function directionOf(lines: readonly string[]): MediaDirection | null {
  return DIRECTIONS.find((direction) => lines.some((line) => line.trim() === `a=${direction}`)) ?? null;
}
