import { HeaderList, NO_BODY, type SipRequest, type SipResponse } from '../message.js';
import { parseNameAddr, parseNameAddrList } from '../name-addr.js';
import { splitValues } from '../scan.js';
import { parseSipUri } from '../uri.js';

export type DialogState = 'early' | 'confirmed' | 'terminated';

/** What a request in a dialog carries beyond what the dialog fills in. */
export interface InDialogOptions {
  /** A Contact value, for methods that refresh the target. */
  readonly contact?: string;
  readonly headers?: Iterable<readonly [string, string]>;
  readonly body?: Buffer;
  /** A CSeq number of the caller's choosing, at least the dialog's next; the next one otherwise. */
  readonly cseq?: number;
}

interface Parts {
  role: 'uac' | 'uas';
  state: DialogState;
  callId: string;
  local: string;
  localTag: string;
  remote: string;
  remoteTag: string;
  localCSeq: number | undefined;
  remoteCSeq: number | undefined;
  remoteTarget: string;
  routeSet: string[];
}

/** The state of one dialog, early or confirmed, on either side (RFC 3261 12). */
export class Dialog {
  readonly role: 'uac' | 'uas';
  readonly callId: string;
  readonly localTag: string;
  /** Empty when an RFC 2543 peer gave none. */
  readonly remoteTag: string;
  readonly #local: string;
  readonly #remote: string;
  #state: DialogState;
  #localCSeq: number | undefined;
  #remoteCSeq: number | undefined;
  #remoteTarget: string;
  #routeSet: string[];

  private constructor(parts: Parts) {
    this.role = parts.role;
    this.callId = parts.callId;
    this.localTag = parts.localTag;
    this.remoteTag = parts.remoteTag;
    this.#local = parts.local;
    this.#remote = parts.remote;
    this.#state = parts.state;
    this.#localCSeq = parts.localCSeq;
    this.#remoteCSeq = parts.remoteCSeq;
    this.#remoteTarget = parts.remoteTarget;
    this.#routeSet = parts.routeSet;
  }

  /** From a request that came in and the 101-2xx response we give it (12.1.1); undefined without To tag or Contact. */
  static ofUas(request: SipRequest, response: SipResponse): Dialog | undefined {
    const localTag = response.headers.toTag();
    const remoteTarget = contactUri(request.headers);
    if (localTag === undefined || remoteTarget === undefined || response.status < 101) return undefined;
    return new Dialog({
      role: 'uas',
      state: stateFor(response.status),
      callId: request.headers.callId(),
      local: response.headers.get('to')!,
      localTag,
      remote: request.headers.get('from') ?? '',
      remoteTag: request.headers.fromTag() ?? '',
      localCSeq: undefined,
      remoteCSeq: request.headers.cseq()?.number,
      remoteTarget,
      routeSet: recordRoutes(request.headers),
    });
  }

  /**
   * From a request that we sent and a 101-2xx response to it (12.1.2). A provisional response without To tag
   * forms none. Without a Contact the remote target is the Request-URI, until a later response names one.
   */
  static ofUac(request: SipRequest, response: SipResponse): Dialog | undefined {
    const localTag = request.headers.fromTag();
    const remoteTag = response.headers.toTag();
    if (localTag === undefined || response.status < 101 || response.status > 299) return undefined;
    if (remoteTag === undefined && response.status < 200) return undefined;
    return new Dialog({
      role: 'uac',
      state: stateFor(response.status),
      callId: request.headers.callId(),
      local: request.headers.get('from')!,
      localTag,
      remote: response.headers.get('to') ?? '',
      remoteTag: remoteTag ?? '',
      localCSeq: request.headers.cseq()?.number,
      remoteCSeq: undefined,
      remoteTarget: contactUri(response.headers) ?? request.uri,
      routeSet: recordRoutes(response.headers).reverse(),
    });
  }

  /** Call-ID, local tag and remote tag (12); the same text that `dialogId` makes of a message. */
  get id(): string {
    return dialogKey(this.callId, this.localTag, this.remoteTag);
  }

  get state(): DialogState {
    return this.#state;
  }

  /** The URI of the peer's Contact. */
  get remoteTarget(): string {
    return this.#remoteTarget;
  }

  /** Route values in the order in which a request of ours carries them. */
  get routeSet(): readonly string[] {
    return this.#routeSet;
  }

  /** From as we write it in requests, tag included. */
  get localAddress(): string {
    return this.#local;
  }

  /** To as we write it in requests, tag included. */
  get remoteAddress(): string {
    return this.#remote;
  }

  /** The number of our last request; undefined before the first. */
  get localCSeq(): number | undefined {
    return this.#localCSeq;
  }

  get remoteCSeq(): number | undefined {
    return this.#remoteCSeq;
  }

  /** As UAS: a 2xx was sent. As UAC: this 2xx came, and its route set and target hold (13.2.2.4). */
  confirm(response?: SipResponse): void {
    if (this.#state === 'early') {
      this.#state = 'confirmed';
      if (this.role === 'uac' && response) this.#routeSet = recordRoutes(response.headers).reverse();
    }
    if (response && this.role === 'uac') this.refreshTarget(response);
  }

  terminate(): void {
    this.#state = 'terminated';
  }

  /** Takes over the Contact of a target refresh: INVITE, UPDATE, or the 2xx to one of them (12.2). */
  refreshTarget(message: SipRequest | SipResponse): void {
    this.#remoteTarget = contactUri(message.headers) ?? this.#remoteTarget;
  }

  /**
   * Checks the order of a request from the peer and notes its CSeq (12.2.2). `out-of-order` means 500. ACK and
   * CANCEL carry the number of another request and always pass.
   */
  receive(request: SipRequest): 'in-order' | 'out-of-order' {
    if (request.method === 'ACK' || request.method === 'CANCEL') return 'in-order';
    const number = request.headers.cseq()?.number ?? 0;
    if (this.#remoteCSeq !== undefined && number < this.#remoteCSeq) return 'out-of-order';
    this.#remoteCSeq = number;
    return 'in-order';
  }

  /** A request in the dialog with the next CSeq (12.2.1.1). Via is the transaction layer's. */
  createRequest(method: string, options: InDialogOptions = {}): SipRequest {
    this.#localCSeq = Math.max(options.cseq ?? 0, (this.#localCSeq ?? 0) + 1);
    return this.#build(method, this.#localCSeq, options);
  }

  /** The ACK to a 2xx of our INVITE with that CSeq number (13.2.2.4). */
  createAck(inviteCSeq: number, options: InDialogOptions = {}): SipRequest {
    return this.#build('ACK', inviteCSeq, options);
  }

  /** The URI of the next hop for requests in the dialog: the first route, or the remote target (12.2.1.1). */
  nextHop(): string {
    const first = this.#routeSet[0];
    return (first === undefined ? undefined : parseNameAddr(first)?.uri) ?? this.#remoteTarget;
  }

  #build(method: string, cseq: number, options: InDialogOptions): SipRequest {
    const headers = new HeaderList();
    const first = this.#routeSet[0];
    let uri = this.#remoteTarget;
    if (first !== undefined) {
      const firstUri = parseNameAddr(first)?.uri ?? '';
      if (parseSipUri(firstUri)?.params.has('lr') === true || !parseSipUri(firstUri)) {
        for (const route of this.#routeSet) headers.add('Route', route);
      } else {
        // A strict router (RFC 2543): it takes the Request-URI, the target goes last.
        uri = withoutHeaders(firstUri);
        for (const route of this.#routeSet.slice(1)) headers.add('Route', route);
        headers.add('Route', `<${this.#remoteTarget}>`);
      }
    }
    headers.add('From', this.#local);
    headers.add('To', this.#remote);
    headers.add('Call-ID', this.callId);
    headers.add('CSeq', `${cseq} ${method}`);
    headers.add('Max-Forwards', '70');
    if (options.contact !== undefined) headers.add('Contact', options.contact);
    if (options.headers) for (const [name, value] of options.headers) headers.add(name, value);
    return { kind: 'request', method, uri, headers, body: options.body ?? NO_BODY };
  }
}

/** The id of the dialog that a message we received belongs to, from our side; undefined without To tag. */
export function dialogId(message: SipRequest | SipResponse): string | undefined {
  const { headers } = message;
  const toTag = headers.toTag();
  if (toTag === undefined) return undefined;
  const fromTag = headers.fromTag() ?? '';
  return message.kind === 'request'
    ? dialogKey(headers.callId(), toTag, fromTag)
    : dialogKey(headers.callId(), fromTag, toTag);
}

/** The text that names a dialog (RFC 3261 12). */
export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId};${localTag};${remoteTag}`;
}

function stateFor(status: number): DialogState {
  return status < 200 ? 'early' : 'confirmed';
}

function contactUri(headers: HeaderList): string | undefined {
  const line = headers.get('contact');
  const uri = line === undefined ? undefined : parseNameAddrList(line)?.[0]?.uri;
  return uri === '*' ? undefined : uri;
}

function recordRoutes(headers: HeaderList): string[] {
  return headers.getAll('record-route').flatMap((line) => splitValues(line) ?? []);
}

function withoutHeaders(uri: string): string {
  const question = uri.indexOf('?');
  return question < 0 ? uri : uri.slice(0, question);
}
