import { z } from 'zod';
import { LISTENER_ENDS, TRANSFER_OUTCOMES } from '../call/vocabulary.js';

/** What a header that travels to the target may be called and hold: no line breaks, so that none can be smuggled in. */
const headerName = z.string().regex(/^[A-Za-z0-9!%*_+`'~.-]{1,64}$/, 'not a SIP header name');
const headerValue = z
  .string()
  .max(1024)
  .regex(/^[^\r\n\0]*$/, 'holds a line break');

const atMs = z.int().describe('Unix time in milliseconds');
const nullableMs = atMs.nullable();
const mode = z.enum(['blind', 'attended']);
const method = z.enum(['auto', 'refer', 'invite', 'replaces']);
const attemptMethod = z.enum(['refer', 'invite', 'replaces']);
const reason = z.enum(['user_request', 'low_confidence', 'business_rule', 'bot_failure', 'operator']);
const party = z.enum(['caller', 'bot', 'agent', 'operator']);
const endedBy = z.enum(['caller', 'bot', 'agent', 'relevo']);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const state = z.enum(['connecting', 'early', 'with_bot', 'transferring', 'with_agent', 'ending', 'ended']);

export const callParams = z.object({ id: z.string().min(1).max(128) });
export const transferParams = callParams.extend({ tid: z.string().min(1).max(128) });

export const listQuery = z.strictObject({
  state: state.optional(),
  project: z.string().max(128).optional(),
  trunk: z.string().max(128).optional(),
  live: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('true leaves out ended calls'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const eventsQuery = z.strictObject({
  callId: z.string().max(128).optional(),
  project: z.string().max(128).optional(),
  kind: z
    .string()
    .max(256)
    .transform((text) => text.split(','))
    .optional()
    .describe('Event names, comma-separated: call.started, transfer.ended, …'),
});

const target = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\s\0]+$/, 'holds white space');

export const transferBody = z.strictObject({
  to: target
    .nullable()
    .default(null)
    .describe("A destination's name, a SIP URI or a number; null for the project's default"),
  reason: reason.default('operator'),
  mode: mode.nullable().default(null),
  method: method.nullable().default(null),
  headers: z
    .record(headerName, headerValue)
    .refine((headers) => Object.keys(headers).length <= 32, 'more than 32 headers')
    .default({}),
  summary: z.string().max(4096).nullable().default(null),
});

export const turnEvent = z.strictObject({
  kind: z.literal('turn'),
  intent: z.string().max(256).nullable().default(null),
  confidence: z.number().min(0).max(1).nullable().default(null),
  text: z.string().max(4096).nullable().default(null),
});
export const noMatchEvent = z.strictObject({ kind: z.literal('no_match') });
export const noInputEvent = z.strictObject({ kind: z.literal('no_input') });
export const customEvent = z.strictObject({
  kind: z.literal('custom'),
  name: z.string().min(1).max(128),
  data: z
    .record(z.string().max(128), z.union([z.string().max(1024), z.number(), z.boolean()]))
    .refine((data) => Object.keys(data).length <= 64, 'more than 64 entries')
    .default({}),
});

export const botEventBody = z.discriminatedUnion('kind', [
  turnEvent,
  noMatchEvent,
  noInputEvent,
  z.strictObject({ kind: z.literal('dtmf'), digit: z.string().regex(/^[0-9A-D*#]$/) }),
  customEvent,
]);

const attempt = z.object({
  destination: z.string(),
  method: attemptMethod,
  sipStatus: z.int().nullable(),
  sipReason: z.string().nullable(),
  startedAt: atMs,
  ringMs: z.number().nullable(),
  answeredAt: nullableMs,
  endedBy: endedBy.nullable(),
});

export const transferResult = z.object({
  transferId: z.string(),
  callId: z.string(),
  reason,
  rule: z.string().nullable(),
  evidence: z.string().nullable(),
  summary: z.string().nullable().describe('What the bot said of the call for the person who takes it'),
  mode,
  method,
  outcome: z.enum(TRANSFER_OUTCOMES),
  detail: z.string(),
  attempts: z.array(attempt).readonly(),
  gapMs: z.number().nullable().describe('Longest silence that the caller was sent, measured on the RTP'),
  humanConnectedAt: nullableMs,
});

export const transferView = z.object({
  transferId: z.string(),
  callId: z.string(),
  state: z.enum(['accepted', 'running', 'ended']),
  startedAt: atMs,
  reason,
  rule: z.string().nullable(),
  evidence: z.string().nullable(),
  destination: z.string().nullable(),
  mode: mode.nullable(),
  method: method.nullable(),
  steps: z
    .array(
      z.object({ at: atMs, progress: z.string(), destination: z.string(), detail: z.string().nullable() }),
    )
    .readonly(),
  result: transferResult.nullable(),
});

export const listenerParams = callParams.extend({ lid: z.string().min(1).max(128) });
export const listenBody = z.strictObject({
  to: target.describe("The operator's phone: a destination's name, a SIP URI or a number"),
});
export const listenerView = z.object({
  listenerId: z.string(),
  callId: z.string(),
  state: z.enum(['calling', 'ringing', 'listening', 'ended']),
  to: z.string(),
  destination: z.string().nullable(),
  by: z.string().nullable().describe('The token that asked'),
  legId: z.string().nullable(),
  startedAt: atMs,
  answeredAt: nullableMs,
  endedAt: nullableMs,
  sipStatus: z.int().nullable(),
  reason: z.enum(LISTENER_ENDS).nullable(),
  detail: z.string().nullable(),
});
export const listenerList = z.object({ listeners: z.array(listenerView).readonly() });

export const callView = z.object({
  callId: z.string(),
  state,
  project: z.string(),
  trunk: z.string(),
  caller: z.string(),
  called: z.string(),
  sipCallId: z.string(),
  sourceAddress: z.string(),
  startedAt: atMs,
  answeredAt: nullableMs,
  endedAt: nullableMs,
  durationMs: z.number().nullable(),
  endedBy: endedBy.nullable(),
  sipStatus: z.int().nullable(),
  cause: z.string().nullable(),
  legs: z
    .array(
      z.object({
        legId: z.string(),
        party,
        state: z.string(),
        sipCallId: z.string().nullable(),
        remote: z.string(),
        onHold: z.boolean(),
      }),
    )
    .readonly(),
  transfers: z.array(transferView).readonly(),
  listeners: z.array(listenerView).readonly(),
  notes: z.array(z.object({ at: atMs, name: z.string(), detail: z.record(z.string(), scalar) })).readonly(),
  media: z
    .record(
      z.string(),
      z.object({
        packetsReceived: z.number(),
        packetsSent: z.number().nullable(),
        bytesReceived: z.number(),
        bytesSent: z.number().nullable(),
        packetsLost: z.number().nullable(),
        jitterMs: z.number().nullable(),
        packetsRejected: z.number(),
        party,
        roundTripMs: z.number().nullable().describe('Mean round trip, from RTCP'),
        roundTripMaxMs: z.number().nullable(),
        farPacketsLost: z.number().nullable().describe('Packets that the peer says it missed'),
        farJitterMs: z.number().nullable().describe('Jitter that the peer reports'),
        mos: z
          .number()
          .nullable()
          .describe('Estimated quality (ITU-T G.107) of what came from the peer, 1 to 4.5; G.711 only'),
        farMos: z.number().nullable().describe('The same of what the peer was sent'),
      }),
    )
    .nullable(),
});

export const callList = z.object({ calls: z.array(callView), live: z.int().describe('Live calls in all') });

export const ladderView = z.object({
  callId: z.string(),
  messages: z.array(
    z.object({
      at: atMs,
      direction: z.enum(['in', 'out']),
      party: party.nullable(),
      transport: z.string(),
      from: z.string(),
      to: z.string(),
      sipCallId: z.string(),
      startLine: z.string(),
      cseq: z.string(),
      raw: z.string(),
    }),
  ),
});

export const health = z.object({
  status: z.enum(['ok', 'degraded', 'failing']),
  draining: z.boolean(),
  controlServer: z.boolean(),
  parts: z.record(z.string(), z.enum(['up', 'restarting', 'down'])),
  calls: z.int(),
  uptimeS: z.number(),
});

export const reloadReport = z.object({
  applied: z.literal(true),
  hash: z.string(),
  changed: z.array(z.string()).readonly(),
  needsRestart: z.array(z.string()).readonly(),
  warnings: z.array(z.string()).readonly(),
});

export const drainReport = z.object({ calls: z.int(), withinMs: z.number() });
export const accepted = z.object({ accepted: z.literal(true) });
