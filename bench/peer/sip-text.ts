/** The first value of a header, by its full name; '' where it is missing. */
export function headerOf(message: string, name: string): string {
  const at = message.indexOf(`\r\n${name}:`);
  if (at < 0) return '';
  const from = at + name.length + 3;
  return message.slice(from, message.indexOf('\r\n', from)).trim();
}

/** Every value of a header that may stand several times, in order. */
export function headersOf(message: string, name: string): string[] {
  const values: string[] = [];
  for (let at = message.indexOf(`\r\n${name}:`); at >= 0; at = message.indexOf(`\r\n${name}:`, at + 2)) {
    const from = at + name.length + 3;
    values.push(message.slice(from, message.indexOf('\r\n', from)).trim());
  }
  return values;
}

/** Status of a response, or null for a request. */
export function statusOf(message: string): number | null {
  return message.startsWith('SIP/2.0 ') ? Number(message.slice(8, 11)) : null;
}

/** The method: of a request, or of the request that a response answers. */
export function methodOf(message: string): string {
  if (statusOf(message) === null) return message.slice(0, message.indexOf(' '));
  return headerOf(message, 'CSeq').split(' ')[1] ?? '';
}

/** The URI of a Contact or of any name-addr. */
export function uriOf(nameAddr: string): string {
  return /<([^>]+)>/.exec(nameAddr)?.[1] ?? nameAddr;
}

/** The port of the first audio line of the body; 0 without one. */
export function rtpPortOf(message: string): number {
  return Number(/\r\nm=audio (\d+)/.exec(message)?.[1] ?? 0);
}

/** SDP of a peer that takes PCMA on this port. */
export function peerSdp(port: number): string {
  return (
    `v=0\r\no=bench 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 8 101\r\n` +
    'a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n'
  );
}

/** A response to a request; `tag` is added to a To without one. */
export function responseTo(
  request: string,
  statusLine: string,
  tag: string,
  contact: string,
  body = '',
  contentType = 'application/sdp',
): string {
  const to = headerOf(request, 'To');
  const lines = [
    `SIP/2.0 ${statusLine}`,
    ...headersOf(request, 'Via').map((via) => `Via: ${via}`),
    ...headersOf(request, 'Record-Route').map((route) => `Record-Route: ${route}`),
    `From: ${headerOf(request, 'From')}`,
    `To: ${to.includes(';tag=') ? to : `${to};tag=${tag}`}`,
    `Call-ID: ${headerOf(request, 'Call-ID')}`,
    `CSeq: ${headerOf(request, 'CSeq')}`,
    `Contact: <${contact}>`,
    'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY',
    ...(body === '' ? [] : [`Content-Type: ${contentType}`]),
    `Content-Length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** What a request of ours says. */
export interface RequestParts {
  readonly method: string;
  readonly uri: string;
  readonly localPort: number;
  readonly branch: string;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly cseq: number;
  readonly headers?: readonly string[];
  readonly body?: string;
}

export function requestText(parts: RequestParts): string {
  const { body = '' } = parts;
  const lines = [
    `${parts.method} ${parts.uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${parts.localPort};branch=z9hG4bK${parts.branch}`,
    'Max-Forwards: 70',
    `From: ${parts.from}`,
    `To: ${parts.to}`,
    `Call-ID: ${parts.callId}`,
    `CSeq: ${parts.cseq} ${parts.method}`,
    `Contact: <sip:caller@127.0.0.1:${parts.localPort}>`,
    ...(parts.headers ?? []),
    `Content-Length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
