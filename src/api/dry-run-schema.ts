import { z } from 'zod';
import { TRANSFER_OUTCOMES } from '../call/vocabulary.js';
import { customEvent, noInputEvent, noMatchEvent, transferBody, turnEvent } from './schemas.js';

const MAX_EVENTS = 64;
/** Longest time that a dry run lets pass, in seconds: each second is played. */
const MAX_SECONDS = 7200;

const header = z
  .string()
  .max(1024)
  .regex(/^[^\r\n\0]*$/, 'holds a line break');

/** Something that happens in the described call. */
export const dryRunEvent = z.discriminatedUnion('kind', [
  turnEvent,
  noMatchEvent,
  noInputEvent,
  customEvent,
  z.strictObject({ kind: z.literal('dtmf'), digit: z.string().regex(/^[0-9A-D*#]{1,32}$/) }),
  z.strictObject({ kind: z.literal('duration'), seconds: z.number().min(0).max(MAX_SECONDS) }),
  z.strictObject({
    kind: z.literal('bot_unreachable'),
    status: z.int().min(400).max(699).default(503),
  }),
  transferBody.extend({ kind: z.literal('transfer') }),
]);

/** A call that is described rather than made. */
export const dryRunBody = z
  .strictObject({
    trunk: z.string().min(1).max(64).optional().describe('The trunk that the call comes by'),
    source: z.string().min(1).max(64).optional().describe('Or the IP address that sends it'),
    called: z.string().min(1).max(128),
    caller: z.string().max(128).default('anonymous'),
    callerName: z.string().max(128).nullable().default(null),
    headers: z
      .record(z.string().regex(/^[A-Za-z0-9!%*_+`'~.-]{1,64}$/, 'not a SIP header name'), header)
      .refine((headers) => Object.keys(headers).length <= 64, 'more than 64 headers')
      .default({})
      .describe("Headers of the caller's INVITE, Allow and Supported among them"),
    at: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('When the call is answered by the bot; now, if absent'),
    events: z.array(dryRunEvent).max(MAX_EVENTS).default([]).describe('What happens then, in order'),
  })
  .refine(({ trunk, source }) => (trunk === undefined) !== (source === undefined), {
    message: 'either trunk or source is needed, and not both',
    path: ['trunk'],
  });

const sentHeaders = z.record(z.string(), z.string());
const skipped = z.array(z.object({ destination: z.string(), detail: z.string() })).readonly();

/** A SIP request that would be sent. */
export const rehearsedRequest = z.object({
  method: z.string(),
  toward: z.enum(['caller', 'bot', 'agent']),
  requestUri: z.string().nullable().describe('Of an INVITE; a request in a dialog goes to its remote target'),
  proxies: z.array(z.string()).readonly(),
  from: z.string().nullable(),
  headers: sentHeaders,
  credentials: z.string().nullable().describe('User name for a digest challenge'),
});

export const rehearsedAttempt = rehearsedRequest.extend({
  destination: z.string(),
  timers: z
    .record(z.string(), z.number())
    .describe('Timers that run while it is tried, in milliseconds from then'),
  supposed: z.string().describe('The answer that was supposed, to see what comes next'),
});

export const dryRunReport = z.object({
  at: z.string(),
  trunk: z.string().nullable(),
  project: z.string().nullable(),
  refused: z.object({ status: z.int(), reason: z.string(), detail: z.string() }).nullable(),
  limits: z
    .array(
      z.object({
        name: z.enum(['max_calls', 'max_cps', 'limits.transfers']),
        of: z.string().describe('`node`, `trunk NAME` or `project NAME`'),
        limit: z.number(),
        now: z.number().nullable().describe('What counts against it; null without a running node'),
        exceeded: z.boolean().nullable(),
      }),
    )
    .readonly()
    .describe('The limits that the call and its transfer meet; what follows is told as if there were room'),
  bot: rehearsedRequest.nullable(),
  decisions: z
    .array(
      z.object({
        event: z.string(),
        durationS: z.number(),
        rule: z.string().nullable(),
        reason: z.string().nullable(),
        evidence: z.string().nullable(),
        deadlineMs: z.number(),
      }),
    )
    .readonly()
    .describe('Each question to the policy; ticks only where a rule fired'),
  transfer: z
    .object({
      reason: z.string(),
      rule: z.string().nullable(),
      evidence: z.string().nullable(),
      to: z.string(),
      mode: z.string(),
      method: z.string(),
      targets: z
        .array(
          z.object({
            destination: z.string(),
            uri: z.string(),
            trunk: z.string(),
            proxies: z.array(z.string()).readonly(),
            ringTimeoutMs: z.number(),
            via: z.array(z.string()).readonly(),
            together: z.string().nullable(),
            thenDial: z.string().nullable(),
          }),
        )
        .readonly(),
      skipped,
      /** Where there is nobody to ring, or it is not allowed. */
      refusal: z.object({ code: z.string(), detail: z.string() }).nullable(),
      timers: z.record(z.string(), z.number()),
      attempts: z.array(rehearsedAttempt).readonly(),
      ifAllFail: z.object({
        outcome: z.enum(TRANSFER_OUTCOMES),
        detail: z.string(),
        then: z.string(),
      }),
      ifAnswered: z.object({
        outcome: z.enum(TRANSFER_OUTCOMES),
        detail: z.string(),
        requests: z.array(rehearsedRequest).readonly(),
      }),
    })
    .nullable(),
  notes: z.array(z.string()).readonly(),
});

export type DryRunRequest = z.output<typeof dryRunBody>;
export type DryRunEvent = z.output<typeof dryRunEvent>;
export type DryRunReport = z.output<typeof dryRunReport>;
export type RehearsedRequest = z.output<typeof rehearsedRequest>;
export type RehearsedAttempt = z.output<typeof rehearsedAttempt>;
