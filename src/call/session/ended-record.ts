import type { CallContext } from '../call-context.js';
import type { CallEnd } from '../call-host.js';
import type { CallRecord } from '../call-record.js';
import type { LegFigures } from '../media-port.js';
import type { TransferResult } from '../vocabulary.js';

/** What a call that is over knows of itself. */
export interface EndedFacts {
  readonly startedAt: number;
  readonly answered: { readonly at: number; readonly wallMs: number } | null;
  readonly transfers: readonly TransferResult[];
  readonly media: Readonly<Record<string, LegFigures>>;
}

/** The last record of a call. */
export function endedRecord(context: CallContext, end: CallEnd, facts: EndedFacts): CallRecord {
  const { startedAt, answered, transfers, media } = facts;
  return {
    kind: 'call.ended',
    callId: context.callId,
    at: context.wallMs(),
    endedBy: end.endedBy,
    sipStatus: answered ? null : (end.status ?? 480),
    cause: end.cause,
    durationMs: Math.round(context.now() - (answered?.at ?? startedAt)),
    answeredAt: answered?.wallMs ?? null,
    transfers,
    media,
  };
}
