import { HeaderList } from './header-list.js';
import { NO_BODY, type SipMessage, type SipRequest, type SipResponse } from './message.js';
import { isToken, parseDecimal } from './scan.js';
import { parseHostPort } from './uri.js';

/** How much of a message is read at all. Sizes in bytes. */
export interface ParseLimits {
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
  readonly maxBodyBytes: number;
}

export const DEFAULT_LIMITS: ParseLimits = { maxHeaders: 256, maxHeaderBytes: 32_768, maxBodyBytes: 65_535 };

/**
 * A failure carries the status to answer with. `request` is there when what a response needs (Via, From, To,
 * Call-ID, CSeq) could be recovered; without it the message can only be dropped.
 */
export type ParseResult =
  | { ok: true; message: SipMessage }
  | { ok: false; status: 400 | 413 | 416 | 505; reason: string; request?: SipRequest };

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_CSEQ = 0x7fffffff;

interface Failure {
  status: 400 | 413 | 416 | 505;
  reason: string;
}

const bad = (reason: string): Failure => ({ status: 400, reason });

/**
 * Parses one datagram, or one message that `StreamFramer` cut from a stream. Never throws. Bytes beyond
 * Content-Length are ignored (RFC 3261 18.3); a shorter body is an error. The body is a view on the datagram.
 */
export function parseMessage(datagram: Buffer, limits: ParseLimits = DEFAULT_LIMITS): ParseResult {
  let start = 0;
  // RFC 3261 7.5: CRLFs before the start-line are ignored.
  while (datagram[start] === CR && datagram[start + 1] === LF) start += 2;
  const headEnd = datagram.indexOf(HEAD_END, start);
  if (headEnd < 0) return { ok: false, ...bad('Missing End Of Headers') };
  if (headEnd - start > limits.maxHeaderBytes) return { ok: false, status: 413, reason: 'Headers Too Large' };
  const text = datagram.toString('utf8', start, headEnd + 2);

  const lineEnd = text.indexOf('\r\n');
  const startLine = text.slice(0, lineEnd);
  const headers = new HeaderList();
  const headerFailure = parseHeaders(text, lineEnd + 2, headers, limits);

  if (startLine.startsWith('SIP/') && isStatusLine(startLine)) {
    const response = parseStatusLine(startLine, headers);
    if (!('kind' in response)) return { ok: false, ...response };
    const failure =
      headerFailure ?? checkHeaders(headers) ?? cutBody(response, datagram, headEnd + 4, limits);
    return failure ? { ok: false, ...failure } : { ok: true, message: response };
  }

  const request: SipRequest = { kind: 'request', method: '', uri: '', headers, body: NO_BODY };
  const failure =
    parseRequestLine(startLine, request) ??
    headerFailure ??
    checkHeaders(headers) ??
    checkRequest(request) ??
    cutBody(request, datagram, headEnd + 4, limits);
  if (!failure) return { ok: true, message: request };
  return canBeAnswered(request) ? { ok: false, ...failure, request } : { ok: false, ...failure };
}

function isStatusLine(line: string): boolean {
  const space = line.indexOf(' ');
  return space > 0 && line.charCodeAt(space + 1) >= 48 && line.charCodeAt(space + 1) <= 57;
}

function parseStatusLine(line: string, headers: HeaderList): SipResponse | Failure {
  if (!line.startsWith('SIP/2.0 ')) return { status: 505, reason: 'Version Not Supported' };
  const status = parseDecimal(line.slice(8, 11), 699);
  if (status === undefined || status < 100) return bad('Bad Status Code');
  // Some elements leave out the space that must precede even an empty reason phrase.
  if (line.length > 11 && line.charCodeAt(11) !== SPACE) return bad('Bad Status Line');
  return { kind: 'response', status, reason: line.slice(12), headers, body: NO_BODY };
}

function parseRequestLine(line: string, request: SipRequest): Failure | undefined {
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  if (first <= 0 || last <= first) return bad('Bad Request Line');
  request.method = line.slice(0, first);
  request.uri = line.slice(first + 1, last);
  if (!isToken(request.method)) return bad('Bad Method');
  const version = line.slice(last + 1);
  if (version !== 'SIP/2.0' && version.toUpperCase() !== 'SIP/2.0') {
    return /^SIP\/\d+\.\d+$/i.test(version)
      ? { status: 505, reason: 'Version Not Supported' }
      : bad('Bad Request Line');
  }
  return undefined;
}

function parseHeaders(
  text: string,
  from: number,
  headers: HeaderList,
  limits: ParseLimits,
): Failure | undefined {
  let failure: Failure | undefined;
  let at = from;
  let count = 0;
  while (at < text.length) {
    let end = text.indexOf('\r\n', at);
    let value: string | undefined;
    const colon = text.indexOf(':', at);
    // RFC 3261 7.3.1: a line that starts with white space continues the one before.
    if (isBlank(text.charCodeAt(end + 2))) {
      while (isBlank(text.charCodeAt(end + 2))) end = text.indexOf('\r\n', end + 2);
      value = text.slice(colon + 1, end).replace(/[ \t]*\r\n[ \t]+/g, ' ');
    }
    if (colon < 0 || colon > end) {
      failure ??= bad('Bad Header Line');
    } else {
      value = (value ?? text.slice(colon + 1, end)).trim();
      const name = text.slice(at, colon).trimEnd();
      if (!isToken(name)) failure ??= bad('Bad Header Name');
      else if (value.includes('\n') || value.includes('\r')) failure ??= bad('Bare CR or LF In Header');
      else headers.addChecked(name, value);
    }
    if (++count > limits.maxHeaders) return { status: 413, reason: 'Too Many Headers' };
    at = end + 2;
  }
  return failure;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

const ONCE = new Set(['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length']);

function checkHeaders(headers: HeaderList): Failure | undefined {
  if (!headers.has('via')) return bad('Missing Via');
  const via = headers.topVia();
  if (!via || endsEmpty(headers.get('via')!, via.end)) return bad('Bad Via');
  const callId = headers.get('call-id');
  if (callId === undefined) return bad('Missing Call-ID');
  if (callId === '' || callId.includes(' ')) return bad('Bad Call-ID');
  if (!headers.has('from')) return bad('Missing From');
  if (!headers.from()) return bad('Bad From');
  if (!headers.has('to')) return bad('Missing To');
  if (!headers.to()) return bad('Bad To');
  if (!headers.has('cseq')) return bad('Missing CSeq');
  const cseq = headers.cseq();
  if (!cseq || cseq.number > MAX_CSEQ) return bad('Bad CSeq');
  return headers.repeats(ONCE) ? bad('Repeated Single-Value Header') : undefined;
}

/** Whether a list of values has an empty one right after its first. */
function endsEmpty(line: string, firstEnd: number): boolean {
  return firstEnd < line.length && /^,\s*([,;]|$)/.test(line.slice(firstEnd));
}

function checkRequest(request: SipRequest): Failure | undefined {
  if (request.headers.cseq()?.method !== request.method) return bad('CSeq Method Mismatch');
  const maxForwards = request.headers.get('max-forwards');
  if (maxForwards !== undefined && parseDecimal(maxForwards, 255) === undefined)
    return bad('Bad Max-Forwards');
  return checkRequestUri(request.uri);
}

function checkRequestUri(uri: string): Failure | undefined {
  for (let at = 0; at < uri.length; at++) {
    const code = uri.charCodeAt(at);
    if (code <= SPACE || code === 34 || code === 60 || code === 62) return bad('Bad Request-URI');
  }
  const colon = uri.indexOf(':');
  if (colon <= 0 || colon === uri.length - 1) return bad('Bad Request-URI');
  switch (uri.slice(0, colon).toLowerCase()) {
    case 'sip':
    case 'sips': {
      const from = uri.indexOf('@') + 1 || colon + 1;
      let to = from;
      while (to < uri.length && uri.charCodeAt(to) !== 59 && uri.charCodeAt(to) !== 63) to++;
      return parseHostPort(uri.slice(from, to)) ? undefined : bad('Bad Request-URI');
    }
    case 'tel':
      return undefined;
    default:
      return isToken(uri.slice(0, colon))
        ? { status: 416, reason: 'Unsupported URI Scheme' }
        : bad('Bad Request-URI');
  }
}

function cutBody(
  message: SipMessage,
  datagram: Buffer,
  from: number,
  limits: ParseLimits,
): Failure | undefined {
  const present = datagram.length - from;
  const stated = message.headers.get('content-length');
  const length = stated === undefined ? present : parseDecimal(stated, Number.MAX_SAFE_INTEGER);
  if (length === undefined) return bad('Bad Content-Length');
  if (length > limits.maxBodyBytes) return { status: 413, reason: 'Body Too Large' };
  if (length > present) return bad('Body Shorter Than Content-Length');
  if (length > 0) message.body = datagram.subarray(from, from + length);
  return undefined;
}

/** Whether a response can be built for it and find its way (RFC 3261 8.2.6). */
function canBeAnswered(request: SipRequest): boolean {
  const { headers } = request;
  if (request.method === '' || request.method === 'ACK') return false;
  if (!headers.topVia() || !headers.has('from') || !headers.has('to')) return false;
  return headers.has('call-id') && headers.has('cseq');
}
