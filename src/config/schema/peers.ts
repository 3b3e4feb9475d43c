import { z } from 'zod';
import { DEFAULTS } from '../defaults.js';
import {
  UNSUPPORTED,
  cidr,
  duration,
  durationOrOff,
  flag,
  headers,
  hostName,
  integer,
  list,
  matching,
  oneOf,
  reference,
  section,
  sipUri,
  text,
} from './values.js';

const CODECS_TO_COME = ['G722', 'G729', 'opus', 'OPUS', 'AMR', 'AMR-WB'];

export const trunkSchema = section({
  hosts: list(sipUri(), 'SIP URIs').default([]),
  allow: list(cidr(), 'IPv4 and IPv6 blocks').default([]),
  tls: section({
    ca: text('the path of a PEM file with the authorities of this peer', 1024).optional(),
    cert: text('the path of a PEM file with the certificate that we show it', 1024).optional(),
    key: text('the path of a PEM file with the key of that certificate', 1024).optional(),
    verify: flag().optional(),
    server_name: hostName().optional(),
  }).optional(),
  auth: section({
    username: text('a user name', 128),
    password: text('a password, in quotes where it looks like a number', 256),
  }).optional(),
  register: z.literal(false, { error: `${UNSUPPORTED}; use false` }).default(false),
  options_ping: durationOrOff('5s', '1h').optional(),
  max_calls: integer(1, 1_000_000).optional(),
  max_cps: integer(1, 100_000).optional(),
  codecs: list(oneOf(['PCMA', 'PCMU'], CODECS_TO_COME), 'codecs', 1)
    .refine((codecs) => new Set(codecs).size === codecs.length, { error: 'each codec once' })
    .prefault([...DEFAULTS.trunk.codecs]),
  srtp: oneOf(['off'], ['optional', 'required']).default('off'),
  number_format: oneOf(['as-is', 'e164', 'e164-without-plus']).default(DEFAULTS.trunk.numberFormat),
  transfer: section({
    method: oneOf(['auto', 'refer', 'invite']).default(DEFAULTS.trunk.transferMethod),
  }).prefault({}),
  accept_replaces: flag().default(DEFAULTS.trunk.acceptReplaces),
  symmetric_rtp: flag().default(DEFAULTS.trunk.symmetricRtp),
});

export const botSchema = section({
  kind: oneOf(['sip'], ['twilio', 'jambonz', 'audiocodes', 'relevo']),
  uri: sipUri(),
  trunk: reference('trunk').optional(),
  headers: headers().default({}),
  answer_timeout: duration('500ms', '2m').prefault(DEFAULTS.bot.answerTimeout),
  media_timeout: durationOrOff('1s', '1h').default(DEFAULTS.bot.mediaTimeout),
});

const ringTimeout = () => duration('1s', '10m').optional();
const dialled = (what: string) =>
  matching(
    /^\+?[0-9A-Za-z*#._!~'()-]{1,64}(?:;postd=[0-9*#A-D,p]{1,32})?$/,
    `${what}, in quotes, such as "+5491155550100"`,
  );

const phone = section({
  type: oneOf(['phone']),
  number: dialled('a number'),
  trunk: reference('trunk'),
  ring_timeout: ringTimeout(),
});
const extension = section({
  type: oneOf(['extension']),
  extension: dialled('an extension'),
  trunk: reference('trunk'),
  ring_timeout: ringTimeout(),
});
const queue = section({
  type: oneOf(['queue']),
  address: sipUri(),
  trunk: reference('trunk'),
  ring_timeout: ringTimeout(),
});
const group = section({
  type: oneOf(['group']),
  strategy: oneOf(['sequential', 'simultaneous', 'round-robin', 'least-recent']).default(
    DEFAULTS.group.strategy,
  ),
  members: list(reference('destination'), 'destinations', 1),
  hours: section({
    timezone: text('an IANA time zone, such as America/Bogota', 64),
    open: list(text('hours such as mon-fri 08:00-18:00', 64), 'hours such as mon-fri 08:00-18:00', 1),
  }).optional(),
  max_concurrent: integer(1, 100_000).optional(),
  overflow: list(reference('destination'), 'destinations').default([]),
  ring_timeout: ringTimeout(),
});

export const destinationSchema = z.discriminatedUnion('type', [phone, extension, queue, group], {
  error: 'phone, extension, queue or group',
});

export type TrunkInput = z.output<typeof trunkSchema>;
export type BotInput = z.output<typeof botSchema>;
export type DestinationInput = z.output<typeof destinationSchema>;
