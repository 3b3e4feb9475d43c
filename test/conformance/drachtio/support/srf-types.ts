/** What the tests use of drachtio-srf, whose own types leave much of it out. */

export interface SrfMessage {
  readonly method: string;
  readonly status: number;
  readonly uri: string;
  readonly body: string;
  get(name: string): string;
  has(name: string): boolean;
  on(event: string, listener: (message: SrfMessage) => void): void;
  cancel(callback: (error: unknown) => void): void;
  proxy(options: ProxyOptions): Promise<ProxyResults>;
}

export interface ProxyOptions {
  readonly destination: readonly string[];
  readonly remainInDialog?: boolean;
  readonly followRedirects?: boolean;
  readonly forking?: 'simultaneous' | 'sequential';
  readonly provisionalTimeout?: string;
  readonly finalTimeout?: string;
  readonly headers?: Record<string, string>;
}

export interface ProxyResults {
  readonly connected: boolean;
  readonly finalStatus: number;
  readonly responses: readonly {
    readonly address: string;
    readonly port: number;
    readonly msgs: readonly { readonly status: number }[];
  }[];
}

export interface SrfSender {
  send(status: number, options?: object, callback?: (error: unknown, sent: SrfMessage) => void): void;
}

export interface SrfDialog {
  readonly id: string;
  readonly remote: { readonly sdp: string };
  destroy(): Promise<unknown>;
  modify(sdp: string): Promise<string>;
  request(options: { method: string; headers?: Record<string, string>; body?: string }): Promise<SrfMessage>;
  on(event: string, listener: (message: SrfMessage, response: SrfSender & string) => void): void;
}

export interface ListeningServer {
  address(): { port: number };
  close(): void;
  on(event: 'listening', listener: () => void): void;
}

export type SrfHandler = (request: SrfMessage, response: SrfSender) => void;

export interface SrfApp {
  on(event: string, listener: (error: unknown) => void): void;
  connect(options: { host: string; port: number; secret: string }): void;
  disconnect(): void;
  listen(options: { host: string; port: number; secret: string }): ListeningServer;
  endSession(message: SrfMessage): void;
  invite(handler: SrfHandler): void;
  options(handler: SrfHandler): void;
  createUAS(
    request: SrfMessage,
    response: SrfSender,
    options: { localSdp: string; headers?: Record<string, string> },
  ): Promise<SrfDialog>;
  createUAC(
    uri: string,
    options: {
      localSdp?: string;
      headers?: Record<string, string>;
      auth?: { username: string; password: string };
    },
    progress?: {
      cbRequest?: (error: unknown, request: SrfMessage) => void;
      cbProvisional?: (response: SrfMessage) => void;
    },
  ): Promise<SrfDialog>;
  createB2BUA(
    request: SrfMessage,
    response: SrfSender,
    uri: string,
    options: object,
  ): Promise<{ uas: SrfDialog; uac: SrfDialog }>;
}
