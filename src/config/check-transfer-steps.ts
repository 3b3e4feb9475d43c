import { answerHeaderFault } from '../call/context/answer-headers.js';
import type { ProjectInput } from './schema/projects.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

/** Settings of a project's three-way moment that cannot work together. */
export function checkThreeWay(project: ProjectInput, path: KeyPath, source: YamlSource): void {
  const { transfer } = project;
  const { three_way: threeWay } = transfer;
  if (!threeWay) return;
  const at = [...path, 'transfer', 'three_way'];
  const attended = transfer.mode === 'attended' || project.rules.some((rule) => rule.mode === 'attended');
  if (!attended) {
    source.report(at, {
      code: 'needs_attended',
      message: 'in a blind transfer nobody waits for the person: there is no moment for three',
      found: `mode: ${transfer.mode}`,
      expected: '`mode: attended` in the transfer or in a rule',
      remedy: 'write `mode: attended` beside it, or take `three_way` out',
    });
  }
  if (threeWay.digit !== undefined && threeWay.digit === transfer.accept?.digit) {
    source.report([...at, 'digit'], {
      code: 'same_digit',
      message: 'the digit that takes the call, pressed twice, would end the moment for three at once',
      found: `"${threeWay.digit}", as in accept.digit`,
      expected: 'another digit than accept.digit',
      remedy: 'choose another digit, such as "#"',
    });
  }
}

/** Headers of the bot's answer that cannot go on to the caller. */
export function checkAnswerHeaders(project: ProjectInput, path: KeyPath, source: YamlSource): void {
  project.carry_answer_headers.forEach((entry, index) => {
    const fault = answerHeaderFault(entry);
    if (fault === null) return;
    source.report([...path, 'carry_answer_headers', index], {
      code: 'bad_header',
      message: `${entry} ${fault}`,
      found: entry,
      expected: 'the name of a header such as Alert-Info, or the beginning of names such as X-*',
      remedy: 'take it out, or name the headers one by one',
    });
  });
}
