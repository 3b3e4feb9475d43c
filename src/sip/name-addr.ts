import { formatParams, parseParams, type Params } from './params.js';
import { endOfQuoted, quote, splitValues, unquote } from './scan.js';

/** One value of From, To, Contact, Route, Record-Route, Refer-To … (RFC 3261 20.10, 20.34). */
export interface NameAddr {
  /** Unquoted; undefined if there is none. */
  displayName: string | undefined;
  /** As written, without brackets; `*` for `Contact: *`. Parse it with `parseUri` when the parts are needed. */
  uri: string;
  /** Header parameters (`tag`, `q`, `expires` …), not those of the URI. */
  params: Params;
}

/** Parses one value; undefined when malformed. In a URI without brackets `;` starts header parameters. */
export function parseNameAddr(value: string): NameAddr | undefined {
  const text = value.trim();
  let displayName: string | undefined;
  let open: number;
  if (text.charCodeAt(0) === 34) {
    const close = endOfQuoted(text, 0);
    if (close < 0) return undefined;
    displayName = unquote(text.slice(0, close + 1));
    open = text.indexOf('<', close);
    if (open < 0 || text.slice(close + 1, open).trim() !== '') return undefined;
  } else {
    open = text.indexOf('<');
    if (open > 0) {
      displayName = text.slice(0, open).trim();
      if (displayName === '') displayName = undefined;
      else if (/["<>;,]/.test(displayName)) return undefined;
    }
  }
  if (open < 0) {
    const semicolon = text.indexOf(';');
    const uri = semicolon < 0 ? text : text.slice(0, semicolon).trimEnd();
    if (!isPlausibleUri(uri)) return undefined;
    const params = parseParams(text, semicolon < 0 ? text.length : semicolon + 1);
    return params && { displayName: undefined, uri, params };
  }
  const close = text.indexOf('>', open);
  if (close < 0) return undefined;
  const uri = text.slice(open + 1, close).trim();
  if (!isPlausibleUri(uri)) return undefined;
  const tail = text.slice(close + 1).trimStart();
  if (tail !== '' && tail.charCodeAt(0) !== 59) return undefined;
  const params = parseParams(tail);
  return params && { displayName, uri, params };
}

function isPlausibleUri(uri: string): boolean {
  if (uri === '*') return true;
  const colon = uri.indexOf(':');
  if (colon <= 0 || colon === uri.length - 1) return false;
  for (let at = 0; at < uri.length; at++) {
    const code = uri.charCodeAt(at);
    if (code <= 32 || code === 34 || code === 60 || code === 62 || code === 127) return false;
  }
  return true;
}

/** Parses a line of comma-separated values; undefined when any of them is malformed. */
export function parseNameAddrList(line: string): NameAddr[] | undefined {
  const parts = splitValues(line);
  if (!parts) return undefined;
  const values: NameAddr[] = [];
  for (const part of parts) {
    const value = parseNameAddr(part);
    if (!value) return undefined;
    values.push(value);
  }
  return values;
}

/** `"Name" <uri>;params`, always with brackets. */
export function formatNameAddr(value: NameAddr): string {
  if (value.uri === '*') return '*';
  const name = value.displayName === undefined ? '' : `${quote(value.displayName)} `;
  return `${name}<${value.uri}>${formatParams(value.params)}`;
}
