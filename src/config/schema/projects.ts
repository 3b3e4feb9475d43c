import { RINGBACK_COUNTRIES } from '../../common/ringback-country.js';
import { z } from 'zod';
import { DEFAULTS } from '../defaults.js';
import { codecList } from './peers.js';
import {
  byteSize,
  digits,
  duration,
  durationOrOff,
  fraction,
  headerName,
  headers,
  integer,
  list,
  matching,
  oneOf,
  reference,
  section,
  text,
  uui,
} from './values.js';

const mode = () => oneOf(['blind', 'attended', 'direct', 'assisted']).transform(plainMode);
const method = () => oneOf(['auto', 'refer', 'invite', 'replaces']);
const wavFile = () => text('the path of a WAV file', 1024);

/** `direct` and `assisted` are other names for RFC 5589's words. */
function plainMode(written: 'blind' | 'attended' | 'direct' | 'assisted'): 'blind' | 'attended' {
  return written === 'direct' || written === 'blind' ? 'blind' : 'attended';
}

/** Targets that are no destination, and the trunk by which they are reached. */
const allowedTargets = () =>
  list(
    section({
      to: matching(
        /^(?:sip:\S+@[A-Za-z0-9.*-]+(?:\/\d{1,2})?(?::\d{1,5})?|\+?[0-9*#]+)$/,
        'a pattern such as +549* or sip:*@10.0.0.0/8',
      ),
      trunk: reference('trunk'),
    }),
    'patterns',
  ).default([]);

export const transferSchema = section({
  to: reference('destination').optional(),
  mode: mode().prefault(DEFAULTS.transfer.mode),
  method: method().default(DEFAULTS.transfer.method),
  waiting: oneOf(['music', 'ringback', 'bot', 'silence']).default(DEFAULTS.transfer.waiting),
  ringback: oneOf(RINGBACK_COUNTRIES).default(DEFAULTS.transfer.ringback),
  music_file: wavFile().optional(),
  brief: oneOf(['none', 'audio', 'bot']).default(DEFAULTS.transfer.brief),
  brief_file: wavFile().optional(),
  accept: section({
    digit: digits(1),
    timeout: duration('1s', '2m').prefault(DEFAULTS.transfer.acceptTimeout),
  }).optional(),
  three_way: section({
    duration: duration('1s', '10m').prefault(DEFAULTS.transfer.threeWayDuration),
    digit: digits(1).optional(),
  }).optional(),
  caller_gone_notice: z
    .union([z.literal('off'), wavFile()], { error: 'the path of a WAV file, or off' })
    .optional(),
  ring_timeout: duration('1s', '10m').prefault(DEFAULTS.transfer.ringTimeout),
  on_failure: list(oneOf(['next', 'resume-bot', 'announce', 'hangup']), 'steps', 1).prefault([
    ...DEFAULTS.transfer.onFailure,
  ]),
  announce_file: wavFile().optional(),
  announce_before_file: wavFile().optional(),
  bot_finish: duration('0ms', '5s').prefault(DEFAULTS.transfer.botFinish),
  after_agent: oneOf(['end', 'resume-bot']).default(DEFAULTS.transfer.afterAgent),
  on_no_notify: oneOf(['invite', 'resume-bot', 'hangup']).default(DEFAULTS.transfer.onNoNotify),
  context: section({
    headers: headers().default({}),
    uui: uui().optional(),
    summary_header: headerName().optional(),
  }).prefault({}),
  allow: allowedTargets(),
  timers: section({
    refer_reply: duration('500ms', '1m').prefault(DEFAULTS.timers.referReply),
    first_notify: duration('500ms', '2m').prefault(DEFAULTS.timers.firstNotify),
    total: duration('1s', '1h').prefault(DEFAULTS.timers.total),
    bye_grace: duration('0ms', '1m').prefault(DEFAULTS.timers.byeGrace),
    late_notify: duration('0ms', '10s').prefault(DEFAULTS.timers.lateNotify),
  }).prefault({}),
}).prefault({});

const turns = () => integer(1, 32, 'a number of turns');
const turnRun = () =>
  z.union([turns().transform((count) => ({ turns: count })), section({ turns: turns() })], {
    error: 'a number of turns from 1 to 32, or { turns: 3 }',
  });
const intentName = () => text('an intent', 128);

/** The conditions of a rule: exactly one stands in each. */
const CONDITIONS = {
  intent: z
    .union([intentName().transform((one) => [one]), list(intentName(), 'intents', 1)], {
      error: 'an intent, or a list of intents',
    })
    .optional(),
  low_confidence: section({
    below: fraction(0, 1).default(DEFAULTS.rule.lowConfidenceBelow),
    turns: turns().default(DEFAULTS.rule.turns),
  }).optional(),
  no_match: turnRun().optional(),
  no_input: turnRun().optional(),
  dtmf: digits(16).optional(),
  duration: duration('1s', '24h').optional(),
  bot_unreachable: z.literal(true, { error: 'true' }).optional(),
  when: text('an expression, such as call.durationS > 600', 1000).optional(),
};

export const CONDITION_KEYS = Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[];

export const ruleSchema = section({
  name: text('a name', 128),
  ...CONDITIONS,
  reason: oneOf(['user_request', 'low_confidence', 'business_rule', 'bot_failure', 'operator']).optional(),
  to: reference('destination').optional(),
  mode: mode().optional(),
  method: method().optional(),
});

export const projectSchema = section({
  match: list(
    section({
      trunk: reference('trunk'),
      to: matching(/^\+?[0-9A-Za-z*#._!~'()-]{1,128}$/, 'a called number, in quotes; * stands for any run'),
    }),
    'matches, such as { trunk: carrier, to: "+5491155550000" }',
    1,
  ),
  bot: reference('bot'),
  transfer: transferSchema,
  rules: list(ruleSchema, 'rules').default([]),
  policy_deadline: duration('1ms', '2s').optional(),
  bot_failure: section({
    to: reference('destination').optional(),
    status: integer(400, 699, 'a SIP failure status').default(DEFAULTS.project.botFailureStatus),
  }).prefault({}),
  max_duration: durationOrOff('1s', '24h').prefault(DEFAULTS.project.maxDuration),
  caller_media_timeout: durationOrOff('1s', '24h').prefault(DEFAULTS.project.callerMediaTimeout),
  limits: section({
    transfers: integer(1, 100_000).optional(),
    max_transfers: integer(1, 100).default(DEFAULTS.project.maxTransfers),
  }).prefault({}),
  codecs: codecList().optional(),
  recording: section({
    directory: text('the path of a directory', 1024),
    consent: text('the path of a WAV file', 1024).optional(),
    keep: duration('1m', '87600h').optional(),
    max_size: byteSize().optional(),
  }).optional(),
  listen: section({
    allow: allowedTargets(),
    max: integer(1, 16, 'a number of listeners').default(DEFAULTS.listeners.max),
    ring_timeout: duration('1s', '10m').prefault(DEFAULTS.listeners.ringTimeout),
    notice: oneOf(['none', 'beep']).default(DEFAULTS.listeners.notice),
  }).optional(),
  carry_headers: list(headerName(), 'header names').default([]),
  carry_answer_headers: list(text('a header name', 64), 'header names, such as Alert-Info or X-*').default(
    [],
  ),
});

export type RuleInput = z.output<typeof ruleSchema>;
export type ProjectInput = z.output<typeof projectSchema>;
