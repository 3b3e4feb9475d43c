import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/common/random.js';
import { CallingEndpoint, type Plan } from './calling-endpoint.js';
import { EventClock } from './event-clock.js';
import { LossyNetwork, type NetworkFaults } from './lossy-network.js';

const PLANS: Plan[] = ['answer', 'answer', 'reject', 'ring'];

function simulate(calls: number, faults: NetworkFaults, seed: number) {
  const clock = new EventClock();
  const random = seededRandom(seed);
  const network = new LossyNetwork(clock, random, faults);
  const alice = new CallingEndpoint('192.0.2.1', clock, random, network);
  const bob = new CallingEndpoint('192.0.2.2', clock, random, network);
  for (let call = 0; call < calls; call++) {
    const [from, to] = call % 2 === 0 ? [alice, '192.0.2.2'] : [bob, '192.0.2.1'];
    clock.after(call * 5, () =>
      from.call(to, PLANS[(call >> 1) % 4]!, `call-${call}`, 1000 + random.fraction() * 4000),
    );
  }
  clock.runOut(calls * 5 + 300_000);
  const outcomes = new Map<string, number>();
  for (const side of [alice, bob]) {
    for (const outcome of side.outcomes.values()) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return { clock, network, sides: [alice, bob], outcomes };
}

function assertNothingLeft({ clock, sides }: ReturnType<typeof simulate>): void {
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

describe('two endpoints over a bad network', () => {
  it('hold 3,000 calls at 10 % loss, 5 % duplication and reordering, and leave nothing behind', () => {
    const result = simulate(3000, { loss: 0.1, duplication: 0.05, maxDelayMs: 80 }, 20_260_101);
    assertNothingLeft(result);
    assert.ok(result.network.lost > 1000);
    assert.equal(
      [...result.outcomes.values()].reduce((sum, count) => sum + count, 0),
      3000,
      'a call has no outcome',
    );
    assert.deepEqual(
      [...result.outcomes.keys()].sort(),
      ['486', '487', 'answered, BYE 200'],
      JSON.stringify([...result.outcomes]),
    );
    assert.equal(result.outcomes.get('answered, BYE 200'), 1500);
    for (const side of result.sides) {
      assert.ok(
        [...side.timesHeard.values()].every((times) => times === 1),
        'a request came up twice',
      );
      assert.ok(side.layer.counts().retransmissionsSent > 100);
    }
  });

  it('end every call with a timeout when nothing gets through', () => {
    const result = simulate(200, { loss: 1, duplication: 0, maxDelayMs: 1 }, 2);
    assertNothingLeft(result);
    assert.deepEqual([...result.outcomes], [['timeout B', 200]]);
  });

  it('leave nothing behind at 60 % loss, whatever becomes of the calls', () => {
    const result = simulate(500, { loss: 0.6, duplication: 0.2, maxDelayMs: 400 }, 3);
    assertNothingLeft(result);
    assert.equal(
      [...result.outcomes.values()].reduce((sum, count) => sum + count, 0),
      500,
    );
  });

  it('retransmit nothing over a good network', () => {
    const result = simulate(500, { loss: 0, duplication: 0, maxDelayMs: 20 }, 4);
    assertNothingLeft(result);
    for (const side of result.sides) assert.equal(side.layer.counts().retransmissionsSent, 0);
  });
});
