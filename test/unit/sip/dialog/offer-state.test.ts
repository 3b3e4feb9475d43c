import assert from 'node:assert/strict';
import { seededRandom } from '../../../../src/common/random.js';
import { glareDelayMs, judgeReinvite, judgeUpdate } from '../../../../src/sip/dialog/offer-state.js';

const random = seededRandom(3);
const quiet = { localInvitePending: false, remoteInvitePending: false, offer: 'stable' } as const;

describe('offer and answer in a dialog', () => {
  it('refuses a crossing re-INVITE with 491, an overlapping one with 500 and Retry-After (14.2)', () => {
    assert.deepEqual(judgeReinvite(quiet, random), { kind: 'accept' });
    assert.deepEqual(judgeReinvite({ ...quiet, localInvitePending: true }, random), {
      kind: 'refuse',
      status: 491,
    });
    const overlapping = judgeReinvite({ ...quiet, remoteInvitePending: true }, random);
    assert.ok(overlapping.kind === 'refuse' && overlapping.status === 500);
    assert.ok(overlapping.retryAfterS >= 0 && overlapping.retryAfterS <= 10);
  });

  it('judges an UPDATE by the offers alone (RFC 3311 5.2)', () => {
    assert.deepEqual(judgeUpdate(true, { ...quiet, localInvitePending: true }, random), { kind: 'accept' });
    assert.deepEqual(judgeUpdate(true, { ...quiet, offer: 'local-offer' }, random), {
      kind: 'refuse',
      status: 491,
    });
    const later = judgeUpdate(true, { ...quiet, offer: 'remote-offer' }, random);
    assert.ok(later.kind === 'refuse' && later.status === 500);
    assert.deepEqual(judgeUpdate(false, { ...quiet, offer: 'local-offer' }, random), { kind: 'accept' });
  });

  it('waits 2.1-4 s after a 491 when the Call-ID is ours, 0-2 s otherwise (14.1)', () => {
    for (let run = 0; run < 500; run++) {
      const owner = glareDelayMs(true, random);
      const other = glareDelayMs(false, random);
      assert.ok(owner >= 2100 && owner <= 4000 && owner % 10 === 0);
      assert.ok(other >= 0 && other <= 2000 && other % 10 === 0);
    }
  });
});
