import type { InDialogRequest, InDialogResponse } from './in-dialog.js';
import type { RequestContent } from './leg-requests.js';
import { digitOfInfo } from './request-routing.js';

type SendInfo = (method: 'INFO', content: RequestContent, done: (response: InDialogResponse) => void) => void;

/** Digits in SIP INFO, both ways. Those that we send go one after the other, in the form that the peer uses. */
export class InfoDigits {
  readonly #send: SendInfo;
  readonly #queue: string[] = [];
  #sending = false;
  #bare = false;

  constructor(send: SendInfo) {
    this.#send = send;
  }

  /** The digit that a request carries, or null. */
  read(request: InDialogRequest): string | null {
    const digit = request.method === 'INFO' ? digitOfInfo(request) : null;
    if (digit !== null) this.#bare = /^\s*application\/dtmf\s*(?:;|$)/i.test(request.contentType ?? '');
    return digit;
  }

  send(digits: string): void {
    this.#queue.push(...Array.from(digits));
    this.#next();
  }

  #next(): void {
    if (this.#sending) return;
    const digit = this.#queue.shift();
    if (digit === undefined) return;
    this.#sending = true;
    const content = this.#bare
      ? { contentType: 'application/dtmf', body: digit }
      : { contentType: 'application/dtmf-relay', body: `Signal=${digit}\r\nDuration=160\r\n` };
    // A refused INFO is the peer's word: the digits behind it may still be wanted.
    this.#send('INFO', content, () => {
      this.#sending = false;
      this.#next();
    });
  }
}
