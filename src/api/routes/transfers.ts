import type { z } from 'zod';
import type { CallOrder } from '../../call/call-record.js';
import type { ApiContext } from '../api-context.js';
import { IdempotencyKeys, type Answer } from '../idempotency.js';
import { ApiProblem, callNotFound, problemSchema } from '../problem.js';
import { accepted, callParams, transferBody, transferParams, transferView } from '../schemas.js';
import type { ApiInstance } from '../zod-provider.js';
import { idempotencyHeaders, orderOnce, refusalAnswer } from './order-once.js';
import { orderRefused } from './order-refused.js';

/** Transfers: start (once per Idempotency-Key), show, cancel. */
export function transferRoutes(app: ApiInstance, context: ApiContext): void {
  const { node, book, access, clock, random } = context;
  const keys = new IdempotencyKeys(() => clock.wallMs());

  const start = async (
    callId: string,
    transferId: string,
    body: z.output<typeof transferBody>,
    repeated: boolean,
  ): Promise<Answer> => {
    const location = `/v1/calls/${encodeURIComponent(callId)}/transfers/${transferId}`;
    const taken = (): Answer => ({
      status: 202,
      headers: { location },
      body: book.transfer(callId, transferId),
    });
    // The order before this one was not answered; it may have been carried out nevertheless.
    if (repeated && book.transfer(callId, transferId)) return taken();
    const order: CallOrder = { kind: 'transfer', transferId, ...body };
    const result = await node.order(callId, order);
    if (!result.accepted) return refusalAnswer(callId, result);
    book.expectTransfer({
      transferId,
      callId,
      state: 'accepted',
      startedAt: clock.wallMs(),
      reason: body.reason,
      rule: null,
      evidence: null,
      destination: body.to,
      mode: body.mode,
      method: body.method,
      steps: [],
      result: null,
    });
    return taken();
  };

  app.post(
    '/v1/calls/:id/transfers',
    {
      schema: {
        summary: 'Hand the call over to a person',
        params: callParams,
        headers: idempotencyHeaders,
        body: transferBody,
        response: {
          202: transferView,
          400: problemSchema,
          403: problemSchema,
          404: problemSchema,
          409: problemSchema,
          422: problemSchema,
        },
      },
      onRequest: access.guard('operator'),
    },
    async (request, reply) => {
      const { body } = request;
      const { id: callId } = request.params;
      const asked = { callId, key: request.headers['idempotency-key'], body, newId: random.uuid() };
      const answer = await orderOnce(book, keys, asked, (id, repeated) => start(callId, id, body, repeated));
      return reply
        .code(202)
        .headers(answer.headers)
        .send(answer.body as never);
    },
  );

  app.get(
    '/v1/calls/:id/transfers/:tid',
    {
      schema: {
        summary: 'Show a transfer and its result',
        params: transferParams,
        response: { 200: transferView, 404: problemSchema },
      },
      onRequest: access.guard('viewer'),
    },
    (request) => {
      const { id, tid } = request.params;
      const transfer = book.transfer(id, tid);
      if (!transfer) throw book.get(id) ? transferNotFound(id, tid) : callNotFound(id);
      return transfer;
    },
  );

  app.delete(
    '/v1/calls/:id/transfers/:tid',
    {
      schema: {
        summary: 'Cancel a transfer in flight; the caller goes back to the bot',
        params: transferParams,
        response: { 202: accepted, 404: problemSchema, 409: problemSchema },
      },
      onRequest: access.guard('operator'),
    },
    async (request, reply) => {
      const { id, tid } = request.params;
      const transfer = book.transfer(id, tid);
      if (!transfer) throw book.get(id) ? transferNotFound(id, tid) : callNotFound(id);
      if (transfer.state === 'ended')
        throw new ApiProblem(
          409,
          'transfer_ended',
          `the transfer ${tid} has ended: ${transfer.result?.outcome ?? 'unknown'}`,
          'Read its result with GET.',
        );
      const result = await node.order(id, { kind: 'cancelTransfer', transferId: tid });
      if (!result.accepted) throw orderRefused(id, result);
      return reply.code(202).send({ accepted: true });
    },
  );
}

function transferNotFound(callId: string, transferId: string): ApiProblem {
  return new ApiProblem(
    404,
    'unknown_transfer',
    `the call ${callId} has no transfer ${transferId}`,
    "List the call's transfers with GET /v1/calls/{id}.",
  );
}
