import {
  LineCounter,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type Scalar,
} from 'yaml';
import type { ConfigProblem } from './config-problem.js';
import { hasReference, substitute, type Environment } from './environment.js';
import { messageOf } from '../common/errors.js';

export type KeyPath = readonly (string | number)[];

/** What a problem says beside its place. */
export interface ProblemText {
  readonly code: string;
  readonly message: string;
  readonly found?: string | null;
  readonly expected?: string | null;
  readonly remedy?: string | null;
  readonly severity?: 'error' | 'warning';
}

const SHOWN_CHARS = 60;
const SECRET_KEYS = new Set(['password', 'secret', 'token']);

/** Whether the value under this path is a secret, which no message may show. */
export function isSecretPath(path: KeyPath): boolean {
  return SECRET_KEYS.has(String(path.at(-1)));
}

/** `listen[0].port` */
export function keyOf(path: KeyPath): string {
  return path.reduce<string>(
    (key, step) => (typeof step === 'number' ? `${key}[${step}]` : key === '' ? step : `${key}.${step}`),
    '',
  );
}

/** The key path of the last of these nodes, each of which holds the next. */
function pathOf(nodes: readonly unknown[]): (string | number)[] {
  return nodes.flatMap((node, index): (string | number)[] => {
    if (isPair(node) && isScalar(node.key)) return [String(node.key.value)];
    return isSeq(node) ? [node.items.indexOf(nodes[index + 1])] : [];
  });
}

/** A parsed file that knows where each key stands, and collects what is wrong with it. */
export class YamlSource {
  readonly problems: ConfigProblem[] = [];
  /** The file as plain data, environment filled in; null where the syntax is broken. */
  readonly data: unknown;
  readonly #file: string;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  readonly #fromEnvironment = new WeakSet<Scalar>();
  readonly #unresolved = new WeakSet<Node>();

  constructor(text: string, file: string, environment: Environment) {
    this.#file = file;
    this.#text = text;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, merge: true });
    const broken = this.#reportSyntax();
    this.#substitute(environment);
    this.data = broken ? null : this.#toData();
  }

  get hasErrors(): boolean {
    return this.problems.some((problem) => problem.severity === 'error');
  }

  /** Reports at a value, or at its key where `at` is `key`; at the nearest parent where there is none. */
  report(path: KeyPath, problem: ProblemText, at: 'value' | 'key' = 'value'): void {
    const pair = this.#pairAt(path);
    const value = this.#nodeAt(path);
    // A value that the environment does not give has been reported as such.
    if (value && this.#unresolved.has(value)) return;
    const node = (at === 'key' ? pair?.key : undefined) ?? value ?? this.#nearest(path);
    const [start, end] = this.#rangeOf(node);
    this.#add(path, start, end, problem);
  }

  /** The value as it stands in the file, for messages; never a secret, never a value of the environment. */
  found(path: KeyPath): string {
    const node = this.#nodeAt(path);
    if (!node) return 'nothing';
    if (isMap(node)) return 'a mapping';
    if (isSeq(node)) return 'a list';
    if (isScalar(node) && (node.value === null || node.source === '')) return 'nothing';
    if (isSecretPath(path) && !this.isFromEnvironment(path)) return '(hidden)';
    const [start, end] = this.#rangeOf(node);
    const written = this.#text.slice(start, end).trim().replace(/\s+/g, ' ');
    return written.length > SHOWN_CHARS ? `${written.slice(0, SHOWN_CHARS)}…` : written;
  }

  isFromEnvironment(path: KeyPath): boolean {
    const node = this.#nodeAt(path);
    return isScalar(node) && this.#fromEnvironment.has(node);
  }

  #reportSyntax(): boolean {
    let broken = false;
    for (const error of this.#document.errors) {
      const [start, end] = error.pos;
      if (error.code === 'DUPLICATE_KEY') {
        const name = /^[^\s:]+/.exec(this.#text.slice(start))?.[0] ?? '';
        this.#add([name], start, start + name.length, {
          code: 'duplicate_key',
          message: `the key \`${name}\` stands twice in the same mapping`,
          found: name,
          expected: 'each key once',
          remedy: 'remove or rename one of the two',
        });
      } else {
        broken = true;
        this.#add([], start, end, {
          code: 'syntax',
          message: `not YAML: ${error.message}`,
          expected: 'YAML 1.2',
          remedy: 'check the indentation, the quotes and the brackets on this line and the one before',
        });
      }
    }
    return broken;
  }

  #substitute(environment: Environment): void {
    visit(this.#document, {
      Scalar: (key, node, ancestors) => {
        if (key === 'key' || typeof node.value !== 'string' || !hasReference(node.value)) return;
        const result = substitute(node.value, environment);
        const [start, end] = this.#rangeOf(node);
        if (result.ok) {
          node.value = result.value;
          this.#fromEnvironment.add(node);
          return;
        }
        this.#unresolved.add(node);
        const at = this.#text.slice(start, end).indexOf(`\${${result.name}`);
        const from = at < 0 ? start : start + at;
        const missing = result.fault === 'missing';
        this.#add(pathOf([...ancestors, node]), from, Math.min(end, from + result.name.length + 3), {
          code: missing ? 'missing_environment' : 'bad_value',
          message: missing
            ? `the environment has no variable ${result.name}`
            : 'this is not a reference to the environment',
          found: `\${${result.name}}`,
          expected: missing ? `a variable ${result.name} in the environment` : '${NAME}',
          remedy: missing
            ? `export ${result.name}=… before the start, or write $\${ for a plain \${`
            : 'write $${ for a plain ${',
        });
      },
    });
  }

  #toData(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 }) as unknown;
    } catch (thrown) {
      this.#add([], 0, 1, { code: 'syntax', message: `not readable: ${messageOf(thrown)}` });
      return null;
    }
  }

  #add(path: KeyPath, start: number, end: number, problem: ProblemText): void {
    const { line, col } = this.#lines.linePos(start);
    const lineEnd = this.#text.indexOf('\n', start);
    const stop = Math.min(end, lineEnd < 0 ? this.#text.length : lineEnd);
    this.problems.push({
      severity: problem.severity ?? 'error',
      code: problem.code,
      file: this.#file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      length: Math.max(1, stop - start),
      key: keyOf(path),
      message: problem.message,
      found: problem.found ?? null,
      expected: problem.expected ?? null,
      remedy: problem.remedy ?? null,
    });
  }

  #rangeOf(node: Node | null): [number, number] {
    const range = node?.range;
    return range ? [range[0], range[1]] : [0, 1];
  }

  #nearest(path: KeyPath): Node | null {
    for (let length = path.length - 1; length > 0; length -= 1) {
      const parent = path.slice(0, length);
      const key = this.#pairAt(parent)?.key;
      if (key) return key;
      const node = this.#nodeAt(parent);
      if (node) return node;
    }
    return null;
  }

  #nodeAt(path: KeyPath): Node | null {
    let node: Node | null = this.#document.contents;
    for (const step of path) {
      node = this.#resolve(node);
      if (isSeq(node)) node = (node.items[Number(step)] as Node | undefined) ?? null;
      else if (isMap(node)) node = (this.#pairIn(node, step)?.value as Node | null | undefined) ?? null;
      else return null;
    }
    return this.#resolve(node);
  }

  #pairAt(path: KeyPath): { readonly key: Node } | null {
    const parent = this.#nodeAt(path.slice(0, -1));
    if (path.length === 0 || !isMap(parent)) return null;
    const pair = this.#pairIn(parent, path.at(-1)!);
    return pair ? { key: pair.key as Node } : null;
  }

  #pairIn(map: Node, step: string | number): Pair | null {
    if (!isMap(map)) return null;
    for (const pair of map.items) {
      if (isScalar(pair.key) && String(pair.key.value) === String(step)) return pair;
    }
    for (const pair of map.items) {
      if (!isScalar(pair.key) || pair.key.value !== '<<') continue;
      const merged = this.#resolve(pair.value as Node | null);
      for (const source of isSeq(merged) ? (merged.items as Node[]) : [merged]) {
        const resolved = this.#resolve(source);
        const inherited = resolved && this.#pairIn(resolved, step);
        if (inherited) return inherited;
      }
    }
    return null;
  }

  #resolve(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : node;
  }
}
