import { isIP } from 'node:net';
import { z } from 'zod';
import { DEFAULTS } from '../defaults.js';
import {
  cidr,
  duration,
  durationOrOff,
  flag,
  hostName,
  integer,
  list,
  oneOf,
  port,
  portOrFree,
  section,
  text,
} from './values.js';

const { engine } = DEFAULTS;
const blocks = () => list(cidr(), 'IPv4 and IPv6 blocks').default([]);

/** `10.0.0.53`, `10.0.0.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`. */
function dnsServer() {
  const error = 'the address of a DNS server, such as 10.0.0.53, 10.0.0.53:5353 or [2001:db8::53]:5353';
  return z.string({ error }).refine(
    (written) => {
      if (isIP(written) !== 0) return true;
      const parts = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(written);
      const number = Number(parts?.[3]);
      return isIP(parts?.[1] ?? parts?.[2] ?? '') !== 0 && number >= 1 && number <= 65_535;
    },
    { error },
  );
}

const keepAlive = section({
  interval: durationOrOff('5s', '30m').prefault(engine.keepAliveInterval),
  answer: duration('1s', '1m').prefault(engine.keepAliveAnswer),
  required: flag().default(engine.keepAliveRequired),
  udp: oneOf(['off', 'crlf', 'stun']).default(engine.keepAliveUdp),
  udp_interval: duration('5s', '10m').prefault(engine.keepAliveUdpInterval),
}).prefault({});

const failover = section({
  silence: durationOrOff('100ms', '32s').prefault(engine.failoverSilence),
  rest: durationOrOff('1s', '1h').prefault(engine.failoverRest),
  probe: flag().default(engine.failoverProbe),
}).prefault({});

const connections = section({
  max: integer(1, 1_000_000, 'connections').default(engine.connectionsMax),
  per_source: integer(1, 1_000_000, 'connections').default(engine.connectionsPerSource),
  idle: duration('10s', '24h').prefault(engine.connectionsIdle),
  open: duration('100ms', '1m').prefault(engine.connectionsOpen),
  first_message: duration('1s', '5m').prefault(engine.connectionsFirstMessage),
  message: duration('1s', '5m').prefault(engine.connectionsMessage),
}).prefault({});

const messages = section({
  headers: integer(16, 10_000, 'header lines').default(engine.messageHeaders),
  header_bytes: integer(1_024, 1_048_576, 'bytes').default(engine.messageHeaderBytes),
  body_bytes: integer(1_024, 16_777_216, 'bytes').default(engine.messageBodyBytes),
  udp_request_bytes: integer(500, 65_000, 'bytes').default(engine.udpRequestBytes),
}).prefault({});

const protection = section({
  max_calls: integer(1, 1_000_000).optional(),
  max_calls_per_source: integer(1, 1_000_000).optional(),
  max_cps: integer(1, 100_000).optional(),
  max_cps_per_source: integer(1, 100_000).optional(),
  retry_after: duration('1s', '1h').prefault(engine.retryAfter),
  allow: list(cidr(), 'IPv4 and IPv6 blocks', 1).optional(),
  unknown: oneOf(['drop', 'refuse']).default(engine.unknown),
  deny: blocks(),
  trusted: blocks(),
  scanners: list(text('a word in User-Agent', 64), 'words').optional(),
  ban: durationOrOff('1s', '24h').prefault(engine.ban),
  malformed: integer(1, 1_000_000, 'messages').default(engine.malformed),
}).prefault({});

export const engineSchema = z
  .discriminatedUnion(
    'kind',
    [
      section({
        kind: oneOf(['embedded']),
        control_port: portOrFree().default(engine.controlPort),
        session_timer: section({
          offer: flag().default(engine.sessionOffer),
          interval: duration('90s', '24h').prefault(engine.sessionInterval),
          min: duration('90s', '24h').prefault(engine.sessionMin),
        }).prefault({}),
        timers: section({
          t1: duration('10ms', '5s').prefault(engine.t1),
          t2: duration('40ms', '40s').prefault(engine.t2),
          t4: duration('50ms', '50s').prefault(engine.t4),
        })
          .refine(({ t1, t2 }) => t2 >= t1, { error: 't2 of at least t1' })
          .prefault({}),
        dns_servers: list(dnsServer(), 'DNS servers', 1).optional(),
        keep_alive: keepAlive,
        failover,
        connections,
        messages,
        protection,
      }),
      section({
        kind: oneOf(['drachtio']),
        host: hostName(),
        port: port().default(engine.drachtioPort),
        secret: text('the secret of the drachtio server', 128),
      }),
    ],
    { error: 'embedded or drachtio' },
  )
  .prefault({ kind: engine.kind });

/** The keys of an embedded engine as they are read. */
export type EmbeddedEngineInput = Extract<z.output<typeof engineSchema>, { kind: 'embedded' }>;
