import { masterBytes, SRTP_SUITES, type SrtpSuite } from '../../../../src/rtp/srtp/suites.js';

export type Format = 'PCMA' | 'PCMU' | 'G722' | 'opus';
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** What a party can do, and how it has its digits. */
export interface Traits {
  /** In its order of preference. */
  readonly formats: readonly Format[];
  readonly digits: 'event' | 'info' | 'tones';
  readonly srtp: SrtpSuite | null;
  readonly mux: boolean;
  readonly family: 4 | 6;
}

/** A session description of the node, as a party needs it. */
export interface Remote {
  readonly address: string;
  readonly port: number;
  readonly rtcpPort: number;
  /** Payload types in the node's order. */
  readonly formats: readonly { readonly format: Format; readonly type: number }[];
  /** The payload type of telephone-event by clock rate. */
  readonly events: ReadonlyMap<number, number>;
  readonly crypto: readonly { readonly tag: number; readonly suite: SrtpSuite; readonly key: Buffer }[];
  readonly mux: boolean;
  readonly direction: Direction;
}

/** What stands in a description of ours besides its traits. */
export interface Place {
  readonly port: number;
  readonly rtcpPort: number;
  readonly version: number;
  readonly direction: Direction;
  readonly key: Buffer | null;
}

const OFFERED: Readonly<Record<Format, number>> = { PCMA: 8, PCMU: 0, G722: 9, opus: 107 };
const RTPMAP: Readonly<Record<Format, string>> = {
  PCMA: 'PCMA/8000',
  PCMU: 'PCMU/8000',
  G722: 'G722/8000',
  opus: 'opus/48000/2',
};
const EVENT_TYPE = 101;
const WIDE_EVENT_TYPE = 102;

export const rateOf = (format: Format): number => (format === 'opus' ? 48_000 : 8000);

/** Reads what the node wrote; null where there is no audio in it. */
export function readRemote(sdp: string): Remote | null {
  const media = /m=audio (\d+) (\S+) ([\d ]+)/.exec(sdp);
  const port = Number(media?.[1] ?? 0);
  if (!media || port === 0) return null;
  const maps = new Map<number, string>([
    [0, 'PCMU/8000'],
    [8, 'PCMA/8000'],
    [9, 'G722/8000'],
  ]);
  for (const [, type, map] of sdp.matchAll(/a=rtpmap:(\d+) (\S+)/g)) maps.set(Number(type), map!);
  const types = media[3]!.trim().split(' ').map(Number);
  const events = new Map<number, number>();
  for (const type of types) {
    const rate = /^telephone-event\/(\d+)/.exec(maps.get(type) ?? '')?.[1];
    if (rate !== undefined) events.set(Number(rate), type);
  }
  return {
    address: /c=IN IP[46] (\S+)/.exec(sdp)?.[1] ?? '',
    port,
    rtcpPort: Number(/a=rtcp:(\d+)/.exec(sdp)?.[1] ?? port + 1),
    formats: types.flatMap((type) => {
      const format = (Object.keys(RTPMAP) as Format[]).find((name) => maps.get(type)?.startsWith(`${name}/`));
      return format ? [{ format, type }] : [];
    }),
    events,
    crypto: [...sdp.matchAll(/a=crypto:(\d+) (\S+) inline:([A-Za-z0-9+/=]+)/g)].flatMap(
      ([, tag, suite, key]) => {
        if (!Object.hasOwn(SRTP_SUITES, suite!)) return [];
        return [{ tag: Number(tag), suite: suite as SrtpSuite, key: Buffer.from(key!, 'base64') }];
      },
    ),
    mux: /a=rtcp-mux/.test(sdp),
    direction: (/a=(sendrecv|sendonly|recvonly|inactive)/.exec(sdp)?.[1] ?? 'sendrecv') as Direction,
  };
}

/** The payload types of an offer of ours. */
export function offeredTypes(traits: Traits): ReadonlyMap<number, Format | 'event' | 'wideEvent'> {
  const types = new Map<number, Format | 'event' | 'wideEvent'>();
  for (const format of traits.formats) types.set(OFFERED[format], format);
  for (const [rate, type] of eventTypes(traits)) types.set(type, rate === 8000 ? 'event' : 'wideEvent');
  return types;
}

function eventTypes(traits: Traits): ReadonlyMap<number, number> {
  const events = new Map<number, number>();
  if (traits.digits === 'info') return events;
  events.set(8000, EVENT_TYPE);
  if (traits.formats.includes('opus')) events.set(48_000, WIDE_EVENT_TYPE);
  return events;
}

/** An offer of everything that the party can. */
export function offerOf(traits: Traits, place: Place): string {
  const types = traits.formats.map((format) => ({ format, type: OFFERED[format] }));
  const events = eventTypes(traits);
  const crypto = traits.srtp && place.key ? { tag: 1, suite: traits.srtp, key: place.key } : null;
  return write(traits, place, { types, events, crypto, mux: traits.mux });
}

/** An answer with the payload types of the offer; null where nothing fits. */
export function answerOf(traits: Traits, place: Place, offer: Remote): string | null {
  const types = traits.formats.flatMap((format) => offer.formats.filter((one) => one.format === format));
  if (types.length === 0) return null;
  const chosen = offer.crypto.find(({ suite }) => suite === traits.srtp);
  if (traits.srtp && !chosen) return null;
  return write(traits, place, {
    types,
    events: traits.digits === 'info' ? new Map() : offer.events,
    crypto: chosen && place.key ? { ...chosen, key: place.key } : null,
    mux: traits.mux && offer.mux,
  });
}

export const keyBytes = (suite: SrtpSuite): number => masterBytes(suite);

function write(
  { family }: Traits,
  place: Place,
  {
    types,
    events,
    crypto,
    mux,
  }: {
    readonly types: readonly { readonly format: Format; readonly type: number }[];
    readonly events: ReadonlyMap<number, number>;
    readonly crypto: { readonly tag: number; readonly suite: SrtpSuite; readonly key: Buffer } | null;
    readonly mux: boolean;
  },
): string {
  const where = family === 6 ? 'IN IP6 ::1' : 'IN IP4 127.0.0.1';
  const all = [...types.map(({ type }) => type), ...events.values()];
  return [
    'v=0',
    `o=soak 1 ${place.version} ${where}`,
    's=-',
    `c=${where}`,
    't=0 0',
    `m=audio ${place.port} RTP/${crypto ? 'S' : ''}AVP ${all.join(' ')}`,
    ...types.map(({ format, type }) => `a=rtpmap:${type} ${RTPMAP[format]}`),
    ...[...events].map(([rate, type]) => `a=rtpmap:${type} telephone-event/${rate}`),
    ...(crypto ? [`a=crypto:${crypto.tag} ${crypto.suite} inline:${crypto.key.toString('base64')}`] : []),
    ...(mux ? ['a=rtcp-mux'] : [`a=rtcp:${place.rtcpPort}`]),
    'a=ptime:20',
    `a=${place.direction}`,
    '',
  ].join('\r\n');
}
