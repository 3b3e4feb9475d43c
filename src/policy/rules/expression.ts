import { Environment, ParseError, TypeError as CelTypeError, type ASTNode } from '@marcbachmann/cel-js';
import type { PolicyQuestion } from '../../call/decision.js';
import { messageOf } from '../../common/errors.js';

/** Longest `when` expression, in characters. */
export const MAX_EXPRESSION_CHARS = 1000;
/** Longest piece of a call (a header, a turn's text) that an expression sees, in characters. */
export const MAX_VALUE_CHARS = 512;
const MAX_AST_NODES = 200;
const MAX_DEPTH = 24;
const MACROS = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

/**
 * The variables of a `when` expression: `call.durationS`, `call.answered`, `call.caller`, `call.called`,
 * `call.trunk`, `call.project`, `call.digits`, `call.transfers`, `call.noMatchRun`, `call.noInputRun`,
 * `call.headers['X-Any']` (any case; absent reads as ''), `turn.intent`, `turn.confidence`, `turn.text`,
 * `event.kind`, `event.name`, `event.digit`, `event.status` and `event.data`.
 */
const environment = new Environment({
  limits: {
    maxAstNodes: MAX_AST_NODES,
    maxDepth: MAX_DEPTH,
    maxListElements: 64,
    maxMapEntries: 32,
    maxCallArguments: 8,
  },
})
  .registerVariable({
    name: 'call',
    schema: {
      durationS: 'double',
      answered: 'bool',
      caller: 'string',
      called: 'string',
      trunk: 'string',
      project: 'string',
      digits: 'string',
      transfers: 'int',
      noMatchRun: 'int',
      noInputRun: 'int',
      headers: 'map<string, string>',
    },
  })
  .registerVariable({
    name: 'turn',
    schema: { intent: 'string', confidence: 'double', text: 'string' },
  })
  .registerVariable({
    name: 'event',
    schema: { kind: 'string', name: 'string', digit: 'string', status: 'int', data: 'map<string, dyn>' },
  });

/** What is wrong with an expression; `offset` is 0-based within it. */
export interface ExpressionFault {
  readonly message: string;
  readonly offset: number;
}

/** Syntax, types and bounds of a `when` expression; null if it is good. */
export function checkExpression(expression: string): ExpressionFault | null {
  if (expression.length > MAX_EXPRESSION_CHARS) {
    return { message: `longer than ${MAX_EXPRESSION_CHARS} characters`, offset: 0 };
  }
  const result = environment.check(expression);
  if (!result.valid) {
    const { error } = result;
    return { message: error?.summary ?? 'not an expression', offset: error?.range?.start ?? 0 };
  }
  if (result.type !== 'bool' && result.type !== 'dyn') {
    return { message: `gives ${result.type ?? 'nothing'}, not true or false`, offset: 0 };
  }
  const { ast } = environment.parse(expression);
  const nested = nestedMacro(ast, 0);
  if (nested !== null) return { message: 'a loop within a loop is not allowed', offset: nested };
  const membership = headerMembership(ast);
  if (membership === null) return null;
  return { message: "an absent header reads as '': write call.headers['X'] != ''", offset: membership };
}

/** Evaluates to true or false; throws what the evaluation throws, or where it gives no boolean. */
export type CompiledExpression = (question: PolicyQuestion) => boolean;

/** Compiles a checked expression once. Throws for a bad one. */
export function compileExpression(expression: string): CompiledExpression {
  const fault = checkExpression(expression);
  if (fault) throw new Error(`${fault.message} (at character ${fault.offset + 1})`);
  const run = environment.parse(expression);
  return (question) => {
    const value: unknown = run(variablesOf(question));
    if (typeof value !== 'boolean') throw new Error(`gave ${typeof value}, not true or false`);
    return value;
  };
}

/** The first line of an evaluation error, without the library's drawing of the source. */
export function expressionErrorMessage(thrown: unknown): string {
  if (thrown instanceof ParseError || thrown instanceof CelTypeError) return thrown.summary;
  return messageOf(thrown).split('\n', 1)[0] ?? '';
}

/** Offset of a macro inside a macro's body, or null. Values of a call are bounded; so must be the loops. */
function nestedMacro(node: ASTNode, depth: number): number | null {
  const isMacro = node.op === 'rcall' && MACROS.has(node.args[0]);
  if (isMacro && depth > 0) return node.start;
  const inner = depth + (isMacro ? 1 : 0);
  for (const child of childrenOf(node.args)) {
    const found = nestedMacro(child, inner);
    if (found !== null) return found;
  }
  return null;
}

/** Offset of `'X' in call.headers`, or null: it would always be true, as an absent header reads as empty. */
function headerMembership(node: ASTNode): number | null {
  if (node.op === 'in') {
    const [, where] = node.args;
    if (where.op === '.' && where.args[1] === 'headers') return node.start;
  }
  for (const child of childrenOf(node.args)) {
    const found = headerMembership(child);
    if (found !== null) return found;
  }
  return null;
}

function childrenOf(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : [];
}

function variablesOf({ event, facts }: PolicyQuestion): Record<string, unknown> {
  const turn = event.kind === 'turn' ? event : facts.turns.at(-1);
  return {
    call: {
      durationS: facts.durationS,
      answered: facts.answered,
      caller: clip(facts.caller),
      called: clip(facts.called),
      trunk: facts.trunk,
      project: facts.project,
      digits: facts.digits,
      transfers: BigInt(Math.trunc(facts.transfers)),
      noMatchRun: BigInt(Math.trunc(facts.noMatchRun)),
      noInputRun: BigInt(Math.trunc(facts.noInputRun)),
      headers: headerMap(facts.headers),
    },
    turn: {
      intent: turn?.intent ?? '',
      // Not a number: any comparison with an unknown confidence is false.
      confidence: turn?.confidence ?? Number.NaN,
      text: event.kind === 'turn' ? clip(event.text ?? '') : '',
    },
    event: {
      kind: event.kind,
      name: event.kind === 'custom' ? event.name : event.kind,
      digit: event.kind === 'dtmf' ? event.digit : '',
      status: BigInt(event.kind === 'bot_unreachable' ? (event.status ?? 0) : 0),
      data: event.kind === 'custom' ? event.data : {},
    },
  };
}

/** SIP header names have no case (RFC 3261 7.3.1), and a header that is not there reads as empty. */
function headerMap(headers: Readonly<Record<string, string>>): Map<string, string> {
  const map = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) map.set(name.toLowerCase(), clip(value));
  const get = map.get.bind(map);
  return Object.assign(map, { get: (name: unknown) => get(String(name).toLowerCase()) ?? '' });
}

function clip(value: string): string {
  return value.length > MAX_VALUE_CHARS ? value.slice(0, MAX_VALUE_CHARS) : value;
}
