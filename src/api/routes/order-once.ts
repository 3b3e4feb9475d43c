import { z } from 'zod';
import type { OrderResult } from '../../call/call-io.js';
import type { CallBook } from '../../observe/call-book.js';
import type { Answer, IdempotencyKeys } from '../idempotency.js';
import { ApiProblem, callNotFound } from '../problem.js';
import { callEnded } from './calls.js';
import { orderRefused } from './order-refused.js';

/** Of requests that may be repeated when their answer was lost. */
export const idempotencyHeaders = z.looseObject({ 'idempotency-key': z.string().min(1).max(255).optional() });

/** A request that gives a call an order. */
export interface OrderRequest {
  readonly callId: string;
  /** Its Idempotency-Key. */
  readonly key: string | undefined;
  readonly body: unknown;
  /** Of what the order begins, unless the same request has begun it before. */
  readonly newId: string;
}

/** Refusals by the call are answers too: the same key gets them again. Only silence is a failure. */
export function refusalAnswer(callId: string, result: Extract<OrderResult, { accepted: false }>): Answer {
  const { status, code, message, remedy } = orderRefused(callId, result);
  return { status, headers: {}, body: { code, message, remedy } };
}

/**
 * Has `start` give the order, once per Idempotency-Key; `repeated` tells it that it may have been given already. Resolves
 * to the answer that it was taken with. Throws ApiProblem: 404 without such a call, 409 where it has ended, 422 for a key
 * with another body, and what the call refused with.
 */
export async function orderOnce(
  book: CallBook,
  keys: IdempotencyKeys,
  { callId, key, body, newId }: OrderRequest,
  start: (id: string, repeated: boolean) => Promise<Answer>,
): Promise<Answer> {
  const call = book.get(callId);
  if (!call) throw callNotFound(callId);
  if (call.endedAt !== null && key === undefined) throw callEnded(callId);
  const answer =
    key === undefined ? await start(newId, false) : await keys.once(callId, key, body, newId, start);
  if (answer.status === 202) return answer;
  const { code, message, remedy } = answer.body as { code: string; message: string; remedy: string };
  throw new ApiProblem(answer.status, code, message, remedy);
}
