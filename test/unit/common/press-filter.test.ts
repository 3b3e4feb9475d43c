import assert from 'node:assert/strict';
import { InfoDigits } from '../../../src/call/leg/info-digits.js';
import { PressFilter } from '../../../src/common/press-filter.js';
import type { InDialogResponse } from '../../../src/call/leg/in-dialog.js';
import { CallBench } from '../../support/call/call-bench.js';

describe('presses that are told of in several ways', () => {
  it('count once, whichever comes first', () => {
    const filter = new PressFilter();
    assert.equal(filter.isNew('5', 'rfc4733', 0), true);
    assert.equal(filter.isNew('5', 'inband', 30), false);
    assert.equal(filter.isNew('5', 'info', 700), false);
    assert.equal(filter.isNew('5', 'info', 5000), true);
    assert.equal(filter.isNew('5', 'rfc4733', 5100), false);
  });

  it('are told apart from presses of the same key in quick succession', () => {
    const filter = new PressFilter();
    const told = (['rfc4733', 'rfc4733', 'info', 'info', 'info'] as const).map((kind, at) =>
      filter.isNew('5', kind, at * 100),
    );
    assert.deepEqual(told, [true, true, false, false, true]);
  });

  it('reach the rules once', () => {
    const bench = new CallBench().withBot();
    const asked = (): number => bench.questions.length;
    const before = asked();
    bench.media({ kind: 'dtmf', legId: 'c1.1', digit: '7', durationMs: 100 });
    bench.media({ kind: 'dtmf', legId: 'c1.1', digit: '7', durationMs: 90, inband: true });
    const info = bench.request('c1.1', 'INFO', { body: 'Signal=7', contentType: 'application/dtmf-relay' });
    assert.equal(bench.statusOf(info), 200);
    const once = asked() - before;
    bench.media({ kind: 'dtmf', legId: 'c1.1', digit: '7', durationMs: 100 });
    assert.equal(asked() - before, 2 * once);
  });
});

describe('digits by INFO', () => {
  it('go one after the other, in the form that the peer uses', () => {
    const sent: (string | null | undefined)[] = [];
    const answers: ((response: InDialogResponse) => void)[] = [];
    const digits = new InfoDigits((_method, content, done) => {
      sent.push(`${content.contentType}: ${content.body}`);
      answers.push(done);
    });
    digits.send('1#');
    assert.deepEqual(sent, ['application/dtmf-relay: Signal=1\r\nDuration=160\r\n']);
    const request = { kind: 'request', legId: 'x', requestId: 'r', method: 'INFO', headers: {} } as const;
    assert.equal(digits.read({ ...request, contentType: 'application/dtmf', body: '4' }), '4');
    answers[0]!({ status: 200, reason: 'OK', headers: {}, body: null });
    assert.deepEqual(sent.slice(1), ['application/dtmf: #']);
  });

  it('are sent where the media adapter cannot carry them', () => {
    const bench = new CallBench().withBot();
    bench.media({ kind: 'dtmfByInfo', legId: 'c1.2', digits: '9' });
    assert.match(bench.requests('INFO', 'c1.2')[0]?.body ?? '', /^Signal=9\r\n/);
  });
});
