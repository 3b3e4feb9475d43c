import { z } from 'zod';

/** One trunk as the API shows it. */
export const trunkView = z.object({
  name: z.string(),
  hosts: z.array(z.string()).readonly(),
  allow: z.array(z.string()).readonly(),
  callsIn: z.int().describe('Calls in progress that came by this trunk'),
  callsOut: z.int().describe('Attempts at, and calls with, persons behind this trunk'),
  maxCalls: z.int().nullable(),
  refused: z.record(z.string(), z.int()).describe('INVITEs from this trunk that were refused, by reason'),
  attempts: z.int().describe('Transfer attempts that this trunk was asked to carry out'),
  failedAttempts: z.int(),
  lastFailure: z
    .object({
      at: z.int().describe('Unix time in milliseconds'),
      what: z.enum(['invite refused', 'attempt failed']),
      status: z.int().nullable(),
      detail: z.string(),
      callId: z.string().nullable(),
    })
    .nullable(),
  transferMethod: z.enum(['auto', 'refer', 'invite']).describe('As configured'),
  learned: z
    .object({ method: z.enum(['refer', 'invite']), agoS: z.number() })
    .nullable()
    .describe('What auto has learned: whether a REFER worked or was refused'),
  registration: z
    .object({
      state: z.enum(['idle', 'registering', 'registered', 'failed', 'unregistered']),
      aor: z.string(),
      host: z.string().nullable().describe('The host that has our binding'),
      expiresAt: z.number().nullable().describe('Unix time in milliseconds'),
      nextTryAt: z.number().nullable(),
      failures: z.int().describe('Rounds over all hosts that failed in a row'),
      lastError: z
        .object({ at: z.number(), code: z.string(), status: z.int(), reason: z.string() })
        .nullable(),
    })
    .nullable()
    .describe('Null where the trunk does not register'),
});

export const trunkList = z.object({ trunks: z.array(trunkView).readonly() });

export type TrunkView = z.output<typeof trunkView>;
