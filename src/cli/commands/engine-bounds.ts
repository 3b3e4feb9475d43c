import { InvalidArgumentError, type Command } from 'commander';
import { durationMs } from '../../config/schema/values.js';
import type { EngineOptions } from '../../engine/engine-options.js';

/** The flags of `engine` for sources, bounds, names and keep-alives. Times in milliseconds. */
export interface EngineBoundFlags {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly trusted?: readonly string[];
  readonly maxCps?: number;
  readonly maxCpsPerSource?: number;
  readonly maxCalls?: number;
  readonly maxCallsPerSource?: number;
  readonly retryAfter?: number;
  readonly scanners?: readonly string[];
  readonly ban?: number;
  readonly malformed?: number;
  readonly maxConnections?: number;
  readonly maxConnectionsPerSource?: number;
  readonly dns?: readonly string[];
  readonly udpRequestBytes?: number;
  readonly silence?: number;
  readonly rest?: number;
  readonly probe: boolean;
  readonly keepAlive?: number;
  readonly keepAliveRequired?: boolean;
  readonly udpKeepAlive?: 'off' | 'crlf' | 'stun';
}

/** Declares them. */
export function addBoundFlags(command: Command): Command {
  return command
    .option('--allow <cidr...>', 'addresses and blocks that may speak to the engine')
    .option('--deny <cidr...>', 'addresses and blocks that are never heard')
    .option('--trusted <cidr...>', 'addresses and blocks that no rate per source and no ban touches')
    .option('--max-cps <n>', 'new calls per second in total; more get 503', readWhole)
    .option('--max-cps-per-source <n>', 'new calls per second from one address', readWhole)
    .option('--max-calls <n>', 'calls of peers at once in total; more get 503', readWhole)
    .option('--max-calls-per-source <n>', 'calls at once from one address', readWhole)
    .option('--retry-after <time>', 'what the 503 says; 5s without it', readTime)
    .option(
      '--scanners <word...>',
      'words in User-Agent that are not answered; well-known scanners without it',
    )
    .option(
      '--ban <time>',
      'how long scanners and floods of malformed messages are not heard; 10m, 0 never',
      readTime,
    )
    .option('--malformed <n>', 'malformed messages of one address in 10 s before its ban; 200', readWhole)
    .option('--max-connections <n>', 'connections of TCP, TLS, WS and WSS; 10000', readWhole)
    .option('--max-connections-per-source <n>', 'the same from one address; 2000', readWhole)
    .option('--dns <server...>', "DNS servers, address or address:port; the system's without it")
    .option('--udp-request-bytes <n>', 'larger requests go by TCP where there is a listener; 1300', readWhole)
    .option('--silence <time>', 'how long a target may say nothing before the next one is tried', readTime)
    .option('--rest <time>', 'how long a target that failed is left alone; 30s', readTime)
    .option('--no-probe', 'do not ask whether the UDP port of a target that is silent is closed')
    .option(
      '--keep-alive <time>',
      'at most so long between CRLFs on our TCP and TLS connections; 2m, 0 never',
      readTime,
    )
    .option('--keep-alive-required', 'give up a connection whose peer has never answered one')
    .option('--udp-keep-alive <kind>', 'keep a NAT open for UDP: off, crlf or stun', readKind);
}

/** The options that they stand for; what is not given is left to the engine. */
export function boundsOf(
  flags: EngineBoundFlags,
): Pick<EngineOptions, 'protection' | 'limits' | 'failover' | 'keepAlive' | 'dnsServers'> {
  return {
    protection: given({
      allow: flags.allow,
      deny: flags.deny,
      trusted: flags.trusted,
      callsPerSecond: flags.maxCps,
      callsPerSecondPerSource: flags.maxCpsPerSource,
      maxCalls: flags.maxCalls,
      maxCallsPerSource: flags.maxCallsPerSource,
      retryAfterS: flags.retryAfter === undefined ? undefined : Math.ceil(flags.retryAfter / 1_000),
      scanners: flags.scanners,
      banMs: flags.ban,
      malformedBeforeBan: flags.malformed,
    }),
    limits: given({
      tcpConnections: flags.maxConnections,
      connectionsPerSource: flags.maxConnectionsPerSource,
      udpRequestBytes: flags.udpRequestBytes,
    }),
    failover: given({
      silentMs: flags.silence,
      restMs: flags.rest,
      probe: flags.probe,
    }),
    keepAlive: given({
      streamMs: flags.keepAlive,
      pongRequired: flags.keepAliveRequired,
      udp: flags.udpKeepAlive,
    }),
    ...(flags.dns ? { dnsServers: flags.dns } : {}),
  };
}

type Given<From> = { [Key in keyof From]?: Exclude<From[Key], undefined> };

function given<From extends object>(from: From): Given<From> {
  return Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined)) as Given<From>;
}

/** A whole number above 0. */
export function readWhole(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('A whole number above 0.');
  return Number(text);
}

function readTime(text: string): number {
  const ms = text === '0' ? 0 : durationMs(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('A time with its unit, such as 500ms, 30s or 10m.');
  return ms;
}

function readKind(text: string): 'off' | 'crlf' | 'stun' {
  if (text === 'off' || text === 'crlf' || text === 'stun') return text;
  throw new InvalidArgumentError('off, crlf or stun.');
}
