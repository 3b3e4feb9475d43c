import { endOfQuoted, findOutside, isToken, parseDecimal } from './scan.js';

/** The first value of a Via header line (RFC 3261 20.42, RFC 3581). */
export interface Via {
  /** `UDP`, `TCP`, `TLS`, `WS`, `WSS` or whatever was written, in upper case. */
  readonly transport: string;
  /** As written, IPv6 in brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly branch: string | undefined;
  readonly received: string | undefined;
  /** `'asked'` for `;rport` without a value. */
  readonly rport: number | 'asked' | undefined;
  readonly maddr: string | undefined;
  /** `host:port` in lower case as written; part of the server transaction's key (RFC 3261 17.2.3). */
  readonly sentBy: string;
  /** Index in the line just after this value; a comma or the end of the line. */
  readonly end: number;
}

/** What a branch of RFC 3261 starts with; anything else is from an RFC 2543 element. */
export const MAGIC_COOKIE = 'z9hG4bK';

const COMMA = 44;

/** Parses the first value of a Via line; undefined when malformed. */
export function parseVia(line: string): Via | undefined {
  const end = findOutside(line, COMMA, 0);
  if (end < 0) return undefined;
  let semicolon = line.indexOf(';');
  if (semicolon < 0 || semicolon > end) semicolon = end;

  const firstSlash = line.indexOf('/');
  const secondSlash = firstSlash < 0 ? -1 : line.indexOf('/', firstSlash + 1);
  if (secondSlash < 0 || secondSlash > semicolon) return undefined;
  if (line.slice(0, firstSlash).trim().toUpperCase() !== 'SIP') return undefined;
  if (line.slice(firstSlash + 1, secondSlash).trim() !== '2.0') return undefined;
  const rest = line.slice(secondSlash + 1, semicolon).trim();
  let space = 0;
  while (space < rest.length && rest.charCodeAt(space) !== 32 && rest.charCodeAt(space) !== 9) space++;
  const transport = rest.slice(0, space).toUpperCase();
  if (!isToken(transport)) return undefined;

  const sentBy = parseSentBy(rest.slice(space).trim());
  if (!sentBy) return undefined;

  let branch: string | undefined;
  let received: string | undefined;
  let rport: number | 'asked' | undefined;
  let maddr: string | undefined;
  let at = semicolon + 1;
  while (at < end) {
    const next = nextSemicolon(line, at, end);
    const equals = line.indexOf('=', at);
    const valued = equals >= 0 && equals < next;
    const name = line.slice(at, valued ? equals : next).trim();
    const value = valued ? line.slice(equals + 1, next).trim() : undefined;
    switch (name.length) {
      case 5:
        if (name === 'rport' || name.toLowerCase() === 'rport') {
          rport = value === undefined || value === '' ? 'asked' : parseDecimal(value, 65535);
        } else if (name.toLowerCase() === 'maddr') maddr = value;
        break;
      case 6:
        if (name === 'branch' || name.toLowerCase() === 'branch') branch = value;
        break;
      case 8:
        if (name.toLowerCase() === 'received') received = value;
        break;
    }
    at = next + 1;
  }
  return { transport, ...sentBy, branch, received, rport, maddr, end };
}

function nextSemicolon(line: string, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const code = line.charCodeAt(at);
    if (code === 59) return at;
    if (code === 34) at = Math.max(at, endOfQuoted(line, at));
  }
  return end;
}

function parseSentBy(text: string): { host: string; port: number | undefined; sentBy: string } | undefined {
  if (text === '') return undefined;
  let colon: number;
  if (text.charCodeAt(0) === 91) {
    const close = text.indexOf(']');
    if (close < 0) return undefined;
    colon = text.indexOf(':', close);
  } else {
    colon = text.indexOf(':');
  }
  const host = colon < 0 ? text : text.slice(0, colon).trimEnd();
  if (host === '' || host.includes(' ') || host.includes('\t')) return undefined;
  if (colon < 0) return { host, port: undefined, sentBy: host.toLowerCase() };
  const port = parseDecimal(text.slice(colon + 1).trim(), 65535);
  if (port === undefined || port === 0) return undefined;
  return { host, port, sentBy: `${host.toLowerCase()}:${port}` };
}

/**
 * The line with what the receiver notes on the top value: `received` when the sent-by host is not the source
 * address (RFC 3261 18.2.1), and `received` and `rport` whenever rport is asked for (RFC 3581 4).
 * `address` is an IP address without brackets. A `received` that the peer itself wrote is replaced.
 */
export function withReceived(line: string, via: Via, address: string, port: number): string {
  const host = via.host.charCodeAt(0) === 91 ? via.host.slice(1, -1) : via.host;
  const asked = via.rport !== undefined;
  if (!asked && host === address && via.received === undefined) return line;
  let value = line.slice(0, via.end).trimEnd();
  if (via.received !== undefined) value = withoutParam(value, 'received');
  if (asked) value = withoutParam(value, 'rport');
  if (asked || host !== address) value += `;received=${address}`;
  if (asked) value += `;rport=${port}`;
  return value + line.slice(via.end);
}

function withoutParam(value: string, name: string): string {
  let at = value.indexOf(';');
  while (at >= 0) {
    const next = nextSemicolon(value, at + 1, value.length);
    const equals = value.indexOf('=', at);
    const end = equals >= 0 && equals < next ? equals : next;
    if (
      value
        .slice(at + 1, end)
        .trim()
        .toLowerCase() === name
    ) {
      value = value.slice(0, at) + value.slice(next);
    } else {
      at = next;
    }
    if (at >= value.length) break;
  }
  return value;
}

/**
 * A Via value of our own, asking for rport, and with TLS for the connection to be used for requests of the peer too
 * (`alias`, RFC 5923 5). `transport` in any case; `sentBy` is `host[:port]`.
 */
export function buildVia(transport: string, sentBy: string, branch: string): string {
  const name = transport.toUpperCase();
  return `SIP/2.0/${name} ${sentBy};rport;branch=${branch}${name === 'TLS' ? ';alias' : ''}`;
}

/** Whether the first value of the line asks for its connection to be used again (RFC 5923). */
export function asksForAlias(line: string, via: Via): boolean {
  return /;\s*alias\s*(?:[;=]|$)/i.test(line.slice(0, via.end));
}
