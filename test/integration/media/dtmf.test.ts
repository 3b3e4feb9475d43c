import assert from 'node:assert/strict';
import { sequenceDistance, timestampDistance } from '../../../src/rtp/sequence.js';
import { MediaRig } from './media-rig.js';
import { eventPayload } from './phone.js';

describe('media DTMF (RFC 4733)', () => {
  let rig: MediaRig;
  beforeEach(async () => {
    rig = await MediaRig.start();
  });
  afterEach(() => rig.close());

  const digits = (): string[] => rig.events.flatMap((event) => (event.kind === 'dtmf' ? [event.digit] : []));

  it('reports a digit once under loss and duplication', async () => {
    const a = await rig.phone();
    const to = await rig.leg('call.1', a);
    const last = rig.next((event) => event.kind === 'dtmf' && event.digit === '#');
    // 5: the whole event, with three ends and a duplicate.
    for (const duration of [160, 320, 480]) a.say(to, eventPayload(5, false, duration), 101, { step: 0 });
    for (let i = 0; i < 4; i++) a.say(to, eventPayload(5, true, 640), 101, { step: 0 });
    a.timestamp += 1600;
    // 7: every end lost, told by the next event.
    for (const duration of [160, 320]) a.say(to, eventPayload(7, false, duration), 101, { step: 0 });
    a.timestamp += 1600;
    // 7 again: only one end packet came through.
    a.say(to, eventPayload(7, true, 800), 101, { step: 0 });
    a.timestamp += 1600;
    // #: every end lost and nothing follows.
    a.say(to, eventPayload(11, false, 160), 101, { step: 0 });
    const hash = await last;
    assert.deepEqual(digits(), ['5', '7', '7', '#']);
    assert.deepEqual(
      rig.events.find((event) => event.kind === 'dtmf'),
      {
        kind: 'dtmf',
        legId: 'call.1',
        digit: '5',
        durationMs: 80,
      },
    );
    assert.equal(hash.kind, 'dtmf');
  });

  it('sends digits within the stream: one timestamp per event, three ends, then audio goes on', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a, { formats: '0 96' });
    rig.hear('call.1', { kind: 'music', file: null });
    await a.hears(5);
    rig.do({ kind: 'sendDtmf', legId: 'call.1', digits: '1A' });
    await a.hearsOne((packet) => packet.payloadType === 96 && packet.payload[0] === 12, 0);
    await a.hearsOne((packet) => packet.payloadType === 0);
    const events = a.heard.filter((packet) => packet.payloadType === 96);
    const first = events.filter((packet) => packet.payload[0] === 1);
    assert.deepEqual([...new Set(events.map((packet) => packet.payload[0]))], [1, 12]);
    assert.equal(new Set(first.map((packet) => packet.timestamp)).size, 1);
    assert.deepEqual(
      first.map((packet) => packet.payload[1]! >> 7),
      [0, 0, 0, 0, 0, 1, 1, 1],
    );
    assert.equal(first[0]!.marker, 1);
    for (let i = 1; i < a.heard.length; i++) {
      const [before, after] = [a.heard[i - 1]!, a.heard[i]!];
      assert.equal(sequenceDistance(after.sequenceNumber, before.sequenceNumber), 1);
      assert.ok(timestampDistance(after.timestamp, before.timestamp) >= 0);
    }
  });
});
