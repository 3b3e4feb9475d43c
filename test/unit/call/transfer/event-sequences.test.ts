import fc from 'fast-check';
import { assertNobodyRings, assertNothingLeft, finish } from './nothing-left.js';
import { inputs, type Input } from './transfer-inputs.js';
import { STAGES } from './transfer-stages.js';

/** RELEVO_WALKS=100000 walks on for longer. */
const WALKS = Number(process.env['RELEVO_WALKS'] ?? 3000);
const STEPS = 12;
const SEED = 20_260_301;

/** What races in practice: the end of a leg, an answer, a final status, a cancel, a timer. All ordered pairs of these. */
const RACING =
  /^(?:(?:200|BYE|REFER to a destination|NOTIFY 200|NOTIFY terminated|INVITE|media) (?:on|of|lost)? ?c1\.[1-3](?: lost)?|media of c1\.[1-3] lost|486 on c1\.3|(?:200|202|405|481) to REFER|timer (?:ring\.c1\.3|refer\.reply|refer\.notify|transfer\.total)|30 s pass|digit on c1\.3|INVITE with Replaces of c1\.1|a cancelled order|an ordered hang-up|the media worker died)$/;

function run(reach: () => ReturnType<(typeof STAGES)[number]['reach']>, steps: readonly Input[]): void {
  const made = reach();
  try {
    for (const { give } of steps) {
      if (made.ended > 0) break;
      give(made);
      assertNobodyRings(made);
    }
    finish(made);
    assertNothingLeft(made);
  } catch (cause) {
    const names = steps.map(({ name }) => name).join(', then ');
    throw new Error(`${names}: ${String(cause)}\n${JSON.stringify(made.call.dump())}`, { cause });
  }
}

describe('sequences of events in every state of a transfer', function () {
  this.timeout(60_000 + WALKS * 20);
  const all = inputs();
  const racing = all.filter(({ name }) => RACING.test(name));

  for (const stage of STAGES) {
    it(`${stage.name}: any two of ${racing.length} events that race, in either order`, () => {
      for (const first of racing) for (const second of racing) run(stage.reach, [first, second]);
    });
  }

  it(`${WALKS} walks of ${STEPS} events from any state: one result each, nothing left`, () => {
    const walk = fc.tuple(
      fc.constantFrom(...STAGES),
      fc.array(fc.constantFrom(...all), { minLength: STEPS, maxLength: STEPS }),
    );
    fc.assert(
      fc.property(walk, ([stage, steps]) => run(stage.reach, steps)),
      { numRuns: WALKS, seed: SEED },
    );
  });
});
