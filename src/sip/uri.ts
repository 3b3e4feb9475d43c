import { parseDecimal } from './scan.js';
import type { Params } from './params.js';

/** A SIP or SIPS URI (RFC 3261 19.1). User, password, parameters and headers are held unescaped. */
export interface SipUri {
  scheme: 'sip' | 'sips';
  user: string | undefined;
  password: string | undefined;
  /** As written, IPv6 in brackets. */
  host: string;
  port: number | undefined;
  params: Params;
  /** Embedded headers, `?Replaces=…`, in order. */
  headers: [string, string][];
}

/** A tel URI (RFC 3966). */
export interface TelUri {
  scheme: 'tel';
  /** As written, visual separators included. */
  number: string;
  params: Params;
}

export type Uri = SipUri | TelUri;

/** Parses a sip, sips or tel URI; undefined when malformed or of another scheme. */
export function parseUri(text: string): Uri | undefined {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme === 'tel') return parseTel(text.slice(colon + 1));
  if (scheme !== 'sip' && scheme !== 'sips') return undefined;
  let rest = text.slice(colon + 1);
  let user: string | undefined;
  let password: string | undefined;
  const at = rest.indexOf('@');
  if (at >= 0) {
    const info = rest.slice(0, at);
    const separator = info.indexOf(':');
    user = unescapePart(separator < 0 ? info : info.slice(0, separator));
    if (user === undefined || user === '') return undefined;
    if (separator >= 0) {
      password = unescapePart(info.slice(separator + 1));
      if (password === undefined) return undefined;
    }
    rest = rest.slice(at + 1);
  }
  const question = rest.indexOf('?');
  const headers = question < 0 ? [] : parseEmbedded(rest.slice(question + 1));
  if (!headers) return undefined;
  if (question >= 0) rest = rest.slice(0, question);
  const semicolon = rest.indexOf(';');
  const params = parseUriParams(semicolon < 0 ? '' : rest.slice(semicolon + 1));
  if (!params) return undefined;
  const hostPort = parseHostPort(semicolon < 0 ? rest : rest.slice(0, semicolon));
  return hostPort && { scheme, user, password, ...hostPort, params, headers };
}

/** Like `parseUri`, for those who can only use sip and sips. */
export function parseSipUri(text: string): SipUri | undefined {
  const uri = parseUri(text);
  return uri && uri.scheme !== 'tel' ? uri : undefined;
}

/** Splits `host`, `host:port`, `[v6]:port`; undefined when malformed. */
export function parseHostPort(text: string): { host: string; port: number | undefined } | undefined {
  const v6 = text.charCodeAt(0) === 91;
  const close = v6 ? text.indexOf(']') : 0;
  if (close < 0) return undefined;
  const colon = text.indexOf(':', close);
  const host = colon < 0 ? text : text.slice(0, colon);
  if (v6 ? !/^\[[0-9a-fA-F:.]+\]$/.test(host) : !/^[0-9a-zA-Z._-]+$/.test(host)) return undefined;
  if (colon < 0) return { host, port: undefined };
  const port = parseDecimal(text.slice(colon + 1), 65535);
  return port === undefined ? undefined : { host, port };
}

function parseTel(text: string): TelUri | undefined {
  const semicolon = text.indexOf(';');
  const number = semicolon < 0 ? text : text.slice(0, semicolon);
  const params = parseUriParams(semicolon < 0 ? '' : text.slice(semicolon + 1));
  if (!params || !/^\+?[0-9a-fA-F*#().-]+$/.test(number)) return undefined;
  return { scheme: 'tel', number, params };
}

function parseUriParams(text: string): Params | undefined {
  const params: Params = new Map();
  if (text === '') return params;
  for (const part of text.split(';')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = unescapePart(equals < 0 ? part : part.slice(0, equals))?.toLowerCase();
    const value = equals < 0 ? undefined : unescapePart(part.slice(equals + 1));
    if (name === undefined || name === '' || (equals >= 0 && value === undefined)) return undefined;
    if (!params.has(name)) params.set(name, value);
  }
  return params;
}

function parseEmbedded(text: string): [string, string][] | undefined {
  const headers: [string, string][] = [];
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = unescapePart(equals < 0 ? part : part.slice(0, equals));
    const value = unescapePart(equals < 0 ? '' : part.slice(equals + 1));
    if (name === undefined || name === '' || value === undefined) return undefined;
    headers.push([name, value]);
  }
  return headers;
}

/** Decodes %-escapes; undefined when one is malformed or the result is not UTF-8. */
export function unescapePart(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
