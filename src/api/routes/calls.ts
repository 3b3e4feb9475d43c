import { z } from 'zod';
import type { CallOrder } from '../../call/call-record.js';
import { formatLadder } from '../../observe/format-ladder.js';
import type { ApiContext } from '../api-context.js';
import { ApiProblem, callNotFound, problemSchema } from '../problem.js';
import { accepted, botEventBody, callList, callParams, callView, ladderView, listQuery } from '../schemas.js';
import type { ApiInstance } from '../zod-provider.js';
import { orderRefused } from './order-refused.js';

/** Calls: list, show, hang up, tell what the bot noticed, ladder. */
export function callRoutes(app: ApiInstance, context: ApiContext): void {
  const { node, book, ladders, access } = context;
  const give = async (callId: string, order: CallOrder): Promise<{ accepted: true }> => {
    const call = book.get(callId);
    if (call && call.endedAt !== null) throw callEnded(callId);
    const result = await node.order(callId, order);
    if (!result.accepted) throw orderRefused(callId, result);
    return { accepted: true };
  };

  app.get(
    '/v1/calls',
    {
      schema: { summary: 'List calls, newest first', querystring: listQuery, response: { 200: callList } },
      onRequest: access.guard('viewer'),
    },
    (request) => {
      const { limit, ...filter } = request.query;
      return { calls: book.list(filter, limit), live: book.liveCalls };
    },
  );

  app.get(
    '/v1/calls/:id',
    {
      schema: {
        summary: 'Show a call',
        params: callParams,
        response: { 200: callView, 404: problemSchema },
      },
      onRequest: access.guard('viewer'),
    },
    (request) => {
      const call = book.get(request.params.id);
      if (!call) throw callNotFound(request.params.id);
      return call;
    },
  );

  app.delete(
    '/v1/calls/:id',
    {
      schema: {
        summary: 'Hang a call up',
        params: callParams,
        response: { 202: accepted, 404: problemSchema, 409: problemSchema },
      },
      onRequest: access.guard('operator'),
    },
    async (request, reply) =>
      reply
        .code(202)
        .send(await give(request.params.id, { kind: 'hangup', cause: 'hung up by an operator' })),
  );

  app.post(
    '/v1/calls/:id/events',
    {
      schema: {
        summary: 'Tell what the bot noticed; the rules of the project decide',
        params: callParams,
        body: botEventBody,
        response: { 202: accepted, 400: problemSchema, 404: problemSchema, 409: problemSchema },
      },
      onRequest: access.guard('operator'),
    },
    async (request, reply) =>
      reply.code(202).send(await give(request.params.id, { kind: 'botEvent', event: request.body })),
  );

  app.get(
    '/v1/calls/:id/ladder',
    {
      schema: {
        summary: "The call's SIP messages; as a diagram where Accept asks for text/plain",
        params: callParams,
        response: { 200: z.union([ladderView, z.string()]), 404: problemSchema },
      },
      onRequest: access.guard('viewer'),
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!book.get(id)) throw callNotFound(id);
      const messages = ladders.messagesOf(id);
      if (/\btext\/plain\b/.test(request.headers.accept ?? ''))
        return reply.type('text/plain; charset=utf-8').send(formatLadder(messages));
      return reply.send({ callId: id, messages });
    },
  );
}

/** An order came for a call that has ended. */
export function callEnded(callId: string): ApiProblem {
  return new ApiProblem(
    409,
    'call_ended',
    `the call ${callId} has ended`,
    'Read its result with GET /v1/calls/{id}.',
  );
}
