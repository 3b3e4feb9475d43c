import { z } from 'zod';
import { rootSchema } from './schema/root.js';

/** The JSON Schema (draft 2020-12) of the configuration file, for editors. References are checked by `relevo check` only. */
export function jsonSchema(): Record<string, unknown> {
  return {
    title: 'Relevo configuration',
    ...z.toJSONSchema(rootSchema, { io: 'input', unrepresentable: 'any' }),
  };
}
