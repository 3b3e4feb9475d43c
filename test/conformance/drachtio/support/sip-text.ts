/** SIP messages as text, taken apart and put together without the code under test. */

export const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 20000 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  'a=sendrecv',
  '',
].join('\r\n');

export const startLine = (message: string): string => message.slice(0, message.indexOf('\r\n'));

export const method = (message: string): string => startLine(message).split(' ')[0]!;

/** The status of a response; 0 for a request. */
export const status = (message: string): number =>
  message.startsWith('SIP/2.0 ') ? Number(message.slice(8, 11)) : 0;

export const body = (message: string): string => message.slice(message.indexOf('\r\n\r\n') + 4);

/** All values of a header, in order; names match exactly but for case. */
export function headers(message: string, name: string): string[] {
  const head = message.slice(0, message.indexOf('\r\n\r\n'));
  const found: string[] = [];
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (line.slice(0, colon).toLowerCase() === name.toLowerCase()) found.push(line.slice(colon + 1).trim());
  }
  return found;
}

/** The one value of a header; throws when it is missing or repeated. */
export function header(message: string, name: string): string {
  const found = headers(message, name);
  if (found.length !== 1) throw new Error(`${found.length} ${name} headers in:\n${message}`);
  return found[0]!;
}

export function tag(value: string): string | undefined {
  return /;tag=([^;>\s]+)/.exec(value)?.[1];
}

export function branch(message: string): string {
  return /;branch=([^;,\s]+)/.exec(headers(message, 'Via')[0] ?? '')?.[1] ?? '';
}

/** The URI within `<...>`. */
export function uri(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value;
}

/** A message from its lines, with Content-Length of the body in bytes. */
export function compose(lines: readonly string[], content = ''): string {
  return `${[...lines, `Content-Length: ${Buffer.byteLength(content)}`].join('\r\n')}\r\n\r\n${content}`;
}
