import type { Random } from '../../src/common/random.js';

const TOKENS = [
  ...[
    '',
    ' ',
    '\r\n',
    '\r\n\r\n',
    '\0',
    ':',
    ';',
    ',',
    '"',
    '<',
    '>',
    '%00',
    '[',
    ']',
    '@',
    ';tag=',
    ';branch=z9hG4bK',
  ],
  ...[
    '9'.repeat(30),
    '-1',
    'A'.repeat(5_000),
    ';'.repeat(300),
    ','.repeat(300),
    '\xff\xfe',
    'sip:',
    'SIP/2.0',
    'Via: x\r\n',
  ],
  ...[
    'Content-Length: 999999\r\n',
    'Content-Length: -5\r\n',
    'Max-Forwards: 0\r\n',
    'Route: <sip:127.0.0.1;lr>\r\n',
  ],
  ...[
    'Require: 100rel\r\n',
    'RAck: 1 1 INVITE\r\n',
    'Session-Expires: 1\r\nSupported: timer\r\n',
    'To: <sip:a>;tag=b\r\n',
  ],
];
const METHODS = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'PRACK',
  'UPDATE',
  'OPTIONS',
  'REGISTER',
  'NOTIFY',
  'REFER',
  'XYZZY',
];
const MAX_CHANGES = 4;

/** A real message with a few things wrong in it. */
export function mutate(message: Buffer, random: Random): Buffer {
  let changed = message;
  const changes = 1 + below(random, MAX_CHANGES);
  for (let count = 0; count < changes; count++) changed = once(changed, random);
  return changed;
}

function once(message: Buffer, random: Random): Buffer {
  const at = below(random, message.length + 1);
  const end = Math.min(message.length, at + 1 + below(random, 40));
  const join = (...parts: (Buffer | string)[]): Buffer =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  switch (below(random, 8)) {
    case 0:
      return join(message.subarray(0, at), message.subarray(end));
    case 1:
      return join(message.subarray(0, at), TOKENS[below(random, TOKENS.length)]!, message.subarray(at));
    case 2:
      return join(message.subarray(0, at), TOKENS[below(random, TOKENS.length)]!, message.subarray(end));
    case 3:
      return join(
        message.subarray(0, at),
        Buffer.from(random.token(1 + below(random, 8)), 'hex'),
        message.subarray(at),
      );
    case 4:
      return message.subarray(0, at);
    case 5:
      return join(message.subarray(0, end), message.subarray(at));
    case 6: {
      const lines = message.toString('latin1').split('\r\n');
      const [from, to] = [below(random, lines.length), below(random, lines.length)];
      [lines[from], lines[to]] = [lines[to]!, lines[from]!];
      return Buffer.from(lines.join('\r\n'), 'latin1');
    }
    default: {
      const method = METHODS[below(random, METHODS.length)]!;
      return Buffer.from(message.toString('latin1').replace(/^[A-Z]+(?= )/, method), 'latin1');
    }
  }
}

function below(random: Random, bound: number): number {
  return Math.floor(random.fraction() * bound);
}
