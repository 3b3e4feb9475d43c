import { createSocket } from 'node:dgram';
import { RelevoError, messageOf } from '../../common/errors.js';

const CALL_PREFIX = 'relevo-';
const DIGITS = '0123456789*#ABCD';

/** A press that rtpengine has seen. */
export interface SeenDigit {
  readonly callId: string;
  readonly legId: string;
  readonly digit: string;
  readonly durationMs: number;
}

/** Reads one datagram of rtpengine's `dtmf-log-dest`; null where it is no press of a call of ours. */
export function readSeenDigit(datagram: Buffer): SeenDigit | null {
  let report: unknown;
  try {
    report = JSON.parse(datagram.toString());
  } catch {
    return null;
  }
  if (typeof report !== 'object' || report === null) return null;
  const { callid, source_tag: legId, event, duration } = report as Record<string, unknown>;
  const digit = typeof event === 'number' ? DIGITS[event] : undefined;
  if (typeof callid !== 'string' || !callid.startsWith(CALL_PREFIX)) return null;
  if (typeof legId !== 'string' || digit === undefined) return null;
  const durationMs = typeof duration === 'number' ? duration : 0;
  return { callId: callid.slice(CALL_PREFIX.length), legId, digit, durationMs };
}

/**
 * Listens for what one rtpengine reports of keys pressed; only datagrams from `source` count.
 * @throws {RelevoError} `rtpengine_dtmf_port` where the port is taken.
 */
export async function listenForDigits(
  where: { readonly address: string; readonly port: number },
  source: string,
  onDigit: (seen: SeenDigit) => void,
): Promise<{ close(): void }> {
  const socket = createSocket(where.address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (datagram, from) => {
    const seen = from.address === source ? readSeenDigit(datagram) : null;
    if (seen) onDigit(seen);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(where.port, where.address, resolve);
    });
  } catch (cause) {
    socket.close();
    throw new RelevoError(
      'rtpengine_dtmf_port',
      `cannot listen on ${where.address}:${where.port}: ${messageOf(cause)}`,
      'Give media.nodes[].dtmf an address of this machine and a free UDP port, and rtpengine the same as dtmf-log-dest.',
      { cause },
    );
  }
  socket.on('error', () => undefined);
  let open = true;
  return {
    close: () => {
      if (open) socket.close();
      open = false;
    },
  };
}
