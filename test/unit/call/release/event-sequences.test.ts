import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sdp, type CallBench } from '../../../support/call/call-bench.js';
import { assertNothingLeft, finish } from '../transfer/nothing-left.js';
import { inputs, type Input } from '../transfer/transfer-inputs.js';
import { AGENT, CALLER, joined, resting } from './releasing.js';

/** RELEVO_WALKS=100000 walks on for longer. */
const WALKS = Number(process.env['RELEVO_WALKS'] ?? 3000);
const STEPS = 10;
const SEED = 20_260_702;

interface Stage {
  readonly name: string;
  readonly reach: () => CallBench;
}

const byHand = (): CallBench => {
  const bench = joined({ transfer: { afterAgent: 'resume-bot' } });
  bench.auto.requests = false;
  return bench;
};
const asked = (bench: CallBench): CallBench => {
  bench.clock.advance(1_000);
  return bench;
};
const taken = (bench: CallBench): CallBench => {
  bench.respond('INVITE', 200, {}, sdp());
  return bench;
};
const held = (bench: CallBench): CallBench => {
  bench.request(CALLER, 'INVITE', { body: sdp('sendonly') });
  return bench;
};

const STAGES: readonly Stage[] = [
  { name: 'joined', reach: byHand },
  { name: 'the person is asked', reach: () => asked(byHand()) },
  { name: 'the caller is asked', reach: () => taken(asked(byHand())) },
  { name: 'released', reach: () => taken(taken(asked(byHand()))) },
  { name: 'taken back for a hold', reach: () => held(taken(taken(asked(byHand())))) },
  {
    name: 'taken back for a transfer',
    reach: () => {
      const bench = taken(taken(asked(byHand())));
      bench.transfer({ transferId: 't2', to: 'second' });
      return bench;
    },
  },
];

/** What else can happen to an offer of ours, on either leg, and around it. */
function more(): Input[] {
  const out: Input[] = [];
  for (const leg of [CALLER, AGENT, 'c1.4'] as const) {
    for (const status of [200, 491, 488, 500, 408, 481]) {
      out.push({
        name: `${status} to INVITE on ${leg}`,
        give: (bench) => answer(bench, leg, status, status === 200 ? sdp() : null),
      });
    }
    out.push(
      { name: `hold in the answer of ${leg}`, give: (bench) => answer(bench, leg, 200, sdp('sendonly')) },
      {
        name: `new ports in the answer of ${leg}`,
        give: (bench) => answer(bench, leg, 200, sdp('sendrecv', 'port=9')),
      },
      { name: `bad answer of ${leg}`, give: (bench) => answer(bench, leg, 200, 'bad') },
      {
        name: `session refresh on ${leg}`,
        give: (bench) => void bench.request(leg, 'INVITE', { body: sdp('sendrecv', 'again') }),
      },
      { name: `new ports for ${leg}`, give: (bench) => bench.media({ kind: 'mediaMoved', legId: leg }) },
    );
  }
  for (const ms of [500, 1_000, 2_100])
    out.push({ name: `${ms} ms pass`, give: (bench) => bench.clock.advance(ms) });
  return out;
}

function answer(bench: CallBench, legId: string, status: number, body: string | null): void {
  const open = bench.unanswered('INVITE').find((one) => one.legId === legId);
  if (!open) return;
  const rest = { reason: 'R', headers: {}, wantsAck: false };
  bench.signal({ kind: 'response', legId, requestId: open.requestId, status, body, ...rest });
}

/** Peers are polite from now on: whatever is open gets its answer, and time passes. */
function calm(bench: CallBench): void {
  bench.auto.requests = true;
  for (let round = 0; round < 60 && bench.ended === 0; round++) {
    for (const { legId } of bench.unanswered('INVITE')) answer(bench, legId, 200, sdp());
    for (const { legId, requestId } of bench.sent('respond').filter(({ status }) => status === 200))
      bench.signal({ kind: 'acked', legId, requestId, sdp: sdp() });
    bench.clock.advance(1_000);
  }
}

/** Either both send to each other and neither hears us, or both send to us and hear us. */
function assertWhole(bench: CallBench): void {
  if (bench.ended > 0) return;
  const { release, legs } = bench.call.dump() as {
    release: { state: string };
    legs: readonly { legId: string; state: string; media: string }[];
  };
  // A media adapter does not close what nobody closed; what comes of it is no matter of releases.
  if (legs.some(({ state, media }) => state === 'established' && media !== 'open')) return;
  assert.ok(!['releasing', 'returning', 'asking'].includes(release.state), `${release.state} for a minute`);
  const past = legs.filter(({ legId, state }) => state === 'established' && bench.sendsPast(legId));
  const quiet = legs.filter(({ legId, state }) => state === 'established' && resting(bench, legId));
  const expected = release.state === 'released' ? 2 : 0;
  assert.deepEqual([past.length, quiet.length], [expected, expected], `${release.state}: half released`);
}

function run(stage: Stage, steps: readonly Input[]): void {
  const bench = stage.reach();
  try {
    for (const { give } of steps) if (bench.ended === 0) give(bench);
    calm(bench);
    assertWhole(bench);
    finish(bench);
    assertNothingLeft(bench);
  } catch (cause) {
    const names = [stage.name, ...steps.map(({ name }) => name)].join(', then ');
    throw new Error(`${names}: ${String(cause)}\n${JSON.stringify(bench.call.dump())}`, { cause });
  }
}

describe('sequences of events while audio is led past us and back', function () {
  this.timeout(60_000 + WALKS * 20);
  const all = [...inputs(), ...more()];
  const own = more();

  for (const stage of STAGES) {
    it(`${stage.name}: every input, and any two of ${own.length} that race`, () => {
      for (const one of all) run(stage, [one]);
      for (const first of own) for (const second of own) run(stage, [first, second]);
    });
  }

  it(`${WALKS} walks of ${STEPS} events: never half released, nothing left`, () => {
    const step = fc.oneof(fc.constantFrom(...own), fc.constantFrom(...all));
    const walk = fc.tuple(fc.constantFrom(...STAGES), fc.array(step, { minLength: STEPS, maxLength: STEPS }));
    fc.assert(
      fc.property(walk, ([stage, steps]) => run(stage, steps)),
      { numRuns: WALKS, seed: SEED },
    );
  });
});
