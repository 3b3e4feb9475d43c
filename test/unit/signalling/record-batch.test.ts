import assert from 'node:assert/strict';
import type { CallRecord } from '../../../src/call/call-record.js';
import { RecordBatch } from '../../../src/signalling/record-batch.js';

const record = (callId: string): CallRecord => ({
  kind: 'call.event',
  callId,
  at: 0,
  name: 'internal_error',
  detail: {},
});

describe('records on their way to the control thread', () => {
  it('of one turn of the loop go together, in their order', async () => {
    const messages: string[][] = [];
    await new Promise<void>((resolve) => {
      const batch = new RecordBatch((records) => {
        messages.push(records.map(({ callId }) => callId));
        resolve();
      });
      batch.add(record('a'));
      batch.add(record('b'));
    });
    assert.deepEqual(messages, [['a', 'b']]);
  });

  it('go at once when they are flushed, and only once', async () => {
    const messages: string[][] = [];
    let second: () => void = () => undefined;
    const later = new Promise<void>((resolve) => (second = resolve));
    const batch = new RecordBatch((records) => {
      messages.push(records.map(({ callId }) => callId));
      if (messages.length === 2) second();
    });
    batch.add(record('a'));
    batch.flush();
    batch.flush();
    assert.deepEqual(messages, [['a']]);
    batch.add(record('b'));
    await later;
    assert.deepEqual(messages, [['a'], ['b']]);
  });
});
