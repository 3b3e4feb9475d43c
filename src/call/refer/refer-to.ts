import { parseSipTarget } from '../destinations/sip-target.js';
import type { DialogName } from '../signalling-port.js';

/** A Refer-To header taken apart. */
export interface ReferTo {
  /** The URI without its headers. */
  readonly uri: string;
  /** Value of Replaces, unescaped (RFC 3891 6). */
  readonly replaces: string | null;
  /** The other headers inside the URI, unescaped. */
  readonly headers: Readonly<Record<string, string>>;
}

function unescape(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    // A broken escape makes the whole header malformed.
    return null;
  }
}

/** Reads Refer-To (RFC 3515 2.1); null where it is malformed or asks for another method than INVITE. */
export function parseReferTo(value: string): ReferTo | null {
  const bracketed = /^[^<]*<([^<>]+)>/.exec(value)?.[1];
  const raw = (bracketed ?? value.split(';')[0] ?? '').trim();
  const [address = '', query = ''] = raw.split(/\?(.*)/s);
  const method = /;method=([A-Za-z]+)/i.exec(address)?.[1];
  if (method !== undefined && method.toUpperCase() !== 'INVITE') return null;
  const uri = address.replace(/;method=[A-Za-z]+/i, '');
  if (parseSipTarget(uri) === null) return null;
  let replaces: string | null = null;
  const headers: Record<string, string> = {};
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const name = unescape(at < 0 ? pair : pair.slice(0, at));
    const content = unescape(at < 0 ? '' : pair.slice(at + 1));
    if (name === null || content === null) return null;
    if (name.toLowerCase() === 'replaces') replaces = content;
    else headers[name] = content;
  }
  if (replaces !== null && !/^[^\s;]+(?:\s*;\s*[a-z-]+(?:\s*=\s*[^\s;]+)?)+$/i.test(replaces)) return null;
  return { uri, replaces, headers };
}

/** The value of Replaces that names a dialog of ours to the peer that holds its other end (RFC 3891 3). */
export function replacesOf(dialog: DialogName): string {
  return `${dialog.sipCallId};to-tag=${dialog.remoteTag};from-tag=${dialog.localTag}`;
}

/** Writes Refer-To: headers stand inside the URI, escaped (RFC 3261 19.1.1), Replaces among them. */
export function writeReferTo(uri: string, headers: Readonly<Record<string, string>>): string {
  const escape = (text: string): string =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const query = Object.entries(headers).map(([name, value]) => `${escape(name)}=${escape(value)}`);
  return query.length === 0 ? `<${uri}>` : `<${uri}?${query.join('&')}>`;
}

/** The dialog that a value of Replaces names, as its receiver sees it (RFC 3891 3); null where it names none. */
export function parseReplaces(
  value: string,
): Pick<DialogName, 'sipCallId' | 'localTag' | 'remoteTag'> | null {
  const [sipCallId = '', ...params] = value.split(';').map((part) => part.trim());
  const tag = (name: string): string | undefined =>
    params.find((param) => param.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
  const localTag = tag('to-tag');
  const remoteTag = tag('from-tag');
  return sipCallId === '' || !localTag || !remoteTag ? null : { sipCallId, localTag, remoteTag };
}
