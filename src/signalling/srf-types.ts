/** A SIP message as drachtio-srf holds it. `headers` is what goes on the wire, in the spelling given here. */
export interface SrfMessage {
  raw?: string;
  headers: Record<string, string>;
  body?: string | undefined;
}

/** Says whether something went wrong: an Error, or the text of the server. */
export type SrfFailure = Error | string | null | undefined;

/** A request that arrived. */
export interface SrfRequest {
  readonly method: string;
  readonly uri: string;
  readonly body?: string | undefined;
  readonly msg: SrfMessage;
  /** `network`, or `application` for a request that the server made by itself. */
  readonly source: string;
  readonly source_address: string;
  readonly source_port: number;
  readonly protocol: string;
  /** Time of day at which the server got it: `HH:MM:SS.micros`. */
  readonly stackTime?: string | undefined;
  readonly stackTxnId: string;
  /** Empty outside a dialog. */
  readonly stackDialogId?: string | undefined;
  on(event: 'cancel', listener: (cancel: SrfMessage) => void): unknown;
  on(event: 'update', listener: (request: SrfRequest, reply: SrfReply) => void): unknown;
}

/** The means to answer a request that arrived. */
export interface SrfReply {
  readonly msg: SrfMessage;
  readonly finalResponseSent: boolean;
  /** Set once the server has said how the response was sent. */
  readonly stackDialogId?: string | undefined;
  /** Throws on a status that drachtio-srf does not know. */
  send(
    status: number,
    reason: string | undefined,
    options: Record<string, never>,
    done?: (failure: SrfFailure, sent?: SrfMessage) => void,
  ): void;
}

/** A response that arrived. */
export interface SrfResponse {
  readonly status: number;
  readonly reason: string;
  readonly body?: string | undefined;
  readonly msg: SrfMessage;
  /** Empty where the server itself made the response (408, 503). */
  readonly source_address: string;
  readonly source_port?: number | undefined;
  readonly protocol?: string | undefined;
  readonly stackDialogId?: string | undefined;
}

/** Sends the ACK of a 2xx, or the PRACK of a reliable provisional response. */
export type SrfAck = (
  options?: { body?: string; headers?: Record<string, string> },
  done?: (failure: SrfFailure) => void,
) => void;

/** A request of ours, once the server has sent it. */
export interface SrfSentRequest {
  readonly uri: string;
  readonly msg: SrfMessage;
  on(event: 'response', listener: (response: SrfResponse, ack: SrfAck) => void): unknown;
  on(event: 'update', listener: (request: SrfRequest, reply: SrfReply) => void): unknown;
  cancel(
    options: { headers?: Record<string, string> },
    done: (failure: SrfFailure, sent?: SrfSentRequest) => void,
  ): void;
}

/** A request to send. Without `stackDialogId` it is one outside a dialog. */
export interface SrfSendOptions {
  method: string;
  headers: Record<string, string>;
  body?: string;
  proxy?: string;
  stackDialogId?: string;
  /** A transaction of the server that the request continues. */
  stackTxnId?: string;
  /** For digest challenges; read by `DigestLink`, unknown to drachtio-srf. */
  credentials?: { readonly username: string; readonly password: string };
}

export type SrfSent = (failure: SrfFailure, request?: SrfSentRequest) => void;

/** What is used of the control connection's socket. */
export interface SrfSocket {
  cork(): void;
  uncork(): void;
}

/** The socket layer of drachtio-srf: needed to close for good and to see when the routes are acknowledged. */
export interface SrfWire {
  closing?: boolean;
  reconnectVars?: { retryTimer?: NodeJS.Timeout | null };
  send(socket: SrfSocket, message: string): string;
  on(event: 'msg', listener: (socket: unknown, message: string) => void): unknown;
  removeListener(event: 'msg', listener: (socket: unknown, message: string) => void): unknown;
}

export interface SrfConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly enablePing: boolean;
  readonly pingInterval: number;
  readonly reconnect: { readonly retryMaxDelay: number };
}

/** What is used of an `Srf` instance. */
export interface SrfLike {
  readonly app: {
    readonly client?: { readonly wp: SrfWire; readonly mapServer: ReadonlyMap<unknown, unknown> };
    request(uri: string, options: SrfSendOptions, done: SrfSent): void;
    use(method: string, handler: (request: SrfRequest, reply: SrfReply, next: () => void) => void): unknown;
  };
  connect(options: SrfConnectOptions): unknown;
  disconnect(): void;
  use(handler: (request: SrfRequest, reply: SrfReply, next: () => void) => void): unknown;
  on(event: 'connect', listener: (failure: Error | null, hostports?: string) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'error', listener: (failure: Error) => void): unknown;
}
