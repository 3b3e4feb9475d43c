import type { z } from 'zod';
import { engineSchema } from './engine.js';
import {
  apiSchema,
  limitsSchema,
  listenSchema,
  logSchema,
  mediaSchema,
  observeSchema,
  policySchema,
} from './node.js';
import { botSchema, destinationSchema, trunkSchema } from './peers.js';
import { projectSchema } from './projects.js';
import { named, section } from './values.js';

/** Sections that are read as one piece. */
export const SECTIONS = {
  listen: listenSchema,
  engine: engineSchema,
  media: mediaSchema,
  api: apiSchema,
  limits: limitsSchema,
  log: logSchema,
  observe: observeSchema,
  policy: policySchema,
};

/** Sections of named entries, each of which is read by itself. */
export const ENTRIES = {
  trunks: trunkSchema,
  bots: botSchema,
  destinations: destinationSchema,
  projects: projectSchema,
};

/** The whole file. */
export const rootSchema = section({
  ...SECTIONS,
  trunks: named(trunkSchema, 'trunks'),
  bots: named(botSchema, 'bots'),
  destinations: named(destinationSchema, 'destinations').default({}),
  projects: named(projectSchema, 'projects'),
});

/** A file whose every section is well-formed, with the defaults filled in. */
export type ConfigInput = z.output<typeof rootSchema>;
