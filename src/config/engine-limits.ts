import type { EmbeddedEngine } from './relevo-config.js';
import type { EmbeddedEngineInput } from './schema/engine.js';

/** What the embedded engine is told of names, keep-alives, failover and bounds. */
export function engineSettingsOf(input: EmbeddedEngineInput): EmbeddedEngine {
  const { keep_alive: keepAlive, failover, connections, messages, protection } = input;
  return {
    kind: 'embedded',
    controlPort: input.control_port,
    sessionTimer: {
      offer: input.session_timer.offer,
      defaultS: Math.round(input.session_timer.interval / 1_000),
      minS: Math.round(input.session_timer.min / 1_000),
    },
    timers: { t1Ms: input.timers.t1, t2Ms: input.timers.t2, t4Ms: input.timers.t4 },
    dnsServers: input.dns_servers ?? null,
    keepAlive: {
      streamMs: keepAlive.interval,
      pongMs: keepAlive.answer,
      pongRequired: keepAlive.required,
      udp: keepAlive.udp,
      udpMs: keepAlive.udp_interval,
    },
    failover: { silentMs: failover.silence, restMs: failover.rest, probe: failover.probe },
    limits: {
      tcpConnections: connections.max,
      connectionsPerSource: connections.per_source,
      tcpIdleMs: connections.idle,
      tcpConnectMs: connections.open,
      tcpFirstMessageMs: connections.first_message,
      messageMs: connections.message,
      sipHeaders: messages.headers,
      sipHeaderBytes: messages.header_bytes,
      sipMessageBytes: messages.body_bytes,
      udpRequestBytes: messages.udp_request_bytes,
    },
    protection: {
      maxCalls: protection.max_calls ?? null,
      maxCallsPerSource: protection.max_calls_per_source ?? null,
      callsPerSecond: protection.max_cps ?? null,
      callsPerSecondPerSource: protection.max_cps_per_source ?? null,
      retryAfterS: Math.round(protection.retry_after / 1_000),
      allow: protection.allow ?? null,
      unknownSources: protection.unknown,
      deny: protection.deny,
      trusted: protection.trusted,
      scanners: protection.scanners ?? null,
      banMs: protection.ban,
      malformedBeforeBan: protection.malformed,
    },
  };
}
