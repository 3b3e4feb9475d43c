/** What of a SIP URI decides where a request goes (RFC 3261 19.1.1, RFC 3263 4). */
export interface UriTarget {
  readonly scheme: 'sip' | 'sips';
  /** Lower case; an IPv6 reference keeps its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Lower case; undefined when the URI leaves it open. */
  readonly transport: string | undefined;
  readonly looseRouter: boolean;
}

const URI = /^(sips?):(?:[^@<>\s]*@)?(\[[\da-f:.]+\]|[^\s;:?@<>[\]]+)(?::(\d{1,5}))?((?:;[^\s?<>]*)?)(?:\?[^\s<>]*)?$/i;

/** Reads a `sip:` or `sips:` URI; undefined for anything else. `maddr` takes the place of the host. */
export function uriTarget(uri: string): UriTarget | undefined {
  const match = URI.exec(uri);
  if (!match) return undefined;
  const port = match[3] === undefined ? undefined : Number(match[3]);
  if (port !== undefined && (port === 0 || port > 65_535)) return undefined;
  let host = match[2]!.toLowerCase();
  let transport: string | undefined;
  let looseRouter = false;
  const params = match[4]!;
  if (params !== '') {
    for (const param of params.split(';')) {
      const [name, value] = param.toLowerCase().split('=', 2);
      if (name === 'transport') transport = value;
      else if (name === 'lr') looseRouter = true;
      else if (name === 'maddr' && value) host = value;
    }
  }
  return { scheme: match[1]!.toLowerCase() as 'sip' | 'sips', host, port, transport, looseRouter };
}
