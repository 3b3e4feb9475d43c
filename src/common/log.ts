import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

/** What never reaches a log: passwords, tokens, and the values of digest headers. */
const SECRETS = [
  'password',
  'secret',
  'token',
  'authorization',
  '*.password',
  '*.secret',
  '*.token',
  '*.authorization',
  'headers.Authorization',
  'headers["Proxy-Authorization"]',
];

/** `debug | info | warn | error | silent` */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * A JSON logger for one thread of the node. It writes to standard output straight from the thread and never
 * waits for the disk.
 */
export function createLogger(thread: string, level: LogLevel): Logger {
  return pino(
    {
      level,
      base: { thread },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRETS, censor: '[redacted]' },
    },
    pino.destination({ fd: 1, sync: false }),
  );
}

/**
 * Removes digest values, credentials and keys of media (RFC 4568, 4567, 8866 5.12) from a SIP message before it is
 * logged or shown.
 */
export function redactSip(raw: string): string {
  return raw
    .replace(/^((?:proxy-)?authorization\s*:\s*\S+)[^\r\n]*/gim, '$1 [redacted]')
    .replace(/\binline:[^\s|;]+/gi, 'inline:[redacted]')
    .replace(/^(a=key-mgmt:\S+|k=[^:\r\n]+:)[^\r\n]*/gim, '$1 [redacted]');
}
