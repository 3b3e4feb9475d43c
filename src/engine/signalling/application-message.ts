import { canonicalHeaderName } from '../../sip/header-name.js';
import { HeaderList, NO_BODY } from '../../sip/message.js';

/** A SIP message as an application writes it: most headers may be missing, the engine fills them in. */
export type ApplicationMessage =
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly uri: string;
      readonly headers: HeaderList;
      body: Buffer;
    }
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly reason: string;
      readonly headers: HeaderList;
      body: Buffer;
    }
  | { readonly kind: 'invalid'; readonly startLine: string };

/** RFC 3261, 3262, 3311, 3428, 3515, 3903, 6086, 6665. */
const METHODS = new Set([
  ...['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'PRACK'],
  ...['UPDATE', 'MESSAGE', 'REFER', 'PUBLISH', 'INFO', 'SUBSCRIBE', 'NOTIFY'],
]);

const HEAD_END = Buffer.from('\r\n\r\n');
const TOKEN = /^[\w\-.!%*+`'~]+$/;
const STATUS_LINE = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/;

/**
 * Reads what an application sent. The body is all that follows the headers, whatever Content-Length says:
 * drachtio-srf counts characters there, not bytes. Lines that are no headers are left out.
 */
export function parseApplicationMessage(sip: Buffer): ApplicationMessage {
  const headEnd = sip.indexOf(HEAD_END);
  const head = sip.toString('utf8', 0, headEnd < 0 ? sip.length : headEnd);
  const body = headEnd < 0 || headEnd + 4 >= sip.length ? NO_BODY : sip.subarray(headEnd + 4);
  const lines = head.split(/\r\n(?![ \t])/);
  const startLine = lines[0]!;
  const headers = new HeaderList();
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at]!;
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trimEnd();
    if (TOKEN.test(name))
      headers.add(
        name,
        line
          .slice(colon + 1)
          .replace(/[\r\n]+[ \t]*/g, ' ')
          .trim(),
      );
  }
  if (body.length > 0 && !headers.has('content-type') && startsAsSdp(body))
    headers.add('Content-Type', 'application/sdp');

  const status = STATUS_LINE.exec(startLine);
  if (status) return { kind: 'response', status: Number(status[1]), reason: status[2] ?? '', headers, body };
  const [method, uri, version, ...more] = startLine.split(' ');
  if (
    version !== 'SIP/2.0' ||
    more.length > 0 ||
    !METHODS.has(method!) ||
    !/^[a-z][\w+.-]*:./i.test(uri ?? '')
  ) {
    return { kind: 'invalid', startLine };
  }
  return { kind: 'request', method: method!, uri: uri!, headers, body };
}

/** Whether the body is a session description. */
export function isSdp(headers: HeaderList, body: Buffer): boolean {
  return body.length > 0 && /^\s*application\/sdp\b/i.test(headers.get('content-type') ?? '');
}

function startsAsSdp(body: Buffer): boolean {
  return body[0] === 0x76 && body[1] === 0x3d && body[2] === 0x30;
}

/** Headers that only the engine writes: what an application puts there is ignored. */
const ENGINES_OWN = new Set(['via', 'route', 'record-route', 'rseq', 'content-length']);

/** Headers whose `@localhost` stands for the address that the message leaves from. */
const LOCALHOST = new Set(['from', 'to', 'contact', 'p-asserted-identity']);

/** Copies the application's headers, but for the engine's own and those in `except` (lower case, long form). */
export function copyHeaders(
  from: HeaderList,
  to: HeaderList,
  hostPort: string,
  except: ReadonlySet<string>,
): void {
  for (const [name, value] of from) {
    const key = canonicalHeaderName(name);
    if (ENGINES_OWN.has(key) || except.has(key)) continue;
    to.add(wireName(name, key), LOCALHOST.has(key) ? withoutLocalhost(value, hostPort) : value);
  }
}

/** `sip:a@localhost` with the real address. */
export function withoutLocalhost(value: string, hostPort: string): string {
  return value.includes('localhost')
    ? value.replace(/(@|sips?:)localhost(?![\w.:-])/gi, `$1${hostPort}`)
    : value;
}

/** drachtio-srf writes many names in lower case: on the wire the RFCs' spelling is kinder to old peers. */
const SPELLINGS: ReadonlyMap<string, string> = new Map(
  [
    'Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authorization Call-Info Contact',
    'Content-Disposition Content-Encoding Content-Language Content-Type Date Diversion Event Expires From History-Info',
    'Identity Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Asserted-Identity P-Preferred-Identity Priority',
    'Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Refer-Sub Refer-To Referred-By Replaces',
    'Reply-To Require Retry-After Server Session-Expires SIP-ETag SIP-If-Match Subject Subscription-State Supported',
    'Target-Dialog Timestamp To Unsupported User-Agent User-to-User Warning WWW-Authenticate',
  ]
    .flatMap((line) => line.split(' '))
    .map((name) => [name.toLowerCase(), name]),
);

function wireName(name: string, key: string): string {
  return name === key ? (SPELLINGS.get(key) ?? name) : name;
}
