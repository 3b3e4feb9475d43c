import assert from 'node:assert/strict';
import { TRANSFER_OUTCOMES } from '../../../../src/call/vocabulary.js';
import type { CallBench } from '../../../support/call/call-bench.js';
import { leave, REPLACING } from './transfer-inputs.js';

/** Whatever is still alive in the fakes is let go as a network would: the caller hangs up, time passes. */
export function finish(made: CallBench): void {
  if (made.ended === 0) leave(made, 'c1.1');
  made.clock.advance(200_000);
  // Where the caller's side was replaced, the new one is there still.
  for (const legId of ['c1.3', 'c1.2', ...REPLACING, 'c1.4', 'c1.5', 'c1.6', 'c1.7']) {
    if (made.ended > 0) return;
    leave(made, legId);
    made.clock.advance(200_000);
  }
}

/** Once no transfer is in flight no phone rings for it: whoever lost has its CANCEL. */
export function assertNobodyRings(made: CallBench): void {
  const { legs, transfers } = made.call.dump() as {
    legs: readonly { legId: string; party: string; state: string }[];
    transfers: { current: { phase: string } | null };
  };
  const phase = transfers.current?.phase ?? 'ended';
  if (!['concluding', 'ended'].includes(phase)) return;
  const ringing = legs.filter(({ party, state }) => party !== 'bot' && ['inviting', 'early'].includes(state));
  assert.deepEqual(ringing, []);
}

/** What must hold once a call with a transfer is over, whatever happened in it. */
export function assertNothingLeft(made: CallBench): void {
  assert.equal(made.ended, 1, 'the call ended, once');
  assert.deepEqual(made.pendingTimers, []);
  assert.deepEqual(made.breaches, []);
  assert.equal(made.eventNames().includes('internal_error'), false, 'no fault of ours');
  assert.equal(made.eventNames().includes('ending_forced'), false, 'it ended by itself');
  const started = made.records.flatMap((one) => (one.kind === 'transfer.started' ? [one.transferId] : []));
  assert.ok(started.length >= 1);
  assert.deepEqual(
    made.results().map(({ transferId }) => transferId),
    started,
    'exactly one terminal result for each transfer, in order',
  );
  for (const { outcome } of made.results()) assert.ok(TRANSFER_OUTCOMES.includes(outcome), outcome);
  // Media that was lost with its worker needs no close.
  const { legs } = made.call.dump() as { legs: readonly { legId: string; media: string }[] };
  for (const { legId, media } of legs) {
    assert.ok(media === 'closed' || media === 'unused', `${legId}: ${media}`);
    assert.ok(made.mediaCommands('close', legId).length <= 1, `${legId} is closed once`);
  }
  const { busy, slots } = made.directory.state(0);
  assert.deepEqual({ busy, slots }, { busy: {}, slots: {} }, 'no destination and no place is held');
}
