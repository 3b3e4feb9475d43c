import type { CallRecord } from '../call/call-record.js';
import type { CallPlan } from '../call/project.js';
import type { LogLevel } from '../common/log.js';

/** One SIP listening point. */
export interface ListenPoint {
  readonly transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
  /** Address to bind; `0.0.0.0` binds all of IPv4, `::` all of IPv6. */
  readonly address: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Address or host name that peers see in Via and Contact; the bound address where none is configured. */
  readonly advertise: string;
  /** Certificates of `tls` and `wss`, absolute paths; null for the others. */
  readonly tls: ListenTls | null;
  /** Web pages that may open a WebSocket; null lets all. */
  readonly origins: readonly string[] | null;
}

export interface ListenTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Null trusts the well-known authorities. */
  readonly caFile: string | null;
  readonly clientCert: 'none' | 'request' | 'require';
  /** Whether peers that we connect to must show a valid certificate for their name. */
  readonly verify: boolean;
}

/** How a host of a trunk is met over TLS, where that differs from what the listening point says. */
export interface TlsPeer {
  /** As in the URI, in lower case and without brackets. */
  readonly host: string;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly verify: boolean | null;
  /** The name that is asked for and must stand in the certificate; null: the host. */
  readonly serverName: string | null;
}

/** The embedded engine. The names are those of its own options; times in milliseconds but where `S` says seconds. */
export interface EmbeddedEngine {
  readonly kind: 'embedded';
  /** Loopback TCP port of the control protocol; 0 takes a free one. */
  readonly controlPort: number;
  /** RFC 4028, in seconds: asked for in calls of ours where `offer`; `minS` is the smallest that we take. */
  readonly sessionTimer: { readonly offer: boolean; readonly defaultS: number; readonly minS: number };
  /** RFC 3261 17.1.1.1. */
  readonly timers: { readonly t1Ms: number; readonly t2Ms: number; readonly t4Ms: number };
  /** Null: those of the system. */
  readonly dnsServers: readonly string[] | null;
  readonly keepAlive: {
    readonly streamMs: number;
    readonly pongMs: number;
    readonly pongRequired: boolean;
    readonly udp: 'off' | 'crlf' | 'stun';
    readonly udpMs: number;
  };
  readonly failover: { readonly silentMs: number; readonly restMs: number; readonly probe: boolean };
  readonly limits: {
    readonly tcpConnections: number;
    readonly connectionsPerSource: number;
    readonly tcpIdleMs: number;
    readonly tcpConnectMs: number;
    readonly tcpFirstMessageMs: number;
    readonly messageMs: number;
    readonly sipHeaders: number;
    readonly sipHeaderBytes: number;
    readonly sipMessageBytes: number;
    readonly udpRequestBytes: number;
  };
  /** Null: no such bound, everybody, the well-known scanners. */
  readonly protection: {
    readonly maxCalls: number | null;
    readonly maxCallsPerSource: number | null;
    readonly callsPerSecond: number | null;
    readonly callsPerSecondPerSource: number | null;
    readonly retryAfterS: number;
    readonly allow: readonly string[] | null;
    readonly unknownSources: 'drop' | 'refuse';
    readonly deny: readonly string[];
    readonly trusted: readonly string[];
    readonly scanners: readonly string[] | null;
    readonly banMs: number;
    readonly malformedBeforeBan: number;
  };
}

/** Which SIP engine signalling speaks to. */
export type EngineSettings =
  | EmbeddedEngine
  | { readonly kind: 'drachtio'; readonly host: string; readonly port: number; readonly secret: string };

/** An rtpengine and where it reports keys pressed to. */
export interface RtpengineNode {
  /** Where it listens for the ng protocol over UDP. */
  readonly address: string;
  readonly port: number;
  /** Our address, which is its `dtmf-log-dest`; null: it reports no keys. */
  readonly dtmf: { readonly address: string; readonly port: number } | null;
}

/** Who does RTP: the media workers of the node, or rtpengines that it steers. */
export interface MediaSettings {
  readonly kind: 'embedded' | 'rtpengine';
  /** IPv4 address that the RTP sockets bind. */
  readonly address: string;
  /** IPv4 address that stands in our SDP. */
  readonly advertise: string;
  /** The same for legs over IPv6; null where there are none. */
  readonly ipv6: { readonly address: string; readonly advertise: string } | null;
  /** RTP port range, both ends included: `min` is even, `max` odd. */
  readonly ports: { readonly min: number; readonly max: number };
  /** Worker threads; `auto` leaves it to the node (cores less one, at least one). */
  readonly workers: number | 'auto';
  /** Audio in one direction alone for so long is told of. */
  readonly oneWayAudioAfterMs: number;
  /** How many peers are told of new ports in a second, where a worker or an rtpengine is lost. */
  readonly movesPerSecond: number;
  /** With `rtpengine`: one at least. */
  readonly nodes: readonly RtpengineNode[];
}

/** What a bearer token may do: read; read and steer calls; all, reload and drain included. */
export type ApiRole = 'viewer' | 'operator' | 'admin';

export interface ApiToken {
  readonly name: string;
  readonly token: string;
  readonly role: ApiRole;
}

export interface ApiSettings {
  readonly address: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Empty only on a loopback address: then no token is asked for. */
  readonly tokens: readonly ApiToken[];
}

/** Where the results of calls and transfers are posted. */
export interface Webhook {
  readonly url: string;
  /** Key of the HMAC-SHA256 signature of each body; null signs nothing. */
  readonly secret: string | null;
  readonly timeoutMs: number;
  /** Tries after the first one. */
  readonly retries: number;
  /** What is posted. */
  readonly events: readonly CallRecord['kind'][];
}

export interface ObserveSettings {
  /** One JSON line per finished call; null writes none. Absolute path. */
  readonly cdrFile: string | null;
  /** Finished calls whose ladder and result stay in memory. */
  readonly keepCalls: number;
  readonly webhooks: readonly Webhook[];
}

/** A whole valid configuration: plain data, frozen all the way down, every default filled in. */
export interface RelevoConfig {
  readonly listen: readonly ListenPoint[];
  /** From the trunks that have `tls`. */
  readonly tlsPeers: readonly TlsPeer[];
  readonly engine: EngineSettings;
  readonly media: MediaSettings;
  readonly api: ApiSettings;
  readonly log: { readonly level: LogLevel };
  readonly observe: ObserveSettings;
  /** What signalling, the call machines and the policy thread run on. */
  readonly plan: CallPlan;
  /** Where it came from; `hash` is 16 hexadecimal digits of the SHA-256 of the text. */
  readonly source: { readonly path: string; readonly hash: string };
}
