import assert from 'node:assert/strict';
import { RememberedLeg } from '../../../src/media/remembered-leg.js';

const legId = 'c1.1';
const open = { kind: 'open', callId: 'c1', legId, symmetricRtp: true, family: 4, party: 'caller' } as const;

describe('what another worker is told of a leg', () => {
  it('is all that still holds: what it hears, what is watched, measured and recorded', () => {
    const leg = new RememberedLeg(open);
    leg.note({ kind: 'hear', legId, source: { kind: 'leg', legId: 'c1.2' } });
    leg.note({ kind: 'watch', legId, timeoutMs: 5000 });
    leg.note({ kind: 'record', legId, directory: 'd', consentFile: 'consent.wav' });
    leg.note({ kind: 'startGap', legId });
    leg.note({ kind: 'sendDtmf', legId, digits: '1' });
    assert.deepEqual(leg.restored(40), [
      { ...open, lostForMs: 40, again: true },
      { kind: 'startGap', legId, silentForMs: 40 },
      { kind: 'hear', legId, source: { kind: 'leg', legId: 'c1.2' } },
      { kind: 'watch', legId, timeoutMs: 5000 },
      { kind: 'record', legId, directory: 'd', consentFile: 'consent.wav' },
    ]);
  });

  it('is nothing of what has ended; consent that was given is not asked for again, the file is another one', () => {
    const leg = new RememberedLeg(open);
    leg.note({ kind: 'hear', legId, source: { kind: 'file', file: 'f.wav', promptId: 'p' } });
    leg.heardOf({ kind: 'played', legId, promptId: 'p' });
    leg.note({ kind: 'watch', legId, timeoutMs: 5000 });
    leg.note({ kind: 'watch', legId, timeoutMs: 0 });
    leg.note({ kind: 'startGap', legId });
    leg.note({ kind: 'stopGap', legId, requestId: 'r' });
    leg.note({ kind: 'record', legId, directory: 'd', consentFile: 'consent.wav' });
    leg.heardOf({ kind: 'recording', legId, file: 'd/1.wav', code: null });
    assert.deepEqual(leg.restored(0).slice(1), [
      { kind: 'hear', legId, source: { kind: 'silence' } },
      { kind: 'record', legId, directory: 'd', consentFile: null, part: 2 },
    ]);
    leg.heardOf({ kind: 'recording', legId, file: null, code: 'disk_full' });
    assert.equal(leg.restored(0).length, 2);
  });
});
