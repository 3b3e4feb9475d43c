import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { ApiProblem } from './problem.js';

/** Types a route's params, query and body by its zod schemas. */
export interface ZodProvider extends FastifyTypeProvider {
  readonly validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  readonly serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown;
}

export type ApiInstance = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodProvider
>;

/** Validates one part of a request; a mismatch becomes a 400 that names each key. */
export function validateWith(schema: unknown, part: string): (data: unknown) => { value: unknown } {
  return (data) => {
    if (!(schema instanceof z.ZodType)) return { value: data };
    const parsed = schema.safeParse(data ?? {});
    if (parsed.success) return { value: parsed.data };
    const errors = parsed.error.issues.map(({ path, message }) => ({
      key: path.map(String).join('.') || part,
      message,
    }));
    throw new ApiProblem(
      400,
      'bad_value',
      `${part}: ${errors.map(({ key, message }) => `${key}: ${message}`).join('; ')}`,
      'Correct the named keys; /openapi.json says what each may hold.',
      { errors },
    );
  };
}

/** The JSON Schema of a zod schema, as OpenAPI 3.1 takes it. Anything else passes unchanged. */
export function jsonSchemaOf(schema: unknown, io: 'input' | 'output'): unknown {
  if (!(schema instanceof z.ZodType)) return schema;
  const json: Record<string, unknown> = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  delete json.$schema;
  return json;
}
