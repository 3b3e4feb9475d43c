import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RelevoError } from '../common/errors.js';

/** A problem document (RFC 9457). `code` is stable; docs/errors.md lists the codes. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  remedy: z.string(),
  instance: z.string(),
  errors: z.array(z.object({ key: z.string(), message: z.string() })).optional(),
});

/** A refusal by the API, with its HTTP status. */
export class ApiProblem extends RelevoError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly { readonly key: string; readonly message: string }[] | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    remedy: string,
    extra: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly errors?: readonly { readonly key: string; readonly message: string }[];
    } = {},
  ) {
    super(code, message, remedy);
    this.name = 'ApiProblem';
    this.status = status;
    this.headers = extra.headers ?? {};
    this.errors = extra.errors;
  }
}

export function callNotFound(callId: string): ApiProblem {
  return new ApiProblem(
    404,
    'unknown_call',
    `no call ${callId} is known`,
    'List the calls with GET /v1/calls; ended calls are kept for a while only.',
  );
}

/** Answers with a problem document. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: ApiProblem): FastifyReply {
  const { status, code, message, remedy, headers, errors } = problem;
  return reply
    .code(status)
    .headers(headers)
    .header('content-type', 'application/problem+json')
    .send(
      JSON.stringify({
        type: `urn:relevo:error:${code}`,
        title: STATUS_CODES[status] ?? 'Error',
        status,
        code,
        detail: message,
        remedy,
        instance: request.url,
        ...(errors ? { errors } : {}),
      }),
    );
}

/** Turns whatever was thrown in a route, or by the HTTP layer, into a problem. */
export function problemOf(thrown: unknown): ApiProblem {
  if (thrown instanceof ApiProblem) return thrown;
  if (thrown instanceof RelevoError) {
    const status =
      thrown.code === 'signalling_unavailable' ? 504 : thrown.code === 'no_config_file' ? 409 : 503;
    return new ApiProblem(status, thrown.code, thrown.message, thrown.remedy);
  }
  const status = (thrown as Partial<FastifyError>).statusCode ?? 500;
  if (status === 413)
    return new ApiProblem(
      413,
      'body_too_large',
      'the request body is longer than 64 KiB',
      'Send a shorter body.',
    );
  if (status === 415)
    return new ApiProblem(
      415,
      'not_json',
      'the request body is not JSON',
      'Send JSON with Content-Type: application/json.',
    );
  if (status >= 400 && status < 500)
    return new ApiProblem(
      status,
      'bad_request',
      thrown instanceof Error ? thrown.message : 'the request cannot be read',
      'Compare the request with /openapi.json.',
    );
  return new ApiProblem(
    500,
    'internal_error',
    'the node failed to answer this request',
    'Look for the code internal_error in the log of the node, and report it.',
  );
}
