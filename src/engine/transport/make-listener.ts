import { networkInterfaces } from 'node:os';
import { isIPv6 } from 'node:net';
import type { EngineTransport, ListenOptions } from '../engine-options.js';
import type { Listener } from './listener.js';

/** RFC 3261 19.1.2, RFC 7118 5.5. */
export const DEFAULT_PORTS: Readonly<Record<EngineTransport, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
  ws: 80,
  wss: 443,
};

/** Names a bound socket: the advertised address, or the bound one, or a machine address for a wildcard. */
export function makeListener(options: ListenOptions, boundPort: number): Listener {
  const host =
    options.advertise?.address ??
    (isWildcard(options.address) ? machineAddress(options.address) : options.address);
  const port = options.advertise?.port ?? boundPort;
  const bracketed = isIPv6(host) ? `[${host}]` : host;
  return {
    transport: options.transport,
    address: options.address,
    port: boundPort,
    host: bracketed,
    advertisedPort: port,
    hostPort: `${bracketed}:${port}`,
    sentBy: port === DEFAULT_PORTS[options.transport] ? bracketed : `${bracketed}:${port}`,
  };
}

/** Whether the listener binds every address of the machine. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function machineAddress(wildcard: string): string {
  const family = wildcard === '::' ? 'IPv6' : 'IPv4';
  for (const addresses of Object.values(networkInterfaces())) {
    const usable = addresses?.find((candidate) => candidate.family === family && !candidate.internal);
    if (usable) return usable.address;
  }
  return wildcard === '::' ? '::1' : '127.0.0.1';
}

/** Every address of this machine, loopback included. */
export function machineAddresses(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) found.add(address);
  }
  return found;
}
