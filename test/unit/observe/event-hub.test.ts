import assert from 'node:assert/strict';
import { defaultEventHubOptions, EventHub, type HubClient } from '../../../src/observe/event-hub.js';
import { started } from './call-records.js';

class Reader implements HubClient {
  text = '';
  dropped = false;
  backlog = 0;
  wants = (): boolean => true;
  send(text: string): number {
    this.text += text;
    return this.backlog;
  }
  drop(): void {
    this.dropped = true;
  }
  get calls(): string[] {
    return [...this.text.matchAll(/"callId":"(\w+)"/g)].map((match) => match[1] ?? '');
  }
}

describe('EventHub', () => {
  let hub: EventHub;
  beforeEach(() => {
    hub = new EventHub({ ...defaultEventHubOptions, replay: 3, clientBacklogBytes: 100, epoch: 'run' });
  });
  afterEach(() => hub.close());

  it('gives each event an id, its kind and one line of data', () => {
    const reader = new Reader();
    hub.subscribe(reader, null);
    hub.publish(started('a'));
    assert.match(reader.text, /^id: run-0\nevent: call\.started\ndata: \{[^\n]*\}\n\n$/);
  });

  it('replays what came after Last-Event-ID', () => {
    for (const id of ['a', 'b', 'c']) hub.publish(started(id));
    const reader = new Reader();
    hub.subscribe(reader, 'run-0');
    hub.publish(started('d'));
    assert.deepEqual(reader.calls, ['b', 'c', 'd']);
    assert.doesNotMatch(reader.text, /missed/);
  });

  it('says so where older events are gone, or belong to an earlier run', () => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) hub.publish(started(id));
    for (const lastId of ['run-0', 'earlier-4', 'run-99', 'nonsense']) {
      const reader = new Reader();
      hub.subscribe(reader, lastId);
      assert.match(reader.text, /^event: missed\n/, lastId);
      assert.deepEqual(reader.calls, ['c', 'd', 'e'], lastId);
    }
  });

  it('drops and counts a reader that does not keep up, and goes on with the others', () => {
    const slow = new Reader();
    const quick = new Reader();
    hub.subscribe(slow, null);
    hub.subscribe(quick, null);
    slow.backlog = 101;
    hub.publish(started('a'));
    hub.publish(started('b'));
    assert.ok(slow.dropped);
    assert.deepEqual(slow.calls, ['a']);
    assert.deepEqual(quick.calls, ['a', 'b']);
    assert.equal(hub.droppedClients, 1);
    assert.equal(hub.clients, 1);
  });

  it('sends only what a reader wants', () => {
    const reader = new Reader();
    reader.wants = () => false;
    hub.subscribe(reader, null);
    hub.publish(started('a'));
    assert.equal(reader.text, '');
  });

  it('ends every stream when it closes', () => {
    const reader = new Reader();
    hub.subscribe(reader, null);
    hub.close();
    hub.close();
    assert.ok(reader.dropped);
  });
});
