import type { AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import Fastify, { type FastifySchema } from 'fastify';
import { RelevoError, messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import { Access, isLoopback, type AccessToken } from './access.js';
import type { ApiContext } from './api-context.js';
import { ApiProblem, problemOf, sendProblem } from './problem.js';
import { callRoutes } from './routes/calls.js';
import { eventRoutes } from './routes/events.js';
import { listenerRoutes } from './routes/listeners.js';
import { nodeRoutes } from './routes/node.js';
import { transferRoutes } from './routes/transfers.js';
import { jsonSchemaOf, validateWith, type ApiInstance, type ZodProvider } from './zod-provider.js';

const BODY_BYTES = 64 * 1024;
const HEADER_BYTES = 16 * 1024;
const REQUEST_MS = 10_000;
const CONNECTIONS = 1024;

export interface ApiOptions extends Omit<ApiContext, 'access'> {
  readonly address: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly tokens: readonly AccessToken[];
  readonly log: Logger;
}

export interface ApiServer {
  /** `http://address:port`, without a slash at the end. */
  readonly url: string;
  readonly address: string;
  readonly port: number;
  /** Other tokens from now on. @throws RelevoError `api_open_to_network` as `startApi` does. */
  setTokens(tokens: readonly AccessToken[]): void;
  /** Ends every request and stream, and frees the port. Idempotent. */
  close(): Promise<void>;
}

/**
 * Builds the control API without listening.
 * @throws RelevoError `api_open_to_network` where a non-loopback address has no tokens.
 */
export async function buildApi(
  options: ApiOptions,
  access = new Access(options.tokens),
): Promise<ApiInstance> {
  refuseOpenAccess(options.address, options.tokens);
  const app = Fastify({
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    http: { maxHeaderSize: HEADER_BYTES, headersTimeout: REQUEST_MS },
    routerOptions: { maxParamLength: 256 },
    forceCloseConnections: true,
    logger: false,
    exposeHeadRoutes: false,
  }).withTypeProvider<ZodProvider>();
  app.server.maxConnections = CONNECTIONS;
  app.setValidatorCompiler(({ schema, httpPart }) => validateWith(schema, httpPart ?? 'request'));
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status === 500) options.log.error({ code: problem.code, err: error }, 'request failed');
    return sendProblem(request, reply, problem);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new ApiProblem(
        404,
        'unknown_route',
        `there is no ${request.method} ${request.url.split('?', 1)[0] ?? ''}`,
        'See /openapi.json for what there is.',
      ),
    ),
  );
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Relevo control API', version: options.version },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: ({ schema, url }) => ({ schema: schemaForOpenApi(schema), url }),
  });
  const context: ApiContext = { ...options, access };
  callRoutes(app, context);
  transferRoutes(app, context);
  listenerRoutes(app, context);
  eventRoutes(app, context);
  nodeRoutes(app, context);
  return app;
}

/** Starts the control API. @throws RelevoError `api_not_bound` where the address or port cannot be had. */
export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const access = new Access(options.tokens);
  const app = await buildApi(options, access);
  try {
    await app.listen({ host: options.address, port: options.port });
  } catch (error) {
    await app.close();
    throw new RelevoError(
      'api_not_bound',
      `the API cannot listen on ${options.address}:${options.port}: ${messageOf(error)}`,
      'Free the port, or set another api.port.',
      { cause: error },
    );
  }
  const bound = app.server.address() as AddressInfo;
  const host = bound.address.includes(':') ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${host}:${bound.port}`,
    address: bound.address,
    port: bound.port,
    setTokens: (tokens) => {
      refuseOpenAccess(options.address, tokens);
      access.replace(tokens);
    },
    close: async () => {
      options.events.close();
      await app.close();
    },
  };
}

function refuseOpenAccess(address: string, tokens: readonly AccessToken[]): void {
  if (tokens.length > 0 || isLoopback(address)) return;
  throw new RelevoError(
    'api_open_to_network',
    `api.address ${address} can be reached from the network, and api.tokens is empty`,
    'Configure api.tokens, or bind the API to 127.0.0.1.',
  );
}

function schemaForOpenApi(schema: FastifySchema | undefined): FastifySchema {
  if (!schema) return {};
  const { params, querystring, body, headers, response, ...rest } = schema;
  const out: Record<string, unknown> = { ...rest };
  for (const [part, one] of Object.entries({ params, querystring, body, headers }))
    if (one !== undefined) out[part] = jsonSchemaOf(one, 'input');
  if (response)
    out.response = Object.fromEntries(
      Object.entries({ ...response }).map(([status, one]) => [status, jsonSchemaOf(one, 'output')]),
    );
  return out;
}
