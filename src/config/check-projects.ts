import { resolve } from 'node:path';
import { reportTwice } from './check-node.js';
import { checkUui } from './check-peers.js';
import { checkAnswerHeaders, checkThreeWay } from './check-transfer-steps.js';
import { patternsOverlap } from './number-pattern.js';
import type { ParsedFile } from './parsed-file.js';
import { CONDITION_KEYS, type ProjectInput } from './schema/projects.js';
import { wavFileFault } from './wav-file.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

/** What a `when` expression gets wrong, null for a good one. `checkExpression` of src/policy/rules fits. */
export type ExpressionCheck = (
  expression: string,
) => { readonly message: string; readonly offset: number } | null;

/** Reports what cannot work in projects: rules, matches, waiting files, timers. */
export function checkProjects(
  file: ParsedFile,
  source: YamlSource,
  folder: string,
  checkExpression: ExpressionCheck,
): void {
  checkMatches(file, source);
  for (const [name, project] of Object.entries(file.projects)) {
    const path = ['projects', name];
    checkRules(project, path, source, checkExpression);
    checkTransfer(project, [...path, 'transfer'], source, folder);
    checkThreeWay(project, path, source);
    checkListen(project, file, [...path, 'listen'], source);
    checkAnswerHeaders(project, path, source);
  }
}

function checkRules(
  project: ProjectInput,
  path: KeyPath,
  source: YamlSource,
  checkExpression: ExpressionCheck,
): void {
  reportTwice(
    project.rules.map((rule) => rule.name),
    (index) => [...path, 'rules', index, 'name'],
    source,
  );
  project.rules.forEach((rule, index) => {
    const at = [...path, 'rules', index];
    const conditions = CONDITION_KEYS.filter((key) => rule[key] !== undefined);
    const written = CONDITION_KEYS.filter((key) => source.found([...at, key]) !== 'nothing');
    if (written.length !== 1) {
      source.report([...at, 'name'], {
        code: 'rule_condition',
        message: written.length === 0 ? 'the rule has no condition' : 'the rule has several conditions',
        found: written.length === 0 ? 'none' : conditions.join(', '),
        expected: `exactly one of ${CONDITION_KEYS.join(', ')}`,
        remedy: written.length === 0 ? null : 'make a rule of each, or join them in one `when`',
      });
    }
    const fault = rule.when === undefined ? null : checkExpression(rule.when);
    if (fault) {
      source.report([...at, 'when'], {
        code: 'bad_expression',
        message: `the expression is wrong at character ${fault.offset + 1}: ${fault.message}`,
        found: source.found([...at, 'when']),
        expected: 'an expression that gives true or false, such as call.durationS > 600',
      });
    }
    const needsDestination = project.transfer.to === undefined && rule.to === undefined;
    if (needsDestination && source.found([...at, 'to']) === 'nothing') {
      source.report([...at, 'name'], {
        code: 'no_destination',
        message: 'the rule transfers nowhere: neither it nor the project names a destination',
        found: 'neither `to` nor `transfer.to`',
        expected: 'a destination',
        remedy: 'add `to` to the rule, or `transfer.to` to the project',
      });
    }
  });
}

/** Files that a setting plays, and settings that need one another. */
function checkTransfer(project: ProjectInput, path: KeyPath, source: YamlSource, folder: string): void {
  const { transfer } = project;
  const needs = (key: 'brief_file' | 'announce_file', at: KeyPath, because: string): void => {
    if (transfer[key] !== undefined || source.found([...path, key]) !== 'nothing') return;
    source.report(at, {
      code: 'missing_key',
      message: `${because} plays \`${key}\`, which is missing`,
      found: 'nothing',
      expected: 'the path of a WAV file',
      remedy: `add \`${key}\` beside it`,
    });
  };
  if (transfer.brief === 'audio') needs('brief_file', [...path, 'brief'], '`brief: audio`');
  const announce = transfer.on_failure.indexOf('announce');
  if (announce >= 0) needs('announce_file', [...path, 'on_failure', announce], 'the step `announce`');

  const files = [
    'music_file',
    'brief_file',
    'announce_file',
    'announce_before_file',
    'caller_gone_notice',
  ] as const;
  for (const key of files) {
    const written = transfer[key];
    // A template names another file for each call.
    if (written === undefined || written === 'off' || written.includes('{')) continue;
    const fault = wavFileFault(resolve(folder, written));
    if (!fault) continue;
    source.report([...path, key], {
      code: 'bad_file',
      message: fault,
      found: source.found([...path, key]),
      expected: 'a readable WAV file; a relative path begins at the folder of this file',
    });
  }
  checkUui(transfer.context.uui, [...path, 'context', 'uui'], source);
  const talked = 'a bot that was talked into it could dial any number at your cost';
  checkAllow(transfer.allow, [...path, 'allow'], talked, source);
  if (transfer.ring_timeout > transfer.timers.total) {
    source.report([...path, 'ring_timeout'], {
      code: 'timer_never_ends',
      severity: 'warning',
      message: 'the whole transfer ends before a single attempt has rung this long',
      found: source.found([...path, 'ring_timeout']),
      expected: `at most timers.total (${transfer.timers.total / 1000} s)`,
    });
  }
}

/** Warns of patterns that admit every target; `why` says what is wrong with that. */
function checkAllow(
  allow: ProjectInput['transfer']['allow'],
  path: KeyPath,
  why: string,
  source: YamlSource,
): void {
  allow.forEach((target, index) => {
    if (!/^(?:\+?\*|sip:\*@\*)$/.test(target.to)) return;
    const at = [...path, index, 'to'];
    source.report(at, {
      code: 'allows_everything',
      severity: 'warning',
      message: why,
      found: source.found(at),
      expected: 'a pattern with a prefix or a host, such as +549* or sip:*@10.0.0.0/8',
    });
  });
}

/** Operators who listen: to whom calls may go, and whether the media can do it. */
function checkListen(project: ProjectInput, file: ParsedFile, path: KeyPath, source: YamlSource): void {
  const { listen } = project;
  if (!listen) return;
  checkAllow(
    listen.allow,
    [...path, 'allow'],
    'whoever may use the API could have calls heard anywhere',
    source,
  );
  if (file.media?.kind !== 'rtpengine') return;
  source.report(path, {
    code: 'no_effect',
    severity: 'warning',
    message: 'rtpengine joins two parties: nobody can listen to them',
    found: source.found(path),
    expected: '`media: { kind: embedded }`',
    remedy: 'use the media of this node, or take `listen` out',
  });
}

interface PlacedMatch {
  readonly place: string;
  readonly project: string;
  readonly trunk: string;
  readonly to: string;
}

/**
 * An exact number beats a pattern, a longer pattern a shorter one, then the order of the file decides. Two equal
 * matches are an error, two patterns of the same length that share numbers a warning.
 */
function checkMatches(file: ParsedFile, source: YamlSource): void {
  const earlier: PlacedMatch[] = [];
  for (const [project, { match }] of Object.entries(file.projects)) {
    match.forEach((written, index) => {
      // A leading + says how a number is written, not which it is.
      const to = written.to.replace(/^\+/, '').toLowerCase();
      const { trunk } = written;
      const rivals = earlier.filter((other) => other.trunk === trunk);
      const same = rivals.find((other) => other.to === to);
      const overlap = rivals.find(
        (other) => other.project !== project && sameLength(other.to, to) && patternsOverlap(other.to, to),
      );
      const at = ['projects', project, 'match', index, 'to'];
      if (same) {
        source.report(at, {
          code: 'match_taken',
          message: `${same.place} takes these calls already`,
          found: source.found(at),
          expected: 'a called number that no other match takes',
          remedy: 'remove one of the two',
        });
      } else if (overlap) {
        source.report(at, {
          code: 'match_overlap',
          severity: 'warning',
          message: `${overlap.place} takes some of these calls first: the patterns are as long as each other`,
          found: source.found(at),
          expected: 'called numbers that no other project takes, or a longer pattern',
        });
      }
      earlier.push({ place: `projects.${project}.match[${index}]`, project, trunk, to });
    });
  }
}

function sameLength(one: string, other: string): boolean {
  const length = (pattern: string): number => pattern.replaceAll('*', '').length;
  return one.includes('*') && other.includes('*') && length(one) === length(other);
}
