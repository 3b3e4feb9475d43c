import { createHmac } from 'node:crypto';
import type { CallRecord } from '../call/call-record.js';
import type { CallView } from './call-view.js';
import { cdrOf } from './cdr-writer.js';

/** Names of the events that a webhook can ask for. */
export type WebhookEvent = CallRecord['kind'];

/** One event on its way: `id` stays the same over all tries, so that a receiver can tell a repetition. */
export interface WebhookMessage {
  readonly id: string;
  readonly event: WebhookEvent;
  readonly callId: string;
  readonly body: string;
}

/** Which call an event is about: what a receiver needs to find it in its own books. */
function briefOf({ callId, sipCallId, project, trunk, caller, called, startedAt }: CallView): object {
  return { callId, sipCallId, project, trunk, caller, called, startedAt };
}

/** Writes an event: `call.ended` carries the call detail record, the others what happened and which call. */
export function webhookMessage(id: string, record: CallRecord, call: CallView | null): WebhookMessage {
  const { kind: event, callId, at, ...data } = record;
  const about = call ? briefOf(call) : { callId };
  const content =
    event === 'call.ended' && call ? { call: cdrOf(call) } : { call: about, ...withoutKeys(data) };
  return { id, event, callId, body: JSON.stringify({ id, event, at, ...content }) };
}

function withoutKeys(data: object): object {
  const { result, ...rest } = data as { result?: unknown };
  return result === undefined ? rest : { ...rest, transfer: result };
}

/**
 * The value of X-Relevo-Signature: `t=SECONDS,v1=HEX`, the HMAC-SHA256 of `SECONDS.BODY`. The time is signed with the
 * body, so that a receiver can refuse what is repeated later.
 */
export function signatureOf(secret: string, unixSeconds: number, body: string): string {
  const digest = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex');
  return `t=${unixSeconds},v1=${digest}`;
}
