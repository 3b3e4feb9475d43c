import type {
  DigestAttempt,
  DigestClient,
  DigestedRequest,
  DigestHeaders,
} from '../sip/auth/digest-client.js';
import { cseqOf, firstValue, readHeaders, valuesOf } from './header-reading.js';
import type { SipLink } from './sip-link.js';
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
} from './srf-types.js';

export interface AnsweringRequestOptions {
  readonly link: SipLink;
  readonly uri: string;
  readonly options: SrfSendOptions;
  readonly client: DigestClient;
  readonly done: SrfSent;
  /** The challenge cannot be met: the realm that refused us, or null where its algorithm is unknown. */
  readonly refused: (realm: string | null, status: number) => void;
}

type CancelOptions = Parameters<SrfSentRequest['cancel']>[0];
type CancelDone = Parameters<SrfSentRequest['cancel']>[1];
interface HeldCancel {
  readonly options: CancelOptions;
  readonly done: CancelDone;
}

/** `first` (not sent yet) → `waiting` for a response ⇄ `retrying` (a challenge is being answered) → `over`. */
type State = 'first' | 'waiting' | 'retrying' | 'over';

/**
 * A request that is sent again with credentials where it is challenged; to its owner it is one request. A CANCEL
 * that falls between two sendings is held, and no request is sent again once it was cancelled.
 */
export class AnsweringRequest implements SrfSentRequest {
  readonly #options: AnsweringRequestOptions;
  readonly #attempt: DigestAttempt;
  readonly #onResponse: ((response: SrfResponse, ack: SrfAck) => void)[] = [];
  readonly #onUpdate: ((request: SrfRequest, reply: SrfReply) => void)[] = [];
  #state: State = 'first';
  #current: SrfSentRequest | null = null;
  #cancelled = false;
  #heldCancel: HeldCancel | null = null;

  constructor(options: AnsweringRequestOptions) {
    this.#options = options;
    this.#attempt = options.client.begin();
  }

  get uri(): string {
    return this.#current?.uri ?? this.#options.uri;
  }

  get msg(): SrfMessage {
    return this.#current?.msg ?? { headers: {} };
  }

  start(): void {
    const { uri, options, link, done } = this.#options;
    const known = /@localhost|^sip:placeholder$/.test(uri)
      ? null
      : this.#attempt.anticipate({ method: options.method, uri, body: Buffer.from(options.body ?? '') });
    link.request(uri, known ? withCredentials(options, known) : options, (failure, sent) => {
      if (failure || !sent) {
        this.#state = 'over';
        done(failure ?? new Error('the request was not sent'));
        return;
      }
      this.#state = 'waiting';
      this.#follow(sent);
      done(null, this);
    });
  }

  #follow(sent: SrfSentRequest): void {
    this.#current = sent;
    sent.on('response', (response, ack) => {
      if (this.#current === sent) this.#received(response, ack);
    });
    sent.on('update', (request, reply) => {
      for (const listener of this.#onUpdate) listener(request, reply);
    });
  }

  #received(response: SrfResponse, ack: SrfAck): void {
    const { status } = response;
    const isChallenge = status === 401 || status === 407;
    if (isChallenge && !this.#cancelled && this.#answer(response, ack)) return;
    if (status >= 200) {
      this.#state = 'over';
      if (!isChallenge) this.#accepted(response);
    }
    this.#deliver(response, ack);
  }

  #deliver(response: SrfResponse, ack: SrfAck): void {
    for (const listener of this.#onResponse) listener(response, ack);
  }

  #accepted(response: SrfResponse): void {
    const headers = readHeaders(response.msg.raw);
    this.#attempt.onAccepted({
      www: valuesOf(headers, 'authentication-info'),
      proxy: valuesOf(headers, 'proxy-authentication-info'),
    });
  }

  /** False where the challenge is to be handed to the owner. */
  #answer(response: SrfResponse, ack: SrfAck): boolean {
    const { refused, options } = this.#options;
    const headers = readHeaders(response.msg.raw);
    const challenges = {
      www: valuesOf(headers, 'www-authenticate'),
      proxy: valuesOf(headers, 'proxy-authenticate'),
    };
    const sent = this.#current?.msg.raw;
    const step = this.#attempt.onChallenge(challenges, digested(sent, this.#options.uri, options));
    if (step.kind !== 'retry') {
      refused(step.kind === 'auth_failed' ? step.realm : null, response.status);
      return false;
    }
    this.#state = 'retrying';
    const again = withCredentials(
      options.stackDialogId === undefined ? sameRequest(options, sent, response) : options,
      step.headers,
    );
    this.#options.link.request(this.#options.uri, again, (failure, resent) => {
      this.#onResent(failure, resent, response, ack);
    });
    return true;
  }

  #onResent(
    failure: SrfFailure,
    sent: SrfSentRequest | undefined,
    challenge: SrfResponse,
    ack: SrfAck,
  ): void {
    const held = this.#heldCancel;
    this.#heldCancel = null;
    if (failure || !sent) {
      this.#state = 'over';
      held?.done(failure ?? new Error('the request was not sent'));
      this.#deliver(challenge, ack);
      return;
    }
    this.#state = 'waiting';
    this.#follow(sent);
    if (held) sent.cancel(held.options, held.done);
  }

  on(event: 'response', listener: (response: SrfResponse, ack: SrfAck) => void): this;
  on(event: 'update', listener: (request: SrfRequest, reply: SrfReply) => void): this;
  on(event: string, listener: unknown): this {
    if (event === 'response') this.#onResponse.push(listener as (response: SrfResponse, ack: SrfAck) => void);
    else this.#onUpdate.push(listener as (request: SrfRequest, reply: SrfReply) => void);
    return this;
  }

  cancel(options: CancelOptions, done: CancelDone): void {
    this.#cancelled = true;
    if (this.#state === 'retrying') this.#heldCancel = { options, done };
    else if (this.#current) this.#current.cancel(options, done);
    else done(new Error('the request was not sent yet'));
  }
}

/** What the digest covers, as the server says that it went out. */
function digested(raw: string | undefined, uri: string, options: SrfSendOptions): DigestedRequest {
  const sentUri = raw === undefined ? undefined : /^[A-Z]+ (\S+) SIP\/2\.0\r?\n/.exec(raw)?.[1];
  const gap = raw?.indexOf('\r\n\r\n') ?? -1;
  const body = raw !== undefined && gap >= 0 ? raw.slice(gap + 4) : (options.body ?? '');
  return { method: options.method, uri: sentUri ?? uri, body: Buffer.from(body) };
}

/** The Call-ID and From of the first sending and the next CSeq (RFC 3261 22.2), to the server that asked. */
function sameRequest(
  options: SrfSendOptions,
  raw: string | undefined,
  challenge: SrfResponse,
): SrfSendOptions {
  const headers = readHeaders(raw);
  const [callId, from, cseq] = [firstValue(headers, 'call-id'), firstValue(headers, 'from'), cseqOf(headers)];
  const kept: Record<string, string> = {};
  for (const name in options.headers) {
    if (!/^(?:from|call-id|cseq)$/i.test(name)) kept[name] = options.headers[name]!;
  }
  if (callId !== null) kept['Call-ID'] = callId;
  if (from !== null) kept['From'] = from;
  if (cseq !== null) kept['CSeq'] = `${cseq + 1} ${options.method}`;
  const proxy = challengerOf(options.proxy, challenge);
  return { ...options, headers: kept, ...(proxy === null ? {} : { proxy }) };
}

/**
 * The nonce is good at the server that gave it, and a name may lead elsewhere the next time. Over TLS the name
 * stays, as the certificate is for it (its connection is used again anyway).
 */
function challengerOf(
  proxy: string | undefined,
  { source_address, source_port, protocol }: SrfResponse,
): string | null {
  const transport = protocol?.toLowerCase();
  if (proxy === undefined || !source_address || !source_port) return null;
  if (transport !== 'udp' && transport !== 'tcp') return null;
  if (/^sips:|^<?sips?:(?:[^@>]*@)?(?:\d{1,3}(?:\.\d{1,3}){3}|\[)/i.test(proxy)) return null;
  const host = source_address.includes(':') ? `[${source_address.replace(/[[\]]/g, '')}]` : source_address;
  return `sip:${host}:${source_port};transport=${transport}`;
}

/** The request with these headers added. */
export function withCredentials(
  options: SrfSendOptions,
  { authorization, proxyAuthorization }: DigestHeaders,
): SrfSendOptions {
  const headers = { ...options.headers };
  const put = (name: string, values: readonly string[]): void => {
    if (values.length > 0) headers[name] = values.join(`\r\n${name}: `);
  };
  put('Authorization', authorization);
  put('Proxy-Authorization', proxyAuthorization);
  return { ...options, headers };
}
