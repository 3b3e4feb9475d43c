/** Where a message goes: one hop. */
export interface Hop {
  readonly protocol: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
}

/** The topmost Via of a message. */
export interface TopVia {
  readonly protocol: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number | null;
  readonly params: ReadonlyMap<string, string | null>;
  /** Identifies the transaction to its sender: branch and sent-by (RFC 3261 section 17.2.3). */
  readonly key: string;
}

const DEFAULT_PORT = 5060;
const VIA_LINE = /^(?:via|v)[ \t]*:[ \t]*([^\r\n,]*)/im;

export function isRequest(message: string): boolean {
  return !message.startsWith('SIP/2.0 ');
}

/** The first value of a header by its full name; null where it is missing. */
export function firstHeader(message: string, name: string): string | null {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*([^\\r\\n]*)`, 'im').exec(message)?.[1]?.trim() ?? null;
}

/** Next hop of a request: the first Route where there is one, else the Request-URI (RFC 3261 section 8.1.2). */
export function nextHopOfRequest(message: string, fallback: 'tcp' | 'udp'): Hop {
  const route = firstHeader(message, 'route');
  const uri = route === null ? (message.split(' ', 2)[1] ?? '') : (/<([^>]*)>/.exec(route)?.[1] ?? route);
  return hopOfUri(uri, fallback);
}

/** Splits a SIP URI into a hop; throws an Error for what is not a plain `sip:` URI. */
export function hopOfUri(uri: string, fallback: 'tcp' | 'udp'): Hop {
  const match = /^sip:(?:[^@]*@)?(\[[^\]]+\]|[^;:?]+)(?::(\d+))?([^?]*)/i.exec(uri);
  if (match === null) throw new Error(`cannot send to "${uri}"`);
  const transport = /;transport=(tcp|udp)/i.exec(match[3] ?? '')?.[1]?.toLowerCase();
  return {
    protocol: transport === 'udp' || transport === 'tcp' ? transport : fallback,
    host: match[1]!.replace(/^\[|\]$/g, ''),
    port: match[2] === undefined ? DEFAULT_PORT : Number(match[2]),
  };
}

/** Reads the topmost Via; null where there is none to read. */
export function topVia(message: string): TopVia | null {
  const value = VIA_LINE.exec(message)?.[1];
  const match = /^SIP\s*\/\s*2\.0\s*\/\s*(TCP|UDP)\s+(\[[^\]]+\]|[^\s;:]+)(?:\s*:\s*(\d+))?\s*(;.*)?$/i.exec(
    value?.trim() ?? '',
  );
  if (match === null) return null;
  const params = new Map(
    (match[4] ?? '')
      .split(';')
      .filter((part) => part.trim() !== '')
      .map((part) => {
        const [name, ...rest] = part.trim().split('=');
        return [name!.toLowerCase(), rest.length === 0 ? null : rest.join('=')] as const;
      }),
  );
  const port = match[3] === undefined ? null : Number(match[3]);
  return {
    protocol: match[1]!.toLowerCase() === 'tcp' ? 'tcp' : 'udp',
    host: match[2]!,
    port,
    params,
    key: `${params.get('branch') ?? ''} ${match[2]!}:${port ?? DEFAULT_PORT}`,
  };
}

/** Where a response goes when its connection is gone or there is none (RFC 3261 section 18.2.2, RFC 3581). */
export function hopOfResponse(via: TopVia): Hop {
  const received = via.params.get('received');
  const rport = via.params.get('rport');
  const port = via.port ?? DEFAULT_PORT;
  return {
    protocol: via.protocol,
    host: received ?? via.host,
    port: via.protocol === 'udp' && typeof rport === 'string' ? Number(rport) : port,
  };
}

/** Notes in the top Via where a request really came from (RFC 3261 section 18.2.1, RFC 3581 section 4). */
export function markSource(message: string, source: { host: string; port: number }): string {
  return message.replace(VIA_LINE, (line) => {
    const marked = line.replace(/;\s*rport(?=\s*(?:;|$))/i, `;rport=${source.port}`);
    return /;\s*received=/i.test(marked) ? marked : `${marked};received=${source.host}`;
  });
}

/** Writes transport and sent-by into our own top Via, which sip.js leaves without a port. */
export function stampVia(message: string, local: Hop): string {
  return message.replace(VIA_LINE, (line) =>
    line.replace(
      /SIP\/2\.0\/\w+ [^;\s]+/i,
      `SIP/2.0/${local.protocol.toUpperCase()} ${local.host}:${local.port};rport`,
    ),
  );
}

/** Takes the port out of our own Via again: sip.js compares the host alone and drops a sent-by with a port. */
export function unstampVia(message: string, local: { host: string; port: number }): string {
  return message.replace(VIA_LINE, (line) => line.replace(`${local.host}:${local.port}`, local.host));
}

/** Makes our own Contact name the transport that the message leaves by, so that the peer can come back. */
export function stampContact(message: string, protocol: 'tcp' | 'udp'): string {
  return message.replace(/^(contact:[ \t]*<sip:[^>]*;transport=)(?:tcp|udp)/im, `$1${protocol}`);
}
