import { isDeepStrictEqual } from 'node:util';
import type { RelevoConfig } from './relevo-config.js';

/** One place where two configurations differ. Values are left out: some are secrets. */
export interface ConfigChange {
  /** Such as `plan.trunks.carrier.maxCps`, `listen`, `api.tokens`. */
  readonly key: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** `reload`: new calls have it at once. `restart`: it stays as it was until the node is started anew. */
  readonly takes: 'reload' | 'restart';
}

export interface ConfigDiff {
  readonly changes: readonly ConfigChange[];
  readonly needsRestart: boolean;
}

/** What a running node cannot change: its sockets, and what its threads are started with. */
const RESTART = ['listen', 'engine', 'media', 'api.address', 'api.port', 'log'];

/** What a reload would change, and which of it takes a restart. `source` is not compared. */
export function diffConfig(before: RelevoConfig, after: RelevoConfig): ConfigDiff {
  const changes: ConfigChange[] = [];
  const compare = (one: unknown, other: unknown, key: string): void => {
    if (isDeepStrictEqual(one, other)) return;
    if (!isPlain(one) || !isPlain(other)) {
      const change = one === undefined ? 'added' : other === undefined ? 'removed' : 'changed';
      changes.push({ key, change, takes: takes(key) });
      return;
    }
    for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
      compare(one[name], other[name], key === '' ? name : `${key}.${name}`);
    }
  };
  compare({ ...before, source: null }, { ...after, source: null }, '');
  return { changes, needsRestart: changes.some((change) => change.takes === 'restart') };
}

function takes(key: string): 'reload' | 'restart' {
  return RESTART.some((prefix) => key === prefix || key.startsWith(`${prefix}.`)) ? 'restart' : 'reload';
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
