import type { z } from 'zod';
import { KNOWN_KEYS, UNSUPPORTED } from './schema/values.js';
import { suggest } from './suggest.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

type Issue = z.core.$ZodIssue;

/** Keys of the design that this version has not at all. */
const KEYS_TO_COME = new Set(['redis', 'cluster', 'hep', 'nodes']);
/** A key by which the rest of its mapping is read: where its word is not supported, the rest is not judged. */
const DISCRIMINATORS = new Set(['kind', 'transport', 'type']);

/**
 * Reads one section against its schema and reports every issue at its place in the file. Where an issue can be
 * cut out, the rest is still returned, so that the cross references of the whole file are checked in one go;
 * null where nothing sensible is left. `value` is changed by the cutting.
 */
export function readSection<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: KeyPath,
  source: YamlSource,
): z.output<Schema> | null {
  let holder = { value };
  let result = schema.safeParse(holder.value);
  if (!result.success && takeNumbersOfEnvironment(result.error.issues, holder, path, source)) {
    result = schema.safeParse(holder.value);
  }
  if (result.success) return result.data;
  for (const issue of judged(result.error.issues)) reportIssue(issue, path, source);

  holder = { value: structuredClone(holder.value) };
  for (const issue of result.error.issues) cutOut(issue, holder);
  const rest = schema.safeParse(holder.value);
  return rest.success ? rest.data : null;
}

/** Leaves out what follows from an unsupported kind: its own keys are unknown only because of it. */
function judged(issues: readonly Issue[]): readonly Issue[] {
  const unsupported = issues.filter(
    (issue) => DISCRIMINATORS.has(String(issue.path.at(-1))) && issue.message.startsWith(UNSUPPORTED),
  );
  return issues.filter(
    (issue) =>
      unsupported.includes(issue) || !unsupported.some((kind) => isUnder(issue, kind.path.slice(0, -1))),
  );
}

function isUnder(issue: Issue, parent: readonly PropertyKey[]): boolean {
  return parent.every((step, index) => issue.path[index] === step);
}

function pathOf(issue: Issue): (string | number)[] {
  return issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

function reportIssue(issue: Issue, base: KeyPath, source: YamlSource): void {
  const path = [...base, ...pathOf(issue)];
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) reportUnknownKey(key, issue.message, path, source);
    return;
  }
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? 'a name';
    source.report(
      path,
      { code: 'bad_name', message: 'this key is not allowed here', found: String(path.at(-1)), expected },
      'key',
    );
    return;
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const inner = deepestBranch(issue.errors);
    if (inner) {
      for (const nested of inner)
        reportIssue({ ...nested, path: [...issue.path, ...nested.path] }, base, source);
      return;
    }
  }
  const found = source.found(path);
  if (issue.message.startsWith(UNSUPPORTED)) {
    const [what, remedy] = issue.message.split('; ');
    source.report(path, {
      code: 'unsupported',
      message: `${found} is ${what!}`,
      found,
      expected: remedy?.replace(/^use /, '') ?? null,
      remedy: remedy ?? null,
    });
    return;
  }
  const key = String(path.at(-1));
  if (found === 'nothing') {
    source.report(
      path,
      { code: 'missing_key', message: `\`${key}\` is missing`, found, expected: issue.message },
      'key',
    );
    return;
  }
  source.report(path, {
    code: 'bad_value',
    message: `${typeof path.at(-1) === 'number' ? 'this item' : `\`${key}\``} is not what it should be`,
    found,
    expected: issue.message,
    remedy: remedyFor(issue, found, path, source),
  });
}

function reportUnknownKey(key: string, message: string, path: KeyPath, source: YamlSource): void {
  const known = message.startsWith(KNOWN_KEYS) ? message.slice(KNOWN_KEYS.length).split(', ') : [];
  const toCome = KEYS_TO_COME.has(key);
  const meant = suggest(key, known);
  source.report(
    [...path, key],
    {
      code: toCome ? 'unsupported' : 'unknown_key',
      message: toCome ? `\`${key}\` is ${UNSUPPORTED}` : `unknown key \`${key}\``,
      found: key,
      expected: message,
      remedy: meant && !toCome ? `did you mean \`${meant}\`?` : null,
    },
    'key',
  );
}

function remedyFor(issue: Issue, found: string, path: KeyPath, source: YamlSource): string | null {
  if (issue.code === 'invalid_value') {
    const meant = suggest(
      found,
      issue.values.filter((value) => typeof value === 'string'),
    );
    return meant ? `did you mean \`${meant}\`?` : null;
  }
  if (issue.code === 'invalid_union' && issue.message.includes(' or ') && !/\s/.test(found)) {
    const meant = suggest(found, issue.message.split(/, | or /));
    if (meant) return `did you mean \`${meant}\`?`;
  }
  if (/^\d+(?:\.\d+)?$/.test(found) && issue.message.includes('duration')) {
    return `add the unit, such as ${found}s`;
  }
  const wantsText = issue.code === 'invalid_type' && issue.expected === 'string';
  if (wantsText && !source.isFromEnvironment(path) && /^[\d+.-]+$/.test(found)) {
    return `write it in quotes: "${found}"`;
  }
  return wantsText && found === '(hidden)' ? 'write it in quotes' : null;
}

/** The branch of a union that the value was meant for: the one whose issues lie inside the value. */
function deepestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  return (
    branches.find((issues) => issues.length > 0 && issues.every((issue) => issue.path.length > 0)) ?? null
  );
}

/** A value of the environment is text: where a number or a boolean is wanted, it is read as one. */
function takeNumbersOfEnvironment(
  issues: readonly Issue[],
  holder: { value: unknown },
  base: KeyPath,
  source: YamlSource,
): boolean {
  let changed = false;
  for (const issue of issues) {
    const path = pathOf(issue);
    if (!source.isFromEnvironment([...base, ...path])) continue;
    edit(holder, path, (parent, key) => {
      const text = parent[key];
      if (typeof text !== 'string') return;
      if (/^-?\d+(?:\.\d+)?$/.test(text)) parent[key] = Number(text);
      else if (text === 'true' || text === 'false') parent[key] = text === 'true';
      else return;
      changed = true;
    });
  }
  return changed;
}

function cutOut(issue: Issue, holder: { value: unknown }): void {
  const keys = issue.code === 'unrecognized_keys' ? issue.keys : [null];
  for (const key of keys) {
    edit(holder, key === null ? pathOf(issue) : [...pathOf(issue), key], (parent, last) => {
      if (!Array.isArray(parent)) Reflect.deleteProperty(parent, last);
    });
  }
}

function edit(
  holder: { value: unknown },
  path: KeyPath,
  change: (parent: Record<string | number, unknown>, key: string | number) => void,
): void {
  let parent: unknown = holder;
  const steps = ['value', ...path];
  for (const step of steps.slice(0, -1)) {
    if (typeof parent !== 'object' || parent === null) return;
    parent = (parent as Record<string | number, unknown>)[step];
  }
  if (typeof parent !== 'object' || parent === null) return;
  change(parent as Record<string | number, unknown>, steps.at(-1)!);
}
