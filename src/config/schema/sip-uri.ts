import { isIPv6 } from 'node:net';

/** What is wrong with a SIP URI of the configuration. */
export interface SipUriFault {
  readonly message: string;
  /** The URI is right, but asks for what this version has not. */
  readonly unsupported: boolean;
}

const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'];

const URI =
  /^sips?:(?:[^\s@<>"]+@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?((?:;[^\s;?]+)*)(?:\?\S*)?$/;

/** Checks a SIP URI (RFC 3261 19.1); a template such as `{called}` may stand in the user part. Null if good. */
export function sipUriFault(uri: string): SipUriFault | null {
  const parts = URI.exec(uri);
  if (!parts) return { message: 'not a SIP URI', unsupported: false };
  const [, host, port, parameters] = parts;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    return { message: 'the port is out of range', unsupported: false };
  }
  if (!isHost(host!)) return { message: 'the host is not one', unsupported: false };
  const transport = /;transport=([^;]*)/i.exec(parameters ?? '')?.[1]?.toLowerCase();
  if (transport !== undefined && !TRANSPORTS.includes(transport)) {
    return transport === 'sctp'
      ? { message: 'not supported by this version: transport=sctp; use udp, tcp or tls', unsupported: true }
      : { message: 'the transport is not one', unsupported: false };
  }
  if (/^sips:/i.test(uri) && transport === 'udp')
    return { message: 'sips goes over TLS: transport=udp cannot stand with it', unsupported: false };
  return null;
}

/** The host of a URI that `sipUriFault` finds nothing wrong with, in lower case and without brackets. */
export function hostOf(uri: string): string {
  const host = URI.exec(uri)?.[1]?.toLowerCase() ?? '';
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

function isHost(host: string): boolean {
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1));
  if (/^[\d.]+$/.test(host)) {
    const octets = host.split('.');
    return octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255);
  }
  return host
    .replace(/\.$/, '')
    .split('.')
    .every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
}
