import type { SipHeaders } from '../call/vocabulary.js';
import { writeHeaders } from './header-writing.js';
import type { SrfFailure, SrfMessage, SrfReply } from './srf-types.js';

/** What drachtio-srf copies from the request into each response. */
const COPIED = new Set(['call-id', 'cseq', 'from', 'to']);

export interface ReplyContent {
  readonly headers?: SipHeaders;
  readonly body?: string | null;
  readonly contentType?: string | null;
}

/**
 * Answers a request. Header names stay as they are spelled: drachtio-srf would write them in lower case and keep
 * those of a provisional response in the final one, so they are put on the message itself.
 * `done` is told of a failure of any kind; without it a failure is left to the SIP server.
 */
export function sendReply(
  reply: SrfReply,
  status: number,
  reason: string | null,
  content: ReplyContent = {},
  done?: (failure: SrfFailure, sent?: SrfMessage) => void,
): void {
  const headers: Record<string, string> = {};
  for (const name in reply.msg.headers) {
    if (COPIED.has(name.toLowerCase())) headers[name] = reply.msg.headers[name]!;
  }
  const body = content.body ?? null;
  Object.assign(
    headers,
    writeHeaders(content.headers ?? {}, body === null ? null : (content.contentType ?? null)),
  );
  reply.msg.headers = headers;
  reply.msg.body = body ?? undefined;
  const phrase = reason === null ? undefined : reason.replace(/[\r\n]+/g, ' ');
  try {
    reply.send(status, phrase, {}, done);
  } catch (thrown) {
    const failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (!/valid sip response code/.test(failure.message)) {
      done?.(failure);
      return;
    }
    sendReply(reply, classOf(status), reason ?? `Status ${status}`, content, done);
  }
}

/** RFC 3261 8.1.3.2: an unknown status is treated as the x00 of its class. */
function classOf(status: number): number {
  if (status < 200) return 183;
  if (status >= 600) return 600;
  return Math.floor(status / 100) * 100;
}
