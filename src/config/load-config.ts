import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { messageOf } from '../common/errors.js';
import { buildConfig } from './build-config.js';
import { checkMediaRelease } from './check-media-release.js';
import { checkNode } from './check-node.js';
import { checkProjects, type ExpressionCheck } from './check-projects.js';
import { checkSrtp } from './check-srtp.js';
import { checkTls } from './check-tls.js';
import { checkReferences } from './check-references.js';
import type { ConfigProblem } from './config-problem.js';
import { deepFreeze } from './deep-freeze.js';
import type { Environment } from './environment.js';
import type { ParsedFile } from './parsed-file.js';
import { readSection } from './read-section.js';
import type { RelevoConfig } from './relevo-config.js';
import { ENTRIES, SECTIONS, type ConfigInput } from './schema/root.js';
import { KNOWN_KEYS, name as nameSchema } from './schema/values.js';
import { suggest } from './suggest.js';
import { YamlSource } from './yaml-source.js';

export type { ExpressionCheck } from './check-projects.js';

/** A configuration file, or its text where it did not come from a file (`path` then only names it in messages). */
export type ConfigSource = { readonly path: string } | { readonly text: string; readonly path: string };

export interface LoadOptions {
  /** Values for `${NAME}`, usually `process.env`. */
  readonly env: Environment;
  /** Pass `checkExpression` from src/policy/rules/expression.js. */
  readonly checkExpression: ExpressionCheck;
  /** What peers see where an address is `0.0.0.0` and nothing is advertised; the first outer interface if absent. */
  readonly localAddress?: string | null;
  /** Unix time, against which certificates are judged; the machine's by default. */
  readonly nowMs?: number;
}

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: RelevoConfig;
      readonly warnings: readonly ConfigProblem[];
      /** The text as read, for `formatProblems`. */
      readonly text: string;
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly text: string };

const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Reads and validates a whole configuration. Never throws for what a file holds; collects every problem. */
export function loadConfig(source: ConfigSource, options: LoadOptions): LoadedConfig {
  let text: string;
  try {
    text = 'text' in source ? source.text : readFileSync(source.path, 'utf8');
  } catch (thrown) {
    const problem = wholeFile(source.path, 'unreadable', `cannot be read: ${messageOf(thrown)}`);
    return { ok: false, problems: [problem], text: '' };
  }
  if (text.length > MAX_FILE_BYTES) {
    const problem = wholeFile(source.path, 'too_large', `is larger than ${MAX_FILE_BYTES} bytes`);
    return { ok: false, problems: [problem], text: '' };
  }

  const folder = dirname(resolve(source.path));
  const yaml = new YamlSource(text, source.path, options.env);
  const file = yaml.data === null && yaml.hasErrors ? null : parseFile(yaml);
  if (file) {
    const localAddress = options.localAddress === undefined ? firstOuterAddress() : options.localAddress;
    checkNode(file, yaml);
    checkSrtp(file, yaml);
    checkMediaRelease(file, yaml);
    checkTls(file, yaml, folder, options.nowMs ?? Date.now());
    checkReferences(file, yaml);
    checkProjects(file, yaml, folder, options.checkExpression);
    checkReach(file, yaml, localAddress);
    checkActedOn(file, yaml);
    const input = wholeInput(file);
    if (!yaml.hasErrors && input) {
      const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
      const config = buildConfig(input, { folder, localAddress, source: { path: source.path, hash } });
      return { ok: true, config: deepFreeze(config), warnings: inOrder(yaml.problems), text };
    }
  }
  return { ok: false, problems: inOrder(yaml.problems), text };
}

function parseFile(source: YamlSource): ParsedFile | null {
  const { data } = source;
  if (!isMapping(data)) {
    source.report([], {
      code: 'bad_value',
      message: data === null || data === undefined ? 'the file is empty' : 'the file is no mapping',
      found: source.found([]),
      expected: `a mapping with the keys ${Object.keys({ ...SECTIONS, ...ENTRIES }).join(', ')}`,
    });
    return null;
  }
  const known = Object.keys({ ...SECTIONS, ...ENTRIES });
  for (const key of Object.keys(data)) {
    if (!known.includes(key)) reportUnknownSection(key, known, source);
  }
  const one = <Schema extends z.ZodType>(key: string, schema: Schema): z.output<Schema> | null =>
    readSection(schema, data[key], [key], source);
  return {
    listen: one('listen', SECTIONS.listen),
    engine: one('engine', SECTIONS.engine),
    media: one('media', SECTIONS.media),
    api: one('api', SECTIONS.api),
    limits: one('limits', SECTIONS.limits),
    log: one('log', SECTIONS.log),
    observe: one('observe', SECTIONS.observe),
    policy: one('policy', SECTIONS.policy),
    trunks: readEntries('trunks', ENTRIES.trunks, data, source),
    bots: readEntries('bots', ENTRIES.bots, data, source),
    destinations: readEntries('destinations', ENTRIES.destinations, data, source),
    projects: readEntries('projects', ENTRIES.projects, data, source),
    names: {
      trunks: namesOf(data['trunks']),
      bots: namesOf(data['bots']),
      destinations: namesOf(data['destinations']),
      projects: namesOf(data['projects']),
    },
  };
}

function reportUnknownSection(key: string, known: readonly string[], source: YamlSource): void {
  const meant = suggest(key, known);
  const toCome = key === 'redis' || key === 'cluster';
  source.report(
    [key],
    {
      code: toCome ? 'unsupported' : 'unknown_key',
      message: toCome ? `\`${key}\` is not supported by this version` : `unknown key \`${key}\``,
      found: key,
      expected: `${KNOWN_KEYS}${known.join(', ')}`,
      remedy: meant && !toCome ? `did you mean \`${meant}\`?` : null,
    },
    'key',
  );
}

function readEntries<Schema extends z.ZodType>(
  section: keyof typeof ENTRIES,
  schema: Schema,
  data: Readonly<Record<string, unknown>>,
  source: YamlSource,
): Record<string, z.output<Schema>> {
  const entries = data[section];
  const good: Record<string, z.output<Schema>> = {};
  if (!isMapping(entries)) {
    if (entries !== undefined || section !== 'destinations') {
      const isMissing = entries === undefined || entries === null;
      source.report([section], {
        code: isMissing ? 'missing_key' : 'bad_value',
        message: isMissing ? `\`${section}\` is missing` : `\`${section}\` is not what it should be`,
        found: source.found([section]),
        expected: `a mapping of names to ${section}`,
      });
    }
    return good;
  }
  for (const [name, entry] of Object.entries(entries)) {
    const named = nameSchema().safeParse(name);
    if (!named.success) {
      source.report(
        [section, name],
        {
          code: 'bad_name',
          message: 'this name is not allowed here',
          found: name,
          expected: named.error.issues[0]?.message ?? null,
        },
        'key',
      );
      continue;
    }
    const value = readSection(schema, entry, [section, name], source);
    if (value !== null) good[name] = value;
  }
  return good;
}

function checkReach({ listen, media }: ParsedFile, source: YamlSource, localAddress: string | null): void {
  const report = (path: readonly (string | number)[], isMedia: boolean): void => {
    source.report(path, {
      code: localAddress === null ? 'no_address' : 'address_guessed',
      severity: localAddress === null ? 'error' : 'warning',
      message:
        localAddress === null
          ? 'peers cannot reach 0.0.0.0, and this machine has no other IPv4 address than loopback'
          : `peers will be told ${localAddress}, the first IPv4 address of this machine`,
      found: source.found(path),
      expected: `\`advertise\` beside it: the address ${isMedia ? 'in our SDP' : 'that peers reach'}`,
      remedy: 'add `advertise`',
    });
  };
  listen?.forEach((point, index) => {
    if (point.address === '0.0.0.0' && point.advertise === undefined)
      report(['listen', index, 'address'], false);
  });
  if (media?.address === '0.0.0.0' && media.advertise === undefined) report(['media', 'address'], true);
}

/** Keys that are read and do nothing yet: said, not swallowed. */
function checkActedOn(file: ParsedFile, source: YamlSource): void {
  for (const [name, trunk] of Object.entries(file.trunks)) {
    if (!trunk.options_ping) continue;
    const path = ['trunks', name, 'options_ping'];
    source.report(path, {
      code: 'not_acted_on',
      severity: 'warning',
      message: 'this version sends no OPTIONS: it learns from calls whether a host answers',
      found: source.found(path),
      expected: '0, or no such key',
    });
  }
}

function wholeInput(file: ParsedFile): ConfigInput | null {
  const { listen, engine, media, api, limits, log, observe, policy } = file;
  if (!listen || !engine || !media || !api || !limits || !log || !observe || !policy) return null;
  const { trunks, bots, destinations, projects } = file;
  return { listen, engine, media, api, limits, log, observe, policy, trunks, bots, destinations, projects };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function namesOf(value: unknown): readonly string[] {
  return isMapping(value) ? Object.keys(value) : [];
}

function firstOuterAddress(): string | null {
  for (const addresses of Object.values(networkInterfaces())) {
    const outer = addresses?.find((address) => address.family === 'IPv4' && !address.internal);
    if (outer) return outer.address;
  }
  return null;
}

function wholeFile(file: string, code: string, message: string): ConfigProblem {
  const place = { file, line: 1, column: 1, length: 1, key: '' };
  return { severity: 'error', code, ...place, message, found: null, expected: null, remedy: null };
}

function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...problems].sort((one, other) => one.line - other.line || one.column - other.column);
}
