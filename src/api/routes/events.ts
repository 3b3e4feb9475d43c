import type { FastifyReply } from 'fastify';
import type { HubClient } from '../../observe/event-hub.js';
import type { ApiContext } from '../api-context.js';
import { ApiProblem } from '../problem.js';
import { eventsQuery } from '../schemas.js';
import type { ApiInstance } from '../zod-provider.js';

/** The stream of call records as server-sent events. */
export function eventRoutes(app: ApiInstance, context: ApiContext): void {
  const { events, access, book } = context;
  app.get(
    '/v1/events',
    {
      schema: {
        summary: 'Server-sent events; Last-Event-ID replays what was missed',
        querystring: eventsQuery,
        produces: ['text/event-stream'],
      },
      onRequest: access.guard('viewer'),
    },
    (request, reply) => {
      if (events.full)
        throw new ApiProblem(
          503,
          'too_many_readers',
          'the most readers that the node serves are connected',
          'Close one.',
          {
            headers: { 'retry-after': '5' },
          },
        );
      const { callId, project, kind } = request.query;
      const wanted = kind ? new Set<string>(kind) : null;
      const lastEventId = request.headers['last-event-id'];
      const client: HubClient = {
        wants: ({ record }) =>
          (callId === undefined || recordCallId(record) === callId) &&
          (wanted === null || wanted.has(record.kind)) &&
          (project === undefined || book.get(recordCallId(record))?.project === project),
        send: (text) => {
          reply.raw.write(text);
          return reply.raw.writableLength;
        },
        drop: () => {
          reply.raw.destroy();
        },
      };
      openStream(reply);
      const unsubscribe = events.subscribe(client, typeof lastEventId === 'string' ? lastEventId : null);
      reply.raw.on('close', unsubscribe);
    },
  );
}

function recordCallId(record: { readonly callId: string }): string {
  return record.callId;
}

/** Takes the response out of Fastify's hands: it ends when the reader goes, or is dropped. */
function openStream(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  reply.raw.write('retry: 2000\n\n');
}
