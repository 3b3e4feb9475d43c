import type {
  SrfAck,
  SrfFailure,
  SrfMessage,
  SrfReply,
  SrfRequest,
  SrfResponse,
  SrfSendOptions,
  SrfSent,
  SrfSentRequest,
} from '../../../../src/signalling/srf-types.js';
import type { SipLink } from '../../../../src/signalling/sip-link.js';

type ResponseListener = (response: SrfResponse, ack: SrfAck) => void;

/** A request that the code under test sent; the test plays the far end. */
export class FakeSent implements SrfSentRequest {
  readonly cancels: Record<string, string>[] = [];
  readonly acks: (string | null)[] = [];
  readonly msg: SrfMessage;
  readonly #listeners: ResponseListener[] = [];

  constructor(
    readonly uri: string,
    readonly options: SrfSendOptions,
    readonly done: SrfSent,
    readonly callId: string,
  ) {
    this.msg = {
      raw: `X\r\nCall-ID: ${callId}\r\nFrom: <sip:us@h>;tag=ours\r\nCSeq: 7 ${options.method}\r\n\r\n`,
      headers: {},
    };
  }

  /** The server has sent it. */
  sent(): this {
    this.done(null, this);
    return this;
  }

  fail(failure: SrfFailure): void {
    this.done(failure);
  }

  on(event: 'response', listener: ResponseListener): void;
  on(event: 'update', listener: (request: SrfRequest, reply: SrfReply) => void): void;
  on(event: string, listener: unknown): void {
    if (event === 'response') this.#listeners.push(listener as ResponseListener);
  }

  cancel(options: { headers?: Record<string, string> }): void {
    this.cancels.push(options.headers ?? {});
  }

  respond(
    status: number,
    lines: readonly string[] = [],
    body = '',
    sourceAddress = '127.0.0.1',
    sourcePort = 5060,
    protocol = 'udp',
  ): void {
    const raw = [
      `SIP/2.0 ${status} Reason`,
      `Call-ID: ${this.callId}`,
      'From: <sip:us@h>;tag=ours',
      'To: <sip:them@h>;tag=theirs',
      'Contact: <sip:them@10.0.0.9>',
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      ...lines,
      '',
      body,
    ].join('\r\n');
    const response: SrfResponse = {
      status,
      reason: 'Reason',
      body,
      msg: { raw, headers: {} },
      source_address: sourceAddress,
      source_port: sourcePort,
      protocol,
      stackDialogId: `${this.callId};from-tag=ours`,
    };
    const ack: SrfAck = (options) => {
      this.acks.push(options?.body ?? null);
    };
    for (const listener of this.#listeners) listener(response, ack);
  }
}

/** Takes what is sent and leaves the answers to the test. */
export class FakeLink implements SipLink {
  readonly requests: FakeSent[] = [];

  request(uri: string, options: SrfSendOptions, done: SrfSent): void {
    this.requests.push(new FakeSent(uri, options, done, `call${this.requests.length + 1}@us`));
  }

  /** The last request of this method. */
  last(method: string): FakeSent {
    const found = this.requests.filter((request) => request.options.method === method).at(-1);
    if (!found) throw new Error(`no ${method} was sent`);
    return found;
  }

  count(method: string): number {
    return this.requests.filter((request) => request.options.method === method).length;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** A request from the far end, and what it is answered. */
export class FakeIncoming {
  readonly answers: Answer[] = [];
  readonly request: SrfRequest;
  readonly reply: SrfReply;
  #cancelled: (() => void) | null = null;
  #done: ((failure: SrfFailure, sent?: SrfMessage) => void) | undefined;
  #dialogId: string | undefined;

  constructor(
    method: string,
    options: { dialogId?: string; lines?: readonly string[]; body?: string; byStack?: boolean } = {},
  ) {
    const { dialogId, lines = [], body = '', byStack = false } = options;
    const raw = [
      `${method} sip:1234@us SIP/2.0`,
      'Call-ID: in@them',
      'From: "Ann" <sip:ann@them>;tag=theirs',
      'To: <sip:1234@us>',
      'Contact: <sip:ann@10.0.0.8>',
      ...(lines.some((line) => line.startsWith('CSeq')) ? [] : [`CSeq: 1 ${method}`]),
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      ...lines,
      '',
      body,
    ].join('\r\n');
    this.request = {
      method,
      uri: 'sip:1234@us',
      body,
      msg: { raw, headers: {} },
      source: byStack ? 'application' : 'network',
      source_address: '127.0.0.1',
      source_port: 5060,
      protocol: 'udp',
      stackTxnId: 't1',
      stackDialogId: dialogId,
      on: (event: string, listener: unknown) => {
        if (event === 'cancel') this.#cancelled = listener as () => void;
      },
    };
    const msg: SrfMessage = { headers: { 'call-id': 'in@them', cseq: `1 ${method}` } };
    const dialog = (): string | undefined => this.#dialogId;
    this.reply = {
      msg,
      finalResponseSent: false,
      get stackDialogId() {
        return dialog();
      },
      send: (status, _reason, _options, done) => {
        this.answers.push({ status, headers: { ...msg.headers }, body: msg.body });
        this.#done = done;
      },
    };
  }

  /** The server says that it sent the last answer. */
  echo(): void {
    this.#dialogId = 'in@them;from-tag=theirs';
    this.#done?.(null, { raw: 'SIP/2.0 200 OK\r\nTo: <sip:1234@us>;tag=ours\r\n\r\n', headers: {} });
  }

  refuseEcho(failure: string): void {
    this.#done?.(failure);
  }

  cancel(): void {
    this.#cancelled?.();
  }

  get statuses(): number[] {
    return this.answers.map(({ status }) => status);
  }
}
