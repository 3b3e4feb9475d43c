const HEADER_END = Buffer.from('\r\n\r\n');
const LARGEST_MESSAGE = 65_536;

/** Cuts a byte stream into SIP messages by Content-Length (RFC 3261 section 18.3). */
export class StreamFraming {
  #buffered: Buffer = Buffer.alloc(0);

  /**
   * Takes the next bytes and returns the messages that are complete now; throws an Error where the stream
   * cannot be SIP, after which the connection is of no more use.
   */
  push(bytes: Buffer): string[] {
    this.#buffered = this.#buffered.length === 0 ? bytes : Buffer.concat([this.#buffered, bytes]);
    const messages: string[] = [];
    for (;;) {
      this.#dropKeepAlives();
      const headerEnd = this.#buffered.indexOf(HEADER_END);
      if (headerEnd < 0) break;
      const bodyStart = headerEnd + HEADER_END.length;
      const length = contentLength(this.#buffered.toString('latin1', 0, headerEnd));
      if (this.#buffered.length < bodyStart + length) break;
      messages.push(this.#buffered.toString('utf8', 0, bodyStart + length));
      this.#buffered = this.#buffered.subarray(bodyStart + length);
    }
    if (this.#buffered.length > LARGEST_MESSAGE) throw new Error('message too large');
    return messages;
  }

  /** CRLF between messages is keep-alive (RFC 5626 section 3.5.1). */
  #dropKeepAlives(): void {
    let start = 0;
    while (this.#buffered[start] === 0x0d || this.#buffered[start] === 0x0a) start++;
    if (start > 0) this.#buffered = this.#buffered.subarray(start);
  }
}

function contentLength(header: string): number {
  const match = /^(?:content-length|l)[ \t]*:[ \t]*(\d+)[ \t]*$/im.exec(header);
  const length = match === null ? 0 : Number(match[1]);
  if (length > LARGEST_MESSAGE) throw new Error(`Content-Length ${length} is too large`);
  return length;
}
