import { findOutside, isToken, quote, unquote } from './scan.js';

/** Parameters of a URI or header: names in lower case; undefined for one without a value. Order is kept. */
export type Params = Map<string, string | undefined>;

const SEMICOLON = 59;

/**
 * Reads `;name=value;flag` from `from` on. Quoted values come unquoted. Returns undefined when malformed.
 * Of a name that is given twice the first holds.
 */
export function parseParams(text: string, from = 0): Params | undefined {
  const params: Params = new Map();
  let at = from;
  while (at < text.length) {
    const end = findOutside(text, SEMICOLON, at);
    if (end < 0) return undefined;
    const part = text.slice(at, end).trim();
    at = end + 1;
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals).trimEnd()).toLowerCase();
    if (!isToken(name)) return undefined;
    if (!params.has(name)) {
      params.set(name, equals < 0 ? undefined : unquote(part.slice(equals + 1).trimStart()));
    }
  }
  return params;
}

/** `;name=value` for each, values quoted where they are neither a token nor a host. */
export function formatParams(params: Params): string {
  let out = '';
  for (const [name, value] of params) {
    if (value === undefined) out += `;${name}`;
    else out += `;${name}=${isToken(value) || isHostLike(value) ? value : quote(value)}`;
  }
  return out;
}

function isHostLike(value: string): boolean {
  return /^[[\]:0-9a-zA-Z.-]+$/.test(value);
}
