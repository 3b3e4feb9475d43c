import { z } from 'zod';
import { DEFAULTS } from '../defaults.js';
import { loginSchema, registerSchema } from './trunk-auth.js';
import {
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
  uui,
} from './values.js';

const referPolicy = () => oneOf(['terminate', 'pass', 'reject']).default(DEFAULTS.trunk.referPolicy);

/** As on a trunk, where the defaults are filled in, and on a destination, where what is missing is the trunk's. */
const IDENTITY = {
  from: matching(/^(?:caller|called|\+?[0-9]{1,20})$/, 'caller, called, or a number in quotes'),
  p_asserted_identity: flag(),
  diversion: flag(),
  history_info: flag(),
  privacy: oneOf(['pass', 'none', 'id']),
  display_name: oneOf(['pass', 'none']),
};
const trunkIdentity = section({
  from: IDENTITY.from.default(DEFAULTS.identity.from),
  p_asserted_identity: IDENTITY.p_asserted_identity.default(DEFAULTS.identity.pAssertedIdentity),
  diversion: IDENTITY.diversion.default(DEFAULTS.identity.diversion),
  history_info: IDENTITY.history_info.default(DEFAULTS.identity.historyInfo),
  privacy: IDENTITY.privacy.default(DEFAULTS.identity.privacy),
  display_name: IDENTITY.display_name.default(DEFAULTS.identity.displayName),
}).prefault({});
const ownIdentity = section({
  from: IDENTITY.from.optional(),
  p_asserted_identity: IDENTITY.p_asserted_identity.optional(),
  diversion: IDENTITY.diversion.optional(),
  history_info: IDENTITY.history_info.optional(),
  privacy: IDENTITY.privacy.optional(),
  display_name: IDENTITY.display_name.optional(),
}).optional();

const CODECS_TO_COME = ['G729', 'OPUS', 'AMR', 'AMR-WB'];

/** Codecs of a trunk or project, in order of preference. */
export const codecList = () =>
  list(oneOf(['PCMA', 'PCMU', 'G722', 'opus', 'CN'], CODECS_TO_COME), 'codecs', 1)
    .refine((codecs) => new Set(codecs).size === codecs.length, { error: 'each codec once' })
    .refine((codecs) => codecs.includes('PCMA') || codecs.includes('PCMU'), {
      error: 'PCMA or PCMU among them: music, ringback and announcements are made in G.711',
    });

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
  login: loginSchema.optional(),
  register: registerSchema,
  options_ping: durationOrOff('5s', '1h').optional(),
  max_calls: integer(1, 1_000_000).optional(),
  max_cps: integer(1, 100_000).optional(),
  codecs: codecList().prefault([...DEFAULTS.trunk.codecs]),
  dtmf: oneOf(['auto', 'rfc4733', 'info', 'inband']).default(DEFAULTS.trunk.dtmf),
  srtp: oneOf(['off', 'optional', 'required']).default('off'),
  srtp_keys: oneOf(['sdes', 'dtls']).default('sdes'),
  number_format: oneOf(['as-is', 'e164', 'e164-without-plus', 'national']).default(
    DEFAULTS.trunk.numberFormat,
  ),
  dial_plan: section({
    country_code: matching(/^[1-9][0-9]{0,3}$/, 'a country code in quotes, without +, such as "54"'),
    national_prefix: matching(/^[0-9]{0,4}$/, 'the prefix of national numbers in quotes, such as "0", or ""'),
    international_prefix: matching(/^[0-9]{1,5}$/, 'digits in quotes, such as "00"').default(
      DEFAULTS.dialPlan.internationalPrefix,
    ),
  }).optional(),
  identity: trunkIdentity,
  transfer: section({
    method: oneOf(['auto', 'refer', 'invite']).default(DEFAULTS.trunk.transferMethod),
    refer_sub: flag().default(DEFAULTS.trunk.referSub),
  }).prefault({}),
  refer_policy: referPolicy(),
  limits: section({ transfers: integer(1, 100_000).optional() }).prefault({}),
  deny: list(matching(/^\+?[0-9*#]+$/, 'a number pattern such as +1900*'), 'number patterns').default([]),
  follow_redirects: flag().default(DEFAULTS.trunk.followRedirects),
  accept_replaces: flag().default(DEFAULTS.trunk.acceptReplaces),
  accept_refer_out_of_dialog: flag().default(DEFAULTS.trunk.acceptReferOutOfDialog),
  symmetric_rtp: flag().default(DEFAULTS.trunk.symmetricRtp),
});

export const botSchema = section({
  kind: oneOf(['sip'], ['twilio', 'jambonz', 'audiocodes', 'relevo']),
  uri: sipUri(),
  trunk: reference('trunk').optional(),
  headers: headers().default({}),
  refer_policy: referPolicy(),
  answer_timeout: duration('500ms', '2m').prefault(DEFAULTS.bot.answerTimeout),
  media_timeout: durationOrOff('1s', '1h').default(DEFAULTS.bot.mediaTimeout),
});

/** What any one place that is dialled may have of its own. */
const own = () => ({
  identity: ownIdentity,
  uui: uui().optional(),
  then_dial: matching(
    /^[0-9*#A-Dp,]{1,32}$/,
    'digits to dial after the answer, in quotes; p and , wait a second',
  ).optional(),
});
const ringTimeout = () => duration('1s', '10m').optional();
const dialled = (what: string) =>
  matching(
    /^\+?[0-9A-Za-z*#._!~'()-]{1,64}(?:;postd=[0-9*#A-Dp,]{1,32})?$/,
    `${what}, in quotes, such as "+5491155550100"`,
  );

const phone = section({
  type: oneOf(['phone']),
  number: dialled('a number'),
  trunk: reference('trunk'),
  ring_timeout: ringTimeout(),
  ...own(),
});
const extension = section({
  type: oneOf(['extension']),
  extension: dialled('an extension'),
  trunk: reference('trunk'),
  ring_timeout: ringTimeout(),
  ...own(),
});
const queue = section({
  type: oneOf(['queue']),
  address: sipUri(),
  trunk: reference('trunk'),
  ring_timeout: ringTimeout(),
  ...own(),
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
