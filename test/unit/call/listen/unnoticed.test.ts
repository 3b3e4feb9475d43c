import assert from 'node:assert/strict';
import type { CallBench } from '../../../support/call/call-bench.js';
import { assertNothingLeft, finish } from '../transfer/nothing-left.js';
import { inputs } from '../transfer/transfer-inputs.js';
import { STAGES } from '../transfer/transfer-stages.js';

/** Has somebody listen; the leg, or null where the call is over and wants no listener. */
function listened(made: CallBench): string | null {
  if (!made.listen('front').accepted) return null;
  const { legId } = made.sent('invite').at(-1)!;
  made.accepted(legId);
  return legId;
}

/** Everything that was said to the parties, and what is told of their call, with legs named in the order of their coming. */
function toParties(made: CallBench, operator: string | null): string[] {
  const names = new Map<string, string>();
  const nameOf = (legId: string): string => {
    if (!names.has(legId)) names.set(legId, `leg ${names.size}`);
    return names.get(legId)!;
  };
  return made.commands.flatMap((command) => {
    if (command.port === 'signalling' || command.port === 'media') {
      if (command.command.legId === operator) return [];
      // Requests are numbered over all legs.
      const said = JSON.stringify({ ...command.command, requestId: null });
      return [said.replace(/c1\.(\d+)/g, (legId) => nameOf(legId))];
    }
    if (command.port !== 'record') return [];
    const { record } = command;
    if (record.kind !== 'transfer.progress' && record.kind !== 'transfer.ended') return [];
    return [JSON.stringify(record).replace(/c1\.\d+/g, (legId) => nameOf(legId))];
  });
}

/** The leg that an input names; 0 for none. */
const named = (input: string): number => Number(/c1\.(\d+)/.exec(input)?.[1] ?? 0);

describe('somebody who listens', () => {
  for (const [index, stage] of STAGES.entries()) {
    it(`${stage.name}: changes nothing for the parties, whatever happens next, and is let go at the end`, () => {
      // Each input at every other stage: all of them at all stages, without a listener, are tried elsewhere.
      for (const { name, give } of inputs().filter((_input, at) => (at + index) % 2 === 0)) {
        const [made, alone] = [stage.reach(), stage.reach()];
        const operator = listened(made);
        const number = operator === null ? Infinity : Number(operator.slice(3));
        // Legs that come after the operator's have other numbers than in the call without one.
        if (named(name) >= number) continue;
        try {
          give(made);
          give(alone);
          assert.deepEqual(toParties(made, operator), toParties(alone, null));
          finish(made);
          assertNothingLeft(made);
          if (operator === null) continue;
          const ends = made.records.flatMap((one) =>
            one.kind === 'call.event' && one.name === 'listener_ended' ? [one.detail['reason']] : [],
          );
          assert.equal(ends.length, 1, 'the end of listening is told once');
          // Where nobody else was dialled, `finish` has the operator hang up as the third leg.
          assert.equal(made.sent('bye', operator).length, ends[0] === 'hung_up' ? 0 : 1, 'one BYE');
        } catch (cause) {
          throw new Error(`${stage.name} + ${name}: ${String(cause)}`, { cause });
        }
      }
    });
  }
});
