import type { SipMessage } from './message.js';

/** The message as it goes on the wire. Content-Length is set from the body, last of the headers. */
export function serializeMessage(message: SipMessage): Buffer {
  const start =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${message.reason}\r\n`;
  const body = message.body;
  const head = Buffer.from(
    `${start}${message.headers.toText()}Content-Length: ${body.length}\r\n\r\n`,
    'utf8',
  );
  return body.length === 0 ? head : Buffer.concat([head, body]);
}
