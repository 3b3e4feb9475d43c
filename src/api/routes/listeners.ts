import type { CallOrder } from '../../call/call-record.js';
import { expectedListener } from '../../observe/listener-view.js';
import type { ApiContext } from '../api-context.js';
import { IdempotencyKeys, type Answer } from '../idempotency.js';
import { ApiProblem, callNotFound, problemSchema } from '../problem.js';
import { accepted, callParams, listenBody, listenerList, listenerParams, listenerView } from '../schemas.js';
import type { ApiInstance } from '../zod-provider.js';
import { idempotencyHeaders, orderOnce, refusalAnswer } from './order-once.js';
import { orderRefused } from './order-refused.js';

/** Operators who hear a call: call one (once per Idempotency-Key), list, show, let go. */
export function listenerRoutes(app: ApiInstance, context: ApiContext): void {
  const { node, book, access, clock, random } = context;
  const keys = new IdempotencyKeys(() => clock.wallMs());

  const start = async (
    callId: string,
    order: Extract<CallOrder, { kind: 'listen' }>,
    repeated: boolean,
  ): Promise<Answer> => {
    const { listenerId } = order;
    const location = `/v1/calls/${encodeURIComponent(callId)}/listeners/${listenerId}`;
    const taken = (): Answer => ({
      status: 202,
      headers: { location },
      body: book.listener(callId, listenerId),
    });
    // The order before this one was not answered; it may have been carried out nevertheless.
    if (repeated && book.listener(callId, listenerId)) return taken();
    const result = await node.order(callId, order);
    if (!result.accepted) return refusalAnswer(callId, result);
    book.expectListener(expectedListener(callId, order, clock.wallMs()));
    return taken();
  };

  app.post(
    '/v1/calls/:id/listeners',
    {
      schema: {
        summary: 'Call an operator who hears the call in silence',
        params: callParams,
        headers: idempotencyHeaders,
        body: listenBody,
        response: {
          202: listenerView,
          400: problemSchema,
          403: problemSchema,
          404: problemSchema,
          409: problemSchema,
          422: problemSchema,
          503: problemSchema,
        },
      },
      onRequest: access.guard('operator'),
    },
    async (request, reply) => {
      const { body } = request;
      const { id: callId } = request.params;
      const by = access.nameOf(request);
      const asked = { callId, key: request.headers['idempotency-key'], body, newId: random.uuid() };
      const answer = await orderOnce(book, keys, asked, (listenerId, repeated) =>
        start(callId, { kind: 'listen', listenerId, to: body.to, by }, repeated),
      );
      return reply
        .code(202)
        .headers(answer.headers)
        .send(answer.body as never);
    },
  );

  app.get(
    '/v1/calls/:id/listeners',
    {
      schema: {
        summary: 'List the operators who heard the call or hear it',
        params: callParams,
        response: { 200: listenerList, 404: problemSchema },
      },
      onRequest: access.guard('viewer'),
    },
    (request) => {
      const call = book.get(request.params.id);
      if (!call) throw callNotFound(request.params.id);
      return { listeners: call.listeners };
    },
  );

  app.get(
    '/v1/calls/:id/listeners/:lid',
    {
      schema: {
        summary: 'Show a listener',
        params: listenerParams,
        response: { 200: listenerView, 404: problemSchema },
      },
      onRequest: access.guard('viewer'),
    },
    (request) => found(request.params.id, request.params.lid),
  );

  app.delete(
    '/v1/calls/:id/listeners/:lid',
    {
      schema: {
        summary: "Let a listener go: the operator's phone gets BYE, or CANCEL while it rings",
        params: listenerParams,
        response: { 202: accepted, 404: problemSchema, 409: problemSchema },
      },
      onRequest: access.guard('operator'),
    },
    async (request, reply) => {
      const { id, lid } = request.params;
      const listener = found(id, lid);
      const ended = (): ApiProblem =>
        new ApiProblem(
          409,
          'listener_ended',
          `the listener ${lid} has ended: ${book.listener(id, lid)?.reason ?? 'just now'}`,
          'Read how with GET.',
        );
      if (listener.state === 'ended') throw ended();
      const result = await node.order(id, { kind: 'stopListening', listenerId: lid });
      // It ended while the order was on its way.
      if (!result.accepted && result.code === 'unknown_listener') throw ended();
      if (!result.accepted) throw orderRefused(id, result);
      return reply.code(202).send({ accepted: true });
    },
  );

  function found(callId: string, listenerId: string) {
    const listener = book.listener(callId, listenerId);
    if (listener) return listener;
    if (!book.get(callId)) throw callNotFound(callId);
    throw new ApiProblem(
      404,
      'unknown_listener',
      `the call ${callId} has no listener ${listenerId}`,
      "List the call's listeners with GET /v1/calls/{id}/listeners.",
    );
  }
}
