const TOKEN = new Uint8Array(128);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~") {
  TOKEN[char.charCodeAt(0)] = 1;
}

/** Whether the text is a token (RFC 3261 25.1): not empty, no separators. */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let at = 0; at < text.length; at++) if (TOKEN[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/** A decimal number made of digits only, at most `max`; undefined otherwise. */
export function parseDecimal(text: string, max: number): number | undefined {
  if (text.length === 0 || text.length > 16) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value <= max ? value : undefined;
}

/** Where a quoted string that opens at `open` closes; -1 if it never does. A backslash escapes. */
export function endOfQuoted(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 92) at++;
    else if (code === 34) return at;
  }
  return -1;
}

/**
 * The first of `separator` (one character) at or after `from`, outside quoted strings and angle brackets;
 * the length of the text if there is none, -1 if a quote or bracket stays open.
 */
export function findOutside(text: string, separator: number, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === separator) return at;
    if (code === 34) {
      at = endOfQuoted(text, at);
      if (at < 0) return -1;
    } else if (code === 60) {
      at = text.indexOf('>', at);
      if (at < 0) return -1;
    }
  }
  return text.length;
}

const COMMA = 44;

/** Splits a header line into its comma-separated values; undefined if a quote or bracket stays open. */
export function splitValues(text: string): string[] | undefined {
  const values: string[] = [];
  for (let from = 0; from <= text.length;) {
    const end = findOutside(text, COMMA, from);
    if (end < 0) return undefined;
    const value = text.slice(from, end).trim();
    if (value !== '') values.push(value);
    from = end + 1;
  }
  return values;
}

/** Removes the quotes and the escapes of a quoted string; other text is returned as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== 34) return text;
  const inner = text.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner;
}

/** The text as a quoted string. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
