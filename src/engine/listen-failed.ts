import { messageOf, RelevoError } from '../common/errors.js';

/** The error for a socket that could not be bound, with what the operator can do about it. */
export function listenFailed(what: string, address: string, port: number, cause: unknown): RelevoError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const remedies: Record<string, string> = {
    EADDRINUSE: `Stop the program that holds ${what} port ${port}, or choose another port.`,
    EACCES: `Ports below 1024 need a privilege: choose a higher port, or grant CAP_NET_BIND_SERVICE.`,
    EADDRNOTAVAIL: `${address} is not an address of this machine: listen on one that is, and use "advertise" for a public address.`,
  };
  return new RelevoError(
    'engine_listen_failed',
    `cannot listen on ${what} ${address}:${port}: ${messageOf(cause)}`,
    remedies[code] ?? 'Check the address and port in the configuration.',
    { cause },
  );
}
