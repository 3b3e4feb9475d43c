import assert from 'node:assert/strict';
import { nextLegState } from '../../../src/call/leg/leg-state.js';
import { nextTransferPhase } from '../../../src/call/transfer/transfer-phase.js';
import { CallBench } from '../../support/call/call-bench.js';

describe('the state tables', () => {
  for (const [state, trigger, next] of [
    ['offered', 'accept', 'answering'],
    ['answering', 'established', 'established'],
    ['early', 'accepted', 'established'],
    ['cancelling', 'accepted', 'leaving'],
    ['hanging', 'confirmed', 'leaving'],
    ['leaving', 'byeReceived', 'gone'],
    ['gone', 'accepted', null],
    ['established', 'rejected', null],
    ['offered', 'accepted', null],
    ['leaving', 'accepted', null],
    ['established', 'cancelled', null],
  ] as const) {
    it(`leg: ${trigger} in ${state} is ${next ?? 'invalid'}`, () => {
      assert.equal(nextLegState(state, trigger), next);
    });
  }
  for (const [phase, trigger, next] of [
    ['new', 'try', 'trying'],
    ['trying', 'reached', 'completing'],
    ['completing', 'conclude', 'concluding'],
    ['concluding', 'finish', 'ended'],
    ['concluding', 'conclude', null],
    ['concluding', 'try', null],
    ['ended', 'finish', null],
    ['new', 'reached', null],
  ] as const) {
    it(`transfer: ${trigger} in ${phase} is ${next ?? 'invalid'}`, () => {
      assert.equal(nextTransferPhase(phase, trigger), next);
    });
  }

  it('an impossible input is counted and recorded, and changes nothing', () => {
    const bench = new CallBench().withBot();
    bench.rejected('c1.2', 486);
    assert.ok(bench.eventNames().includes('impossible_input'));
    assert.equal(bench.call.state, 'with_bot');
  });

  it('a bot whose dialog is gone (481 to an INFO) counts as dead', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    bench.request('c1.1', 'INFO', { contentType: 'text/plain', body: 'hi' });
    bench.respond('INFO', 481);
    assert.ok(bench.eventNames().includes('bot_failed'));
    assert.equal(bench.endRecord().endedBy, 'bot');
    bench.assertOver();
  });
});
