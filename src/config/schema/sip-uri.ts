/** What is wrong with a SIP URI of the configuration. */
export interface SipUriFault {
  readonly message: string;
  /** The URI is right, but asks for what this version has not. */
  readonly unsupported: boolean;
}

const URI = /^sip:(?:[^\s@<>"]+@)?([A-Za-z0-9.-]+)(?::(\d{1,5}))?((?:;[^\s;?]+)*)(?:\?\S*)?$/;

/** Checks a SIP URI (RFC 3261 19.1); a template such as `{called}` may stand in the user part. Null if good. */
export function sipUriFault(uri: string): SipUriFault | null {
  if (/^sips:/i.test(uri)) {
    return { message: 'not supported by this version: sips; use a sip: URI', unsupported: true };
  }
  if (/^sip:(?:[^@]*@)?\[/i.test(uri)) {
    return {
      message: 'not supported by this version: IPv6; use a host name or an IPv4 address',
      unsupported: true,
    };
  }
  const parts = URI.exec(uri);
  if (!parts) return { message: 'not a SIP URI', unsupported: false };
  const [, host, port, parameters] = parts;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    return { message: 'the port is out of range', unsupported: false };
  }
  if (!isHost(host!)) return { message: 'the host is not one', unsupported: false };
  const transport = /;transport=([^;]*)/i.exec(parameters ?? '')?.[1]?.toLowerCase();
  if (transport !== undefined && transport !== 'udp' && transport !== 'tcp') {
    return /^(?:tls|wss?|sctp)$/.test(transport)
      ? {
          message: `not supported by this version: transport=${transport}; use udp or tcp`,
          unsupported: true,
        }
      : { message: 'the transport is not one', unsupported: false };
  }
  return null;
}

function isHost(host: string): boolean {
  if (/^[\d.]+$/.test(host)) {
    const octets = host.split('.');
    return octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255);
  }
  return host
    .replace(/\.$/, '')
    .split('.')
    .every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
}
