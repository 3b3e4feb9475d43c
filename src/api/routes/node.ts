import type { ApiContext } from '../api-context.js';
import { ApiProblem, problemSchema } from '../problem.js';
import { dryRunBody, dryRunReport } from '../dry-run-schema.js';
import { drainReport, health, reloadReport } from '../schemas.js';
import { trunkList } from '../trunk-schema.js';
import type { ApiInstance } from '../zod-provider.js';

/** The node itself: health, metrics, reload, drain, and the description of this API. */
export function nodeRoutes(app: ApiInstance, context: ApiContext): void {
  const { node, access } = context;

  app.get(
    '/healthz',
    { schema: { summary: 'Does the node work?', security: [], response: { 200: health, 503: health } } },
    async (_request, reply) => {
      const now = node.health();
      return reply.code(now.status === 'failing' ? 503 : 200).send(now);
    },
  );

  app.get(
    '/readyz',
    { schema: { summary: 'Should it get new calls?', security: [], response: { 200: health, 503: health } } },
    async (_request, reply) => {
      const now = node.health();
      return reply.code(now.status === 'failing' || now.draining ? 503 : 200).send(now);
    },
  );

  app.get(
    '/metrics',
    {
      schema: { summary: 'Prometheus metrics', produces: ['text/plain'] },
      onRequest: access.guard('viewer'),
    },
    async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await node.metrics()),
  );

  app.post(
    '/v1/reload',
    {
      schema: {
        summary: 'Read the configuration again; calls in progress keep theirs',
        response: { 200: reloadReport, 422: problemSchema },
      },
      onRequest: access.guard('admin'),
    },
    async () => {
      const report = await node.reload();
      if (report.applied) return report;
      throw new ApiProblem(
        422,
        'config_rejected',
        'the configuration has errors and was not applied',
        'Correct it; relevo check shows the places. The node goes on with the former configuration.',
        { errors: report.problems.map((message) => ({ key: 'config', message })) },
      );
    },
  );

  app.post(
    '/v1/drain',
    {
      schema: { summary: 'Take no new calls and end after the last one', response: { 202: drainReport } },
      onRequest: access.guard('admin'),
    },
    async (_request, reply) => reply.code(202).send(node.beginDrain()),
  );

  app.get(
    '/v1/trunks',
    {
      schema: { summary: 'Trunks: calls, refusals, failures', response: { 200: trunkList } },
      onRequest: access.guard('viewer'),
    },
    async () => ({ trunks: await node.trunks() }),
  );

  app.post(
    '/v1/dry-run',
    {
      schema: {
        summary: 'What would become of a described call; nothing is sent',
        body: dryRunBody,
        response: { 200: dryRunReport, 400: problemSchema },
      },
      onRequest: access.guard('viewer'),
    },
    (request) => node.dryRun(request.body),
  );

  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(app.swagger())),
  );
}
