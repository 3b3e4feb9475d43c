import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/common/random.js';
import { CallingEndpoint, PLANS } from './calling-endpoint.js';
import { EventClock } from './event-clock.js';
import { LossyNetwork, type NetworkFaults } from './lossy-network.js';
import { countRows } from './row-coverage.js';

/** RFC 3261 17 at its word: 5 % of datagrams lost, 5 % doubled, 5 % held back behind later ones. */
const BAD: NetworkFaults = { loss: 0.05, duplication: 0.05, reordering: 0.05, maxDelayMs: 20 };
/** One more, or a failing one again: SEED=n in the environment. */
const SEEDS = [3261, 6026, 20_260_101, ...(process.env['SEED'] ? [Number(process.env['SEED'])] : [])];

function simulate(calls: number, faults: NetworkFaults, seed: number) {
  const clock = new EventClock();
  const random = seededRandom(seed);
  const network = new LossyNetwork(clock, random, faults);
  const alice = new CallingEndpoint('192.0.2.1', clock, random, network);
  const bob = new CallingEndpoint('192.0.2.2', clock, random, network);
  for (let call = 0; call < calls; call++) {
    const [from, to] = call % 2 === 0 ? [alice, '192.0.2.2'] : [bob, '192.0.2.1'];
    clock.after(call * 5, () =>
      from.call(to, PLANS[(call >> 1) % PLANS.length]!, `call-${call}`, 1000 + random.fraction() * 4000),
    );
  }
  clock.runOut(calls * 5 + 300_000);
  const outcomes = new Map<string, number>();
  for (const side of [alice, bob]) {
    for (const outcome of side.outcomes.values()) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  const sum = (count: (side: CallingEndpoint) => number): number => count(alice) + count(bob);
  return { clock, network, sides: [alice, bob], outcomes, sum };
}

type Result = ReturnType<typeof simulate>;

function assertNothingLeft({ clock, sides }: Result): void {
  assert.equal(clock.pendingTimers, 0);
  for (const side of sides) {
    const { inviteClients, nonInviteClients, inviteServers, nonInviteServers, timers, mergeKeys, malformed } =
      side.layer.counts();
    assert.deepEqual(
      { inviteClients, nonInviteClients, inviteServers, nonInviteServers, timers, mergeKeys, malformed },
      {
        inviteClients: 0,
        nonInviteClients: 0,
        inviteServers: 0,
        nonInviteServers: 0,
        timers: 0,
        mergeKeys: 0,
        malformed: 0,
      },
    );
    assert.equal(side.dialogs, 0);
  }
}

/** Every call has ended, in exactly one way. */
function assertOneOutcomeEach({ sides }: Result, calls: number): void {
  const [alice, bob] = sides;
  const all = new Set([...alice!.outcomes.keys(), ...bob!.outcomes.keys()]);
  assert.equal(all.size, calls, 'a call has no outcome');
  assert.equal(alice!.outcomes.size + bob!.outcomes.size, calls, 'a call ended on both sides');
}

describe('the transaction machines of RFC 3261 17 over a bad network', () => {
  for (const seed of SEEDS) {
    it(`hold 10,000 calls at 5 % loss, 5 % duplication, 5 % reordering: none stuck, no timer left (seed ${seed})`, function () {
      this.timeout(120_000);
      const { result, taken } = countRows(() => simulate(10_000, BAD, seed));
      const { network, outcomes, sum } = result;
      assertNothingLeft(result);
      assertOneOutcomeEach(result, 10_000);
      const { lost, doubled, heldBack } = network;
      for (const count of [lost, doubled, heldBack])
        assert.ok(count > 2000, `${lost} ${doubled} ${heldBack}`);
      // The network is bad, but no call may fail for it.
      assert.deepEqual([...outcomes.keys()].sort(), ['486', '487', 'answered, BYE 200']);
      assert.equal(outcomes.get('486'), 1250);
      assert.equal(
        sum((side) => side.unacknowledged),
        0,
      );
      // 'hold' and 'held' have one re-INVITE each, 'glare' two, which are repeated until they get through.
      assert.equal(
        sum((side) => side.reinvitesDone),
        5000,
      );
      assert.ok(sum((side) => side.crossings) > 500);
      for (const side of result.sides) {
        assert.ok(
          [...side.timesHeard.values()].every((times) => times === 1),
          'a request came up twice',
        );
      }
      const untouched = [...taken].filter(([, times]) => times === 0).map(([row]) => row);
      assert.deepEqual(untouched.filter(isOfTheNetwork), []);
    });
  }

  it('end every call with a timeout when nothing gets through', () => {
    const result = simulate(200, { loss: 1, duplication: 0, maxDelayMs: 1 }, 2);
    assertNothingLeft(result);
    assert.deepEqual([...result.outcomes], [['timeout B', 200]]);
  });

  it('leave nothing behind at 60 % loss, whatever becomes of the calls', () => {
    const result = simulate(500, { loss: 0.6, duplication: 0.2, reordering: 0.2, maxDelayMs: 400 }, 3);
    assertNothingLeft(result);
  });

  it('retransmit nothing over a good network', () => {
    const result = simulate(500, { loss: 0, duplication: 0, maxDelayMs: 20 }, 4);
    assertNothingLeft(result);
    assertOneOutcomeEach(result, 500);
    for (const side of result.sides) assert.equal(side.layer.counts().retransmissionsSent, 0);
  });
});

/**
 * Rows that such a network must lead into. The others need a transport that reports errors, a peer that is gone
 * (B, F, H, X), a proxy (C), a user that refuses a BYE, answers it provisionally or later, or answers twice, or one of
 * RFC 2543; those are in the tables of test/unit/sip/transaction.
 */
function isOfTheNetwork(row: string): boolean {
  return !/transport-error|timer[BCFHX]|: (?:trying|proceeding), send-provisional|^non-INVITE .*(?:provisional|proceeding)|accepted, failure|completed, success|non-INVITE server: trying, (?:send-failure|retransmission)|non-INVITE client: \w+, failure|accepted, ack/.test(
    row,
  );
}
