/** A SIP transport that the engine can listen on. */
export type EngineTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

/** Certificates of a TLS or WSS listener, as PEM files: they are read again when they change. */
export interface ListenTlsOptions {
  /** The certificate and its chain; shown to those who connect, and by the engine where a peer asks for one. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Who may sign the certificates of peers; the well-known authorities without it. */
  readonly caFile?: string;
  /** Whether peers that connect show a certificate: `request` takes those without, but none that is not valid. Default `none`. */
  readonly clientCert?: 'none' | 'request' | 'require';
  /** Whether peers that the engine connects to must show a valid certificate for their name (default true). */
  readonly verify?: boolean;
}

/** How the engine meets one peer over TLS, where that differs from what the listener says. */
export interface TlsPeerOptions {
  /** As in the URI, in any case; an IPv6 address without brackets. */
  readonly host: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly verify?: boolean;
  /** The name that is asked for (SNI) and must stand in the certificate, instead of `host`. */
  readonly serverName?: string;
}

/**
 * One listening socket. `port` 0 takes a free one. `advertise` is what Via, Contact and From say instead of the bound
 * address. `tls` is required for `tls` and `wss`.
 */
export interface ListenOptions {
  readonly transport: EngineTransport;
  readonly address: string;
  readonly port: number;
  readonly advertise?: { readonly address: string; readonly port?: number };
  readonly tls?: ListenTlsOptions;
  /** Web pages that may connect (`Origin`), for `ws` and `wss`; absent lets all. Clients that are no browsers send none. */
  readonly origins?: readonly string[];
}

/** Where drachtio-srf connects. `port` 0 takes a free one. */
export interface ControlOptions {
  readonly address: string;
  readonly port: number;
  readonly secret: string;
  /** Applications must speak TLS, with this certificate and key (PEM text). */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/**
 * An HTTP handler that is asked what to do with new requests of a method (`*` for any): it may name an application
 * that listens for connections, or a tag. Times in milliseconds; 2000 if absent.
 */
export interface RequestHandlerOptions {
  readonly method: string;
  readonly url: string;
  readonly timeoutMs?: number;
}

/** RFC 3261 17.1.1.1 base timers in milliseconds; absent ones take the RFC's values. */
export interface EngineTimers {
  readonly t1Ms?: number;
  readonly t2Ms?: number;
  readonly t4Ms?: number;
}

/** Bounds against peers and clients that misbehave. Sizes in bytes, times in milliseconds. */
export interface EngineLimits {
  /** The longest control message from an application. */
  readonly controlMessageBytes: number;
  /** Bytes waiting for an application that does not read; beyond it the client is disconnected. */
  readonly controlBacklogBytes: number;
  /** The longest SIP message on a stream, headers and body. */
  readonly sipMessageBytes: number;
  /** Whole header of a message, start line included. */
  readonly sipHeaderBytes: number;
  readonly sipHeaders: number;
  /** Connections that peers have opened, over all listeners; those of TLS count from their first byte. */
  readonly tcpConnections: number;
  /** The same for one address. */
  readonly connectionsPerSource: number;
  /** A message on a stream must be complete within this time of its first byte. */
  readonly messageMs: number;
  /** How often a WebSocket peer is asked whether it is still there; two silent rounds end the connection. */
  readonly wsPingMs: number;
  /** A connection without a message or a keep-alive (RFC 5626) is closed after this long. */
  readonly tcpIdleMs: number;
  /** An accepted connection must bring its first complete message within this time. */
  readonly tcpFirstMessageMs: number;
  readonly tcpConnectMs: number;
  /** Bytes waiting for a peer that does not read; beyond it the connection is dropped. */
  readonly tcpBacklogBytes: number;
  /** Requests larger than this go by TCP when a TCP listener exists (RFC 3261 18.1.1). */
  readonly udpRequestBytes: number;
}

/** Session timers (RFC 4028) that the engine runs; seconds. Absent ones: 1800, 90, false. */
export interface SessionTimerOptions {
  /** The interval that is asked for, where `offer`. */
  readonly defaultS?: number;
  /** The smallest interval that is taken; at least 90. */
  readonly minS?: number;
  /** Whether the engine asks for a timer in calls of applications that do not. */
  readonly offer?: boolean;
}

/** Keep-alives that the engine sends (RFC 5626 4.4); times in milliseconds. */
export interface KeepAliveOptions {
  /** The longest time between double CRLFs on TCP and TLS connections that the engine opened: 120 000; 0 never. */
  readonly streamMs?: number;
  /** How long the answer may take: 10 000. */
  readonly pongMs?: number;
  /** Whether a connection is given up for a missing answer although its peer has never given one. Default false. */
  readonly pongRequired?: boolean;
  /** What keeps a NAT open for UDP, toward those to whom requests have gone in the last hour. Default `off`. */
  readonly udp?: 'off' | 'crlf' | 'stun';
  /** The longest time between those: 29 000. */
  readonly udpMs?: number;
}

/** How the engine goes from one target of a request to the next (RFC 3263 4.3); times in milliseconds. */
export interface FailoverOptions {
  /** How long a target may say nothing to a request while others are left; the RFC's timers alone if absent or 0. */
  readonly silentMs?: number;
  /** How long a target that failed is left alone, unless it says by itself: 30 000. */
  readonly restMs?: number;
  /** Whether a UDP target that does not answer is asked by a datagram of its own whether its port is open. Default true. */
  readonly probe?: boolean;
}

/** What protects the engine and its applications; all of it may be left out. */
export interface ProtectionOptions {
  /** New calls per second from all sources, and from one; more get 503 with Retry-After. Unbounded if absent. */
  readonly callsPerSecond?: number;
  readonly callsPerSecondPerSource?: number;
  /** Calls at once from all sources, and from one; more get 503 with Retry-After. Unbounded if absent. */
  readonly maxCalls?: number;
  readonly maxCallsPerSource?: number;
  /** Seconds; 5 if absent. */
  readonly retryAfterS?: number;
  /** IP addresses and blocks that are never heard, whatever `allow` says. */
  readonly deny?: readonly string[];
  /** IP addresses and blocks that no rate per source and no ban touches. */
  readonly trusted?: readonly string[];
  /** Words in User-Agent, in any case, that give a scanner away: it is not answered. The well-known ones if absent. */
  readonly scanners?: readonly string[];
  /** How long a scanner, or a source of malformed messages beyond the bound, is not heard; ms, 600 000 if absent, 0 never. */
  readonly banMs?: number;
  /** Malformed messages of one source in 10 s that get it banned; 200 if absent. */
  readonly malformedBeforeBan?: number;
  /** IP addresses and blocks that may speak to the engine; everybody if absent. */
  readonly allow?: readonly string[];
  /** What the others get: silence, or 403 to new requests. Default `drop`. */
  readonly unknownSources?: 'drop' | 'refuse';
  /** New calls are shed while the engine's event loop is late by more than this; milliseconds, 500 if absent, 0 never. */
  readonly overloadLagMs?: number;
  /** New calls are shed while more than this waits for an application to read; bytes, 8 MiB if absent. */
  readonly overloadBacklogBytes?: number;
}

/** What an engine is started with. It must survive a structured clone: it crosses to the engine's thread. */
export interface EngineOptions {
  readonly listen: readonly ListenOptions[];
  readonly control: ControlOptions;
  readonly timers?: EngineTimers;
  readonly sessionTimer?: SessionTimerOptions;
  readonly protection?: ProtectionOptions;
  readonly keepAlive?: KeepAliveOptions;
  readonly failover?: FailoverOptions;
  readonly requestHandlers?: readonly RequestHandlerOptions[];
  /** Whether every message is handed to the tap from the start. */
  readonly tap: boolean;
  readonly limits?: Partial<EngineLimits>;
  readonly tlsPeers?: readonly TlsPeerOptions[];
  /** `host` or `host:port` of DNS servers; those of the system without it. */
  readonly dnsServers?: readonly string[];
}

export const defaultLimits: EngineLimits = {
  controlMessageBytes: 262_144,
  controlBacklogBytes: 64 * 1024 * 1024,
  sipMessageBytes: 65_536,
  sipHeaderBytes: 32_768,
  sipHeaders: 256,
  tcpConnections: 10_000,
  connectionsPerSource: 2_000,
  messageMs: 10_000,
  wsPingMs: 30_000,
  tcpIdleMs: 600_000,
  tcpFirstMessageMs: 10_000,
  tcpConnectMs: 5_000,
  tcpBacklogBytes: 1024 * 1024,
  udpRequestBytes: 1_300,
};
