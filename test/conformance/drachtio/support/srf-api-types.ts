/** The public API of drachtio-srf 5 as a program uses it between two engines. */

export interface ApiMessage {
  readonly method: string;
  readonly status: number;
  readonly body: string;
  get(name: string): string;
  on(event: 'cancel' | 'response', listener: (message: ApiMessage) => void): void;
  cancel(callback?: (error: unknown) => void): void;
}

export interface ApiReply {
  send(status: number, options?: { headers?: Record<string, string>; body?: string }): void;
}

export interface ApiDialog {
  readonly onHold: boolean;
  readonly local: { readonly sdp: string };
  readonly remote: { readonly sdp: string };
  modify(sdp: string): Promise<string>;
  request(options: { method: string; headers?: Record<string, string>; body?: string }): Promise<ApiMessage>;
  destroy(): Promise<unknown>;
  on(event: string, listener: (request: ApiMessage, reply: ApiReply) => void): void;
}

/** What `createUAC` yields with `noAck`: the answer of the other side, and the ACK that is still owed. */
export interface OwedAck {
  readonly sdp: string;
  ack(sdp: string): Promise<ApiDialog>;
}

export type ApiHandler = (request: ApiMessage, reply: ApiReply, next: () => void) => void;

export interface Api {
  use(verb: string, handler: ApiHandler): void;
  invite(handler: ApiHandler): void;
  options(handler: ApiHandler): void;
  request(uri: string, options: { method: string; headers?: Record<string, string> }): Promise<ApiMessage>;
  createUAS(request: ApiMessage, reply: ApiReply, options: { localSdp: string }): Promise<ApiDialog>;
  createUAC(
    uri: string,
    options: { localSdp?: string; noAck?: false },
    progress?: {
      cbRequest?: (error: unknown, request: ApiMessage) => void;
      cbProvisional?: (response: ApiMessage) => void;
    },
  ): Promise<ApiDialog>;
  createUAC(uri: string, options: { localSdp?: string; noAck: true }): Promise<OwedAck>;
  createB2BUA(
    request: ApiMessage,
    reply: ApiReply,
    uri: string,
    options: object,
  ): Promise<{ uas: ApiDialog; uac: ApiDialog }>;
}
