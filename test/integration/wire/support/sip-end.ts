import { header, method, status } from '../../../conformance/drachtio/support/sip-text.js';
import { RawUa } from '../../../conformance/drachtio/support/raw-ua.js';
import { RtpEnd } from './rtp-end.js';

const WAIT_MS = 20_000;

/** A party with SIP by hand and RTP of its own; what a test waits for may take long on a busy machine. */
export class SipEnd {
  readonly ua: RawUa;
  readonly media: RtpEnd;
  /** The dialog: what we got when it began (their INVITE, or the 2xx to ours). */
  #invite = '';
  #answer = '';
  #cseq = 1;
  #version = 1;
  #closed = false;
  readonly #tag: string;

  private constructor(ua: RawUa, media: RtpEnd) {
    this.ua = ua;
    this.media = media;
    this.#tag = `w${ua.port}`;
  }

  static async open(nodePort: number, hz: number, port = 0): Promise<SipEnd> {
    return new SipEnd(await RawUa.open(nodePort, port), await RtpEnd.open(hz));
  }

  /** Gives its SIP port to the next party; what came by RTP stays. */
  hangUp(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.media.hush();
    this.ua.close();
  }

  close(): void {
    this.hangUp();
    this.media.close();
  }

  get callId(): string {
    return header(this.#invite || this.#answer, 'Call-ID');
  }

  /** Calls; resolves with the INVITE that was sent. The media speak as soon as the node names a port. */
  invite(number: string, nodePort: number, sdp = this.media.sdp()): string {
    const invite = this.ua.request('INVITE', [], sdp, `sip:${number}@127.0.0.1:${nodePort}`);
    this.ua.send(invite);
    return invite;
  }

  /** A response to our INVITE with this status. */
  async answered(code: number, invite: string): Promise<string> {
    const response = await this.ua.next(
      `${code} to INVITE`,
      (message) =>
        status(message) === code &&
        header(message, 'CSeq').endsWith(' INVITE') &&
        header(message, 'Call-ID') === header(invite, 'Call-ID'),
      WAIT_MS,
    );
    if (code >= 200) {
      this.#answer = response;
      this.ua.send(this.ua.inDialog('ACK', this.#cseq, response));
    }
    return response;
  }

  /** The next INVITE that comes. */
  async invited(): Promise<string> {
    this.#invite = await this.ua.nextRequest('INVITE', WAIT_MS);
    return this.#invite;
  }

  respond(invite: string, code: number, reason: string, sdp = ''): void {
    this.ua.send(this.ua.response(invite, code, reason, this.#tag, [], sdp));
  }

  /** Takes the call, waits for the ACK, and speaks to the port that the INVITE names. */
  async take(invite: string, sdp = this.media.sdp()): Promise<void> {
    this.respond(invite, 200, 'OK', sdp);
    await this.ua.next(
      'ACK',
      (message) => method(message) === 'ACK' && header(message, 'Call-ID') === header(invite, 'Call-ID'),
      WAIT_MS,
    );
  }

  /** A request inside the dialog, and the final answer to it; a re-INVITE is acknowledged. */
  async request(name: string, extra: readonly string[] = [], content = ''): Promise<string> {
    const cseq = ++this.#cseq;
    const type =
      content !== '' && !extra.some((line) => line.startsWith('Content-Type'))
        ? ['Content-Type: application/sdp']
        : [];
    const lines = [...extra, ...type];
    const text =
      this.#invite === ''
        ? this.ua.inDialog(name, cseq, this.#answer, lines, content)
        : this.ua.inDialogAsUas(name, cseq, this.#invite, this.#tag, lines, content);
    this.ua.send(text);
    const answer = await this.ua.next(
      `answer to ${name}`,
      (message) =>
        status(message) >= 200 &&
        header(message, 'CSeq') === `${cseq} ${name}` &&
        header(message, 'Call-ID') === header(text, 'Call-ID'),
      WAIT_MS,
    );
    if (name === 'INVITE') {
      const ack =
        this.#invite === ''
          ? this.ua.inDialog('ACK', cseq, answer)
          : this.ua.inDialogAsUas('ACK', cseq, this.#invite, this.#tag);
      this.ua.send(ack);
    }
    return answer;
  }

  /** A re-INVITE with another direction of the media. */
  direction(direction: string): Promise<string> {
    return this.request('INVITE', [], this.media.sdp(direction, ++this.#version));
  }

  /** Answers the next request of that name. */
  async takes(name: string): Promise<string> {
    const request = await this.ua.nextRequest(name, WAIT_MS);
    this.respond(request, 200, 'OK');
    return request;
  }
}
