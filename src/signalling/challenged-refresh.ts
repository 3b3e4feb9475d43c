import type { Challenges, DigestedRequest } from '../sip/auth/digest-client.js';
import { firstValue, readHeaders, valuesOf } from './header-reading.js';

/** A session refresh of the embedded engine that the peer challenged: the engine has no credentials. */
export interface ChallengedRefresh {
  readonly dialogId: string;
  /** Under which the refresh goes on. */
  readonly transactionId: string;
  readonly status: number;
  readonly request: DigestedRequest;
  readonly challenges: Challenges;
}

/**
 * Reads a message of the control connection; null for all others. drachtio-srf knows nothing of these and passes
 * them over, and a drachtio-server sends none.
 */
export function readChallengedRefresh(message: string): ChallengedRefresh | null {
  const end = message.indexOf('\r\n');
  if (end < 0) return null;
  const leader = message.slice(0, end);
  if (!leader.includes('|refresh-')) return null;
  const tokens = leader.split('|');
  const [transactionId, dialogId] = [tokens[8], tokens[9]];
  const raw = message.slice(end + 2);
  const headers = readHeaders(raw);
  const status = Number(/^SIP\/2\.0 (40[17])/.exec(raw)?.[1]);
  const challenged = /^([A-Z]+) (\S+)$/.exec(firstValue(headers, 'relevo-refresh') ?? '');
  if (!transactionId?.startsWith('refresh-') || !dialogId || !challenged || !status) return null;
  return {
    dialogId,
    transactionId,
    status,
    request: {
      method: challenged[1]!,
      uri: challenged[2]!,
      body: Buffer.from(raw.slice(raw.indexOf('\r\n\r\n') + 4)),
    },
    challenges: {
      www: valuesOf(headers, 'www-authenticate'),
      proxy: valuesOf(headers, 'proxy-authenticate'),
    },
  };
}
