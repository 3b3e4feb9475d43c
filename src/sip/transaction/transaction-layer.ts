import type { Clock } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import type { SipMessage, SipRequest, SipResponse } from '../message.js';
import { DEFAULT_LIMITS, parseMessage, type ParseLimits, type ParseResult } from '../parse-message.js';
import { createResponse } from '../response.js';
import { serializeMessage } from '../serialize-message.js';
import { parseVia, buildVia, MAGIC_COOKIE, withReceived } from '../via.js';
import { ClientTransaction } from './client-transaction.js';
import { buildCancel } from './request-parts.js';
import { ServerTransaction } from './server-transaction.js';
import { DEFAULT_TIMERS, type TimerValues } from './timers.js';
import { clientKey, mergeKey, serverKey, spiralKey } from './transaction-key.js';
import type { ClientTransactionUser, ServerTransactionUser } from './transaction-user.js';
import { responseDestination, type Destination, type Outbound, type Source } from './transport.js';

export interface TransactionLayerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly outbound: Outbound;
  /** Told about incoming requests; client transactions have a user each. */
  readonly user: ServerTransactionUser;
  readonly timers?: Partial<TimerValues>;
  /** Whether every INVITE is answered 100 at once (default true). */
  readonly sendTrying?: boolean;
  readonly limits?: ParseLimits;
}

/** What the layer holds and what it has seen since it was made. */
export interface TransactionCounts {
  inviteClients: number;
  nonInviteClients: number;
  inviteServers: number;
  nonInviteServers: number;
  /** Running timers of all transactions. */
  timers: number;
  mergeKeys: number;
  /** Since the start: */
  retransmissionsSent: number;
  retransmissionsReceived: number;
  strayResponses: number;
  strayAcks: number;
  mergedRequests: number;
  malformed: number;
  /** Messages that a machine has no row for in its state. */
  ignored: number;
}

/** What became of a CANCEL that was asked for. */
export type CancelResult = 'sent' | 'held-for-provisional' | 'too-late' | 'unknown-transaction';
/** What became of a response that was handed in. */
export type RespondResult = 'sent' | 'wrong-state' | 'unknown-transaction';

const SILENT: ClientTransactionUser = {
  onResponse: () => undefined,
  onTimeout: () => undefined,
  onTransportError: () => undefined,
};

/**
 * The transaction layer (RFC 3261 17, RFC 6026): owns every transaction and its timers, matches what comes in,
 * and frees everything when a transaction ends. It opens no sockets and holds no clock of its own.
 */
export class TransactionLayer {
  readonly clock: Clock;
  readonly timers: TimerValues;
  readonly outbound: Outbound;
  readonly user: ServerTransactionUser;
  readonly sendTrying: boolean;
  readonly #random: Random;
  readonly #limits: ParseLimits;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #merge = new Map<string, ServerTransaction>();
  readonly #seen = {
    retransmissionsSent: 0,
    retransmissionsReceived: 0,
    strayResponses: 0,
    strayAcks: 0,
    mergedRequests: 0,
    malformed: 0,
    ignored: 0,
  };
  readonly #clientOwner;
  readonly #serverOwner;

  constructor(options: TransactionLayerOptions) {
    this.clock = options.clock;
    this.#random = options.random;
    this.outbound = options.outbound;
    this.user = options.user;
    this.timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.sendTrying = options.sendTrying ?? true;
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    const shared = {
      clock: this.clock,
      timers: this.timers,
      outbound: this.outbound,
      countRetransmission: () => {
        this.#seen.retransmissionsSent++;
      },
    };
    this.#clientOwner = {
      ...shared,
      sendCancel: (invite: ClientTransaction) => this.#sendCancel(invite),
      forget: (client: ClientTransaction) => void this.#clients.delete(client.id),
    };
    this.#serverOwner = {
      ...shared,
      user: this.user,
      sendTrying: this.sendTrying,
      forget: (server: ServerTransaction) => this.#forgetServer(server),
    };
  }

  /** Parses and takes in one message. What cannot be parsed is answered where possible, and counted. */
  receiveBytes(bytes: Buffer, source: Source): ParseResult {
    const result = parseMessage(bytes, this.#limits);
    if (result.ok) {
      this.receive(result.message, source);
    } else {
      this.#seen.malformed++;
      if (result.request) this.respondStateless(result.request, source, result.status, result.reason);
    }
    return result;
  }

  /** Takes in one message. Notes `received` and `rport` on a request's top Via. */
  receive(message: SipMessage, source: Source): void {
    if (message.kind === 'response') this.#receiveResponse(message, source);
    else this.#receiveRequest(message, source);
  }

  /**
   * Sends a request in a transaction of its own and returns the transaction's id. Adds Via (and Max-Forwards
   * if missing) to `request`, so a request that is sent again must be a copy without that Via.
   */
  sendRequest(request: SipRequest, destination: Destination, user: ClientTransactionUser): string {
    const branch = this.#addVia(request, destination);
    const client = new ClientTransaction(
      this.#clientOwner,
      clientKey(branch, request.method),
      request,
      destination,
      user,
    );
    this.#clients.set(client.id, client);
    client.dispatch('start');
    return client.id;
  }

  /**
   * Sends a request outside any transaction: the ACK to a 2xx (RFC 3261 13.2.2.4). Adds Via. Returns the bytes,
   * to be sent again with `outbound.send` when the 2xx comes again.
   */
  sendStateless(request: SipRequest, destination: Destination): Buffer {
    this.#addVia(request, destination);
    const bytes = serializeMessage(request);
    this.outbound.send(destination, bytes, undefined, request);
    return bytes;
  }

  /** Answers a request without a transaction (RFC 3261 8.2.7), an unparsable one for instance. */
  respondStateless(
    request: SipRequest,
    source: Source,
    status: number,
    reason?: string,
    headers: readonly (readonly [string, string])[] = [],
  ): void {
    if (request.method === 'ACK') return;
    this.#noteSource(request, source);
    const via = request.headers.topVia();
    if (!via) return;
    const response = createResponse(request, status, reason, { toTag: this.newTag(), headers });
    this.outbound.send(responseDestination(via, source), serializeMessage(response), undefined, response);
  }

  /** Sends a response to a request that came up through `onRequest`. */
  respond(transactionId: string, response: SipResponse): RespondResult {
    const server = this.#servers.get(transactionId);
    if (!server) return 'unknown-transaction';
    return server.respond(response) ? 'sent' : 'wrong-state';
  }

  /**
   * Cancels an INVITE that we sent (RFC 3261 9.1), with extra header lines (Reason, for instance). Before any
   * provisional response the CANCEL is held. If no final response follows within 64*T1, the user's `onTimeout`
   * is called with `X`.
   */
  cancel(transactionId: string, headers: readonly (readonly [string, string])[] = []): CancelResult {
    const client = this.#clients.get(transactionId);
    if (!client?.isInvite) return 'unknown-transaction';
    if (client.state !== 'calling' && client.state !== 'proceeding') return 'too-late';
    client.cancelHeaders ??= headers;
    const held = client.state === 'calling';
    client.dispatch('cancel');
    return held ? 'held-for-provisional' : 'sent';
  }

  /** Tells the layer that what it sent for this transaction did not get out. */
  transportError(transactionId: string): void {
    this.#clients.get(transactionId)?.dispatch('transport-error');
    this.#servers.get(transactionId)?.dispatch('transport-error');
  }

  /** A path is gone: the requests on it that nothing has answered yet fail (RFC 3261 18.4). */
  pathLost(isOn: (destination: Destination) => boolean): void {
    for (const client of [...this.#clients.values()]) {
      const unanswered = client.state === 'calling' || client.state === 'trying';
      if (unanswered && isOn(client.destination)) client.dispatch('transport-error');
    }
  }

  /**
   * Forgets a transaction without sending or reporting anything: an incoming request that nobody will ever
   * answer, for instance. A server transaction waits for its user's answer without end otherwise.
   */
  abandon(transactionId: string): void {
    this.#clients.get(transactionId)?.close();
    this.#servers.get(transactionId)?.close();
  }

  /** The one To tag for all responses of a server transaction, made when first asked for. */
  toTag(transactionId: string): string {
    const server = this.#servers.get(transactionId);
    if (!server) return this.newTag();
    return (server.toTag ??= this.newTag());
  }

  /** The state of a transaction, for display and tests; undefined when it is gone. */
  stateOf(transactionId: string): string | undefined {
    return (this.#clients.get(transactionId) ?? this.#servers.get(transactionId))?.state;
  }

  counts(): TransactionCounts {
    const counts: TransactionCounts = {
      inviteClients: 0,
      nonInviteClients: 0,
      inviteServers: 0,
      nonInviteServers: 0,
      timers: 0,
      mergeKeys: this.#merge.size,
      ...this.#seen,
    };
    for (const client of this.#clients.values()) {
      if (client.isInvite) counts.inviteClients++;
      else counts.nonInviteClients++;
      counts.timers += client.timers.size;
    }
    for (const server of this.#servers.values()) {
      if (server.isInvite) counts.inviteServers++;
      else counts.nonInviteServers++;
      counts.timers += server.timers.size;
    }
    return counts;
  }

  /** Drops every transaction without a word to anyone. Idempotent. */
  close(): void {
    for (const client of [...this.#clients.values()]) client.close();
    for (const server of [...this.#servers.values()]) server.close();
  }

  /** A fresh tag (RFC 3261 19.3). */
  newTag(): string {
    return this.#random.token(6);
  }

  #addVia(request: SipRequest, destination: Destination): string {
    const branch = `${MAGIC_COOKIE}${this.#random.token(10)}`;
    request.headers.prepend(
      'Via',
      buildVia(destination.transport, this.outbound.sentBy(destination), branch),
    );
    if (!request.headers.has('max-forwards')) request.headers.add('Max-Forwards', '70');
    return branch;
  }

  #sendCancel(invite: ClientTransaction): void {
    const cancel = buildCancel(invite.request!, invite.cancelHeaders);
    const branch = cancel.headers.topVia()?.branch ?? '';
    const client = new ClientTransaction(
      this.#clientOwner,
      clientKey(branch, 'CANCEL'),
      cancel,
      invite.destination,
      SILENT,
    );
    this.#clients.set(client.id, client);
    client.dispatch('start');
  }

  #receiveResponse(response: SipResponse, source: Source): void {
    const branch = response.headers.topVia()?.branch;
    const method = response.headers.cseq()?.method;
    const client =
      branch === undefined || method === undefined ? undefined : this.#clients.get(clientKey(branch, method));
    if (!client) {
      this.#seen.strayResponses++;
      this.user.onStrayResponse(response, source);
      return;
    }
    const { status } = response;
    const event = status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure';
    if (!client.dispatch(event, response, source)) this.#seen.ignored++;
  }

  #noteSource(request: SipRequest, source: Source): void {
    const via = request.headers.topVia();
    if (!via) return;
    const line = request.headers.get('via')!;
    const noted = withReceived(line, via, source.address, source.port);
    if (noted !== line) request.headers.replaceFirst('via', noted);
  }

  #receiveRequest(request: SipRequest, source: Source): void {
    const key = serverKey(request);
    const existing = this.#servers.get(key);
    if (request.method === 'ACK') {
      this.#receiveAck(request, existing, source);
      return;
    }
    if (existing) {
      this.#seen.retransmissionsReceived++;
      existing.dispatch('retransmission');
      return;
    }
    this.#noteSource(request, source);
    if (request.method === 'CANCEL') {
      this.#receiveCancel(request, key, source);
      return;
    }
    // RFC 3261 8.2.2.2: the same request by another path.
    let merge = request.headers.toTag() === undefined ? mergeKey(request) : undefined;
    let merged = merge !== undefined && this.#merge.has(merge);
    if (merge !== undefined && merged && this.#isSpiral(request, this.#merge.get(merge)!)) {
      merge = spiralKey(merge, request);
      merged = this.#merge.has(merge);
    }
    const server = this.#open(request, key, source, merged ? undefined : merge, merged);
    if (merged) {
      this.#seen.mergedRequests++;
      server.respond(createResponse(request, 482, undefined, { toTag: this.newTag() }));
    }
  }

  /**
   * RFC 3261 16.3 item 4: what went out from here and comes back with another Request-URI is a spiral, to be handled
   * anew; with the same one it is a loop.
   */
  #isSpiral(request: SipRequest, first: ServerTransaction): boolean {
    if (first.uri === request.uri) return false;
    const below = request.headers.getAll('via').slice(1);
    return below.some((line) => {
      const branch = parseVia(line)?.branch;
      return branch !== undefined && this.#clients.has(clientKey(branch, request.method));
    });
  }

  #open(
    request: SipRequest,
    key: string,
    source: Source,
    merge: string | undefined,
    muted: boolean,
  ): ServerTransaction {
    const server = new ServerTransaction(this.#serverOwner, key, request, source, merge, muted);
    this.#servers.set(key, server);
    if (merge !== undefined) this.#merge.set(merge, server);
    server.dispatch('start', request);
    return server;
  }

  #receiveAck(ack: SipRequest, invite: ServerTransaction | undefined, source: Source): void {
    if (!invite) {
      this.#seen.strayAcks++;
      this.user.onAck(ack, source);
    } else if (!invite.dispatch('ack', ack, source)) {
      this.#seen.ignored++;
    }
  }

  /** RFC 3261 9.2: 200 with the INVITE's To tag, or 481. */
  #receiveCancel(cancel: SipRequest, key: string, source: Source): void {
    const invite = this.#servers.get(serverKey(cancel, 'INVITE'));
    const server = this.#open(cancel, key, source, undefined, true);
    if (!invite) {
      server.respond(createResponse(cancel, 481, undefined, { toTag: this.newTag() }));
      return;
    }
    server.respond(createResponse(cancel, 200, undefined, { toTag: this.toTag(invite.id) }));
    if (invite.state === 'proceeding' && !invite.muted) this.user.onCancel(invite.id, cancel, source);
  }

  #forgetServer(server: ServerTransaction): void {
    this.#servers.delete(server.id);
    if (server.mergeKey !== undefined && this.#merge.get(server.mergeKey) === server) {
      this.#merge.delete(server.mergeKey);
    }
  }
}
