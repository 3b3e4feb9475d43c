import assert from 'node:assert/strict';
import { CallBook } from '../../../src/observe/call-book.js';
import { cdrOf } from '../../../src/observe/cdr-writer.js';
import { AT, ended, started, transferEnded, transferStarted, withBot } from './call-records.js';

describe('CallBook', () => {
  it('follows a call from its INVITE to its end', () => {
    const book = new CallBook();
    book.apply(started());
    assert.equal(book.get('c1')?.state, 'connecting');
    book.apply(withBot());
    assert.equal(book.get('c1')?.answeredAt, AT + 50);
    assert.deepEqual([...book.states()], [['with_bot', 1]]);
    book.apply(ended());
    const call = book.get('c1');
    assert.equal(call?.state, 'ended');
    assert.equal(call.endedBy, 'agent');
    assert.equal(book.liveCalls, 0);
  });

  it('keeps the last ended calls only, and every live one', () => {
    const book = new CallBook({ endedCalls: 2, perCall: 10 });
    for (const id of ['a', 'b', 'c', 'd']) book.apply(started(id));
    for (const id of ['a', 'b', 'c']) book.apply(ended(id));
    assert.equal(book.get('a'), null);
    assert.deepEqual(
      book.list({}, 10).map(({ callId }) => callId),
      ['d', 'c', 'b'],
    );
  });

  it('keeps the last steps of a transfer within its bound', () => {
    const book = new CallBook({ endedCalls: 2, perCall: 3 });
    book.apply(started());
    book.apply(transferStarted());
    for (let at = 0; at < 5; at++)
      book.apply({
        kind: 'transfer.progress',
        callId: 'c1',
        at,
        transferId: 't1',
        progress: 'ringing',
        destination: 'd',
        detail: null,
      });
    assert.deepEqual(
      book.transfer('c1', 't1')?.steps.map(({ at }) => at),
      [2, 3, 4],
    );
  });

  it('shows a refused transfer that never started', () => {
    const book = new CallBook();
    book.apply(started());
    book.apply(transferEnded());
    assert.equal(book.transfer('c1', 't1')?.state, 'ended');
    assert.equal(book.transfer('c1', 't1')?.destination, 'desk-201');
  });

  it('does not change what a reader was given', () => {
    const book = new CallBook();
    book.apply(started());
    book.apply(transferStarted());
    const before = book.get('c1');
    book.apply(transferEnded());
    assert.equal(before?.transfers[0]?.state, 'running');
  });

  it('keeps as many ended calls as it is told, the last one until it was written down', () => {
    const book = new CallBook();
    const listed = (): readonly string[] => book.list({}, 10).map(({ callId }) => callId);
    for (const id of ['c1', 'c2', 'c3']) for (const record of [started(id), ended(id)]) book.apply(record);
    book.keep(2);
    assert.deepEqual(listed(), ['c3', 'c2']);
    book.keep(0);
    assert.deepEqual(listed(), []);
    for (const record of [started('c4'), ended('c4')]) book.apply(record);
    assert.equal(book.get('c4')?.state, 'ended');
    book.trim();
    assert.equal(book.get('c4'), null);
  });

  it('ignores records of calls that it never saw begin', () => {
    const book = new CallBook();
    book.apply(ended('ghost'));
    assert.deepEqual(book.list({}, 10), []);
  });

  it('makes a CDR with the result of each transfer', () => {
    const book = new CallBook();
    for (const record of [started(), withBot(), transferStarted(), transferEnded(), ended()])
      book.apply(record);
    const call = book.get('c1');
    assert.ok(call);
    const cdr = cdrOf(call);
    assert.equal((cdr.transfers as { outcome: string }[])[0]?.outcome, 'completed');
    assert.equal(cdr.durationMs, 8950);
    assert.ok(!('legs' in cdr));
  });
});
