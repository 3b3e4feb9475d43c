import { isIP } from 'node:net';
import { z } from 'zod';
import { DEFAULTS } from '../defaults.js';
import {
  duration,
  flag,
  integer,
  addressOrName,
  ipAddress,
  ipv4,
  ipv6,
  list,
  matching,
  oneOf,
  portOrFree,
  section,
  text,
} from './values.js';

const file = (what: string) => text(`the path of a PEM file with ${what}`, 1024);

/** Ports that RFC 3261 and RFC 7118 give to transports, where that is not the usual one. */
const USUAL_PORTS: Readonly<Record<string, number>> = { tls: 5061, ws: 80, wss: 443 };

export const listenSchema = list(
  section({
    transport: oneOf(['udp', 'tcp', 'tls', 'ws', 'wss'], ['sctp']),
    address: ipAddress(),
    port: portOrFree().optional(),
    advertise: addressOrName().optional(),
    cert: file('our certificate and its chain').optional(),
    key: file('the key of our certificate').optional(),
    ca: file('the certificates of the authorities that we trust').optional(),
    client_cert: oneOf(['none', 'request', 'require']).optional(),
    verify: flag().optional(),
    origins: list(
      matching(/^https?:\/\/[^\s/]+$/, 'the origin of a web page, such as https://app.example.net'),
      'origins',
    ).optional(),
  }).transform((point) => ({
    ...point,
    port: point.port ?? USUAL_PORTS[point.transport] ?? DEFAULTS.listen.port,
  })),
  'listening points',
  1,
);

const PORT_RANGE = 'a range of ports, even to odd, within 1024 to 65535, such as 20000-29999';

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
const endpoint = (port: string) =>
  text('an address and a port', 64)
    .transform((written) => {
      const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(written);
      return { address: match?.[1] ?? match?.[2] ?? '', port: Number(match?.[3] ?? 0) };
    })
    .refine(({ address, port }) => isIP(address) > 0 && port > 0 && port < 65_536, {
      error: `an IP address and a port, such as 10.0.0.5:${port}`,
    });

export const mediaSchema = section({
  kind: oneOf(['embedded', 'rtpengine']).default(DEFAULTS.media.kind),
  address: ipv4().optional(),
  advertise: ipv4().optional(),
  address_ipv6: ipv6().optional(),
  advertise_ipv6: ipv6().optional(),
  ports: matching(/^\d{4,5}-\d{4,5}$/, PORT_RANGE)
    .transform((written) => {
      const [min, max] = written.split('-').map(Number);
      return { min: min!, max: max! };
    })
    .refine(({ min, max }) => min >= 1024 && max <= 65_535 && min < max && min % 2 === 0 && max % 2 === 1, {
      error: PORT_RANGE,
    })
    .prefault(DEFAULTS.media.ports),
  workers: z
    .union([z.literal('auto'), integer(1, 64)], { error: 'auto, or a whole number from 1 to 64' })
    .default(DEFAULTS.media.workers),
  one_way_audio_after: duration('3s', '10m').prefault(DEFAULTS.media.oneWayAudioAfter),
  moves_per_second: integer(1, 100_000).default(DEFAULTS.media.movesPerSecond),
  nodes: list(section({ ng: endpoint('2223'), dtmf: endpoint('2224').optional() }), 'nodes').default([]),
}).prefault({});

export const apiSchema = section({
  address: ipv4().default(DEFAULTS.api.address),
  port: portOrFree().default(DEFAULTS.api.port),
  tokens: list(
    section({
      name: text('a name for the token', 64),
      token: matching(/^[\x21-\x7e]{8,512}$/, 'a token of 8 to 512 printable characters without a space'),
      role: oneOf(['viewer', 'operator', 'admin']).default(DEFAULTS.api.role),
    }),
    'tokens',
  ).default([]),
}).prefault({});

export const limitsSchema = section({
  max_calls: integer(1, 1_000_000).optional(),
  max_cps: integer(1, 100_000).default(DEFAULTS.limits.maxCps),
}).prefault({});

export const logSchema = section({
  level: oneOf(['debug', 'info', 'warn', 'error', 'silent']).default(DEFAULTS.log.level),
}).prefault({});

export const policySchema = section({
  deadline: duration('1ms', '2s').prefault(DEFAULTS.policy.deadline),
}).prefault({});

const WEBHOOK_EVENTS = [
  'call.started',
  'call.state',
  'call.event',
  'transfer.started',
  'transfer.progress',
  'transfer.ended',
  'call.ended',
] as const;

export const observeSchema = section({
  cdr: section({ file: text('the path of a file', 1024) }).optional(),
  keep_calls: integer(0, 100_000).default(DEFAULTS.observe.keepCalls),
  webhooks: list(
    section({
      url: matching(/^https?:\/\/[^\s/]+\S*$/, 'an http or https URL'),
      secret: text('a secret', 512).optional(),
      timeout: duration('100ms', '1m').prefault(DEFAULTS.observe.webhookTimeout),
      retries: integer(0, 20).default(DEFAULTS.observe.webhookRetries),
      events: list(oneOf(WEBHOOK_EVENTS), 'events', 1).prefault([...DEFAULTS.observe.webhookEvents]),
    }),
    'webhooks',
  ).default([]),
}).prefault({});
