import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';
import { DEFAULTS } from '../defaults.js';
import { sipUriFault } from './sip-uri.js';

/** Begins the message of what the design has and this version has not. */
export const UNSUPPORTED = 'not supported by this version';
/** Separates the list of known keys in the message of an unknown key. */
export const KNOWN_KEYS = 'one of the keys ';

/** In these schemas the message of an issue says what was expected; what was found is read from the file. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${KNOWN_KEYS}${Object.keys(shape).join(', ')}`
        : 'a mapping of keys to values',
  });
}

export function list<Item extends z.ZodType>(item: Item, what: string, min = 0) {
  const error = `a list of ${what}${min > 0 ? `, at least ${min}` : ''}`;
  return z.array(item, { error }).min(min, { error });
}

/** One of the supported words; `later` are words of the design that this version refuses by name. */
export function oneOf<const Word extends string>(words: readonly Word[], later: readonly string[] = []) {
  const choice = words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)!}`;
  return z.enum(words, {
    error: (issue) =>
      typeof issue.input === 'string' && later.includes(issue.input)
        ? `${UNSUPPORTED}; use ${choice}`
        : choice,
  });
}

export function text(what: string, max = 512) {
  const error = `${what}, up to ${max} characters`;
  return z.string({ error: what }).min(1, { error: what }).max(max, { error });
}

export function matching(pattern: RegExp, what: string) {
  return z.string({ error: what }).regex(pattern, { error: what });
}

export function integer(min: number, max: number, what = 'a whole number') {
  const error = `${what} from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

export function fraction(min: number, max: number) {
  const error = `a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

export const flag = () => z.boolean({ error: 'true or false' });
export const port = () => integer(1, 65_535, 'a port');
/** A port, or 0 for a free one. */
export const portOrFree = () => integer(0, 65_535, 'a port (0 takes a free one)');

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** Milliseconds of a duration such as `1.5s`; NaN for what is none. */
export function durationMs(written: string): number {
  const parts = DURATION.exec(written);
  return parts ? Math.round(Number(parts[1]) * UNIT_MS[parts[2]!]!) : Number.NaN;
}

/** A duration with its unit, as milliseconds, within the range `min` to `max` (written alike). */
export function duration(min: string, max: string) {
  const error = `a duration with its unit, from ${min} to ${max}, such as 500ms, 30s or 2m`;
  return matching(DURATION, error)
    .transform(durationMs)
    .refine((ms) => ms >= durationMs(min) && ms <= durationMs(max), { error });
}

const SIZE_UNITS: Readonly<Record<string, number>> = { KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** A size such as `10GB`, as bytes. */
export function byteSize() {
  return matching(/^[1-9]\d{0,6}(?:KB|MB|GB|TB)$/, 'a size with its unit, such as 500MB or 10GB').transform(
    (written) => parseInt(written, 10) * SIZE_UNITS[written.slice(-2)]!,
  );
}

/** As `duration`, or 0 (or `off`) to switch the thing off. */
export function durationOrOff(min: string, max: string) {
  const error = `0, or a duration with its unit, from ${min} to ${max}, such as 500ms, 30s or 2m`;
  return z.union([z.literal(0), z.literal('off').transform(() => 0), duration(min, max)], { error });
}

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = `(?:${OCTET}\\.){3}${OCTET}`;
const IPV6 = 'an IPv6 address in quotes, without brackets, such as "2001:db8::10"';
export const ipv4 = () => matching(new RegExp(`^${IPV4}$`), 'an IPv4 address, such as 203.0.113.10');
export const ipv6 = () => z.string({ error: IPV6 }).refine((written) => isIPv6(written), { error: IPV6 });
export function ipAddress() {
  const error = 'an IPv4 or IPv6 address without brackets, such as 203.0.113.10 or 2001:db8::10';
  return z.string({ error }).refine((value) => isIP(value) !== 0, { error });
}
export function addressOrName() {
  const error = 'an IPv4 or IPv6 address without brackets, or a host name, such as sip.example.net';
  return z.string({ error }).refine((value) => isIP(value) !== 0 || HOST_NAME.test(value), { error });
}
export function cidr() {
  const error = 'an IPv4 or IPv6 block, such as 198.51.100.0/24 or 2001:db8::/32';
  return z.string({ error }).refine(isBlock, { error });
}

/** Digits and dots alone are an address that went wrong. */
const HOST_NAME = /^(?![\d.]+$)[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;

function isBlock(value: string): boolean {
  const [address = '', prefix, ...more] = value.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}
export const hostName = () =>
  matching(/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/, 'a host name or an IPv4 address');

/** A SIP or SIPS URI (RFC 3261 19.1). */
export function sipUri() {
  const what = 'a SIP URI, such as sip:bot@10.0.0.5:5070';
  return z
    .string({ error: what })
    .superRefine((value, context) => {
      const fault = sipUriFault(value);
      if (fault) context.addIssue({ code: 'custom', message: fault.unsupported ? fault.message : what });
    })
    .meta({ examples: ['sip:bot@10.0.0.5:5070;transport=udp'] });
}

/** Headers that the stack itself writes: no configuration may set them. */
const OWN_HEADERS = new Set(
  (
    'via from to call-id cseq contact max-forwards route record-route content-length content-type ' +
    'content-encoding require supported allow replaces refer-to referred-by authorization proxy-authorization ' +
    'v f t i m l c e k r b'
  ).split(' '),
);

export function headerName() {
  const what = 'the name of a SIP header that the SIP stack does not write itself, such as X-Reason';
  return matching(/^[A-Za-z0-9.!%*_+`'~-]{1,64}$/, what).refine(
    (name) => !OWN_HEADERS.has(name.toLowerCase()),
    {
      error: what,
    },
  );
}

export function headers() {
  return z.record(headerName(), matching(/^[^\r\n]{0,1024}$/, 'one line of text, up to 1024 characters'), {
    error: 'a mapping of header names to values',
  });
}

/** Digits that DTMF can send (RFC 4733). */
export function digits(max: number) {
  return matching(
    new RegExp(`^[0-9*#A-D]{1,${max}}$`),
    max === 1 ? 'one DTMF digit (0-9, *, #, A-D)' : `1 to ${max} DTMF digits (0-9, *, #, A-D)`,
  );
}

/** A name in `trunks`, `bots`, `destinations` or `projects`. A letter first keeps the order of the file. */
export function name() {
  const error = 'a name: a letter, then up to 63 letters, digits, `-`, `_` or `.`';
  return matching(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, error).refine((value) => !(value in {}), { error });
}

/** A reference to a name elsewhere in the file. */
export const reference = (what: string) => text(`the name of a ${what}`, 64);

export function named<Entry extends z.ZodType>(entry: Entry, what: string) {
  return z.record(name(), entry, { error: `a mapping of names to ${what}` });
}

/** User-to-User (RFC 7433), of a project or of one destination. */
export function uui() {
  return section({
    content: text('the template of the content', 1024),
    encoding: oneOf(['hex', 'text']).default(DEFAULTS.transfer.uuiEncoding),
    purpose: matching(/^[A-Za-z0-9._-]{1,64}$/, 'a purpose, such as isdn-uui').optional(),
    protocol_discriminator: matching(
      /^[0-9A-Fa-f]{2}$/,
      'two hexadecimal digits in quotes, such as "04"',
    ).optional(),
    max_length: integer(2, 1024, 'octets').default(DEFAULTS.transfer.uuiMaxLength),
    place: oneOf(['header', 'refer-to', 'both']).default(DEFAULTS.transfer.uuiPlace),
  });
}
export type UuiInput = z.output<ReturnType<typeof uui>>;
