import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ControlFramer, ControlFrameWriter } from '../../../../src/engine/control/control-frame.js';

const texts = (payloads: Buffer[]): string[] => payloads.map((payload) => payload.toString('utf8'));

describe('control protocol framing', () => {
  it('cuts several messages out of one read', () => {
    const { payloads, error } = new ControlFramer(100).push(Buffer.from('3#abc5#hello'));
    assert.deepEqual(texts(payloads), ['abc', 'hello']);
    assert.equal(error, undefined);
  });

  it('counts the length in bytes, not in characters', () => {
    const { payloads } = new ControlFramer(100).push(Buffer.from('5#ñandx4#👍1#z'));
    assert.deepEqual(texts(payloads), ['ñand']);
  });

  it('yields the same messages however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1 }), { minLength: 1 }),
        fc.array(fc.integer({ min: 1, max: 9 })),
        (messages, cuts) => {
          const writer = new ControlFrameWriter();
          for (const message of messages) writer.add(message);
          const stream = Buffer.concat(writer.take());
          const framer = new ControlFramer(10_000);
          const seen: string[] = [];
          let at = 0;
          for (const cut of cuts) {
            seen.push(...texts(framer.push(stream.subarray(at, at + cut)).payloads));
            at += cut;
          }
          seen.push(...texts(framer.push(stream.subarray(at)).payloads));
          assert.deepEqual(seen, messages);
        },
      ),
    );
  });

  it('refuses a length that is not a number, is zero, or is over the bound, and reads nothing after', () => {
    for (const [bytes, error] of [
      ['xyz#abcd', 'bad length'],
      ['0#', 'bad length'],
      ['#abc', 'bad length'],
      ['99999999#', 'bad length'],
      ['101#a', 'too long'],
    ] as const) {
      const framer = new ControlFramer(100);
      assert.equal(framer.push(Buffer.from(bytes)).error, error, bytes);
      assert.deepEqual(framer.push(Buffer.from('3#abc')).payloads, []);
    }
  });

  it('puts the SIP message after the leader and counts both', () => {
    const writer = new ControlFrameWriter();
    writer.add('id|sip', Buffer.from('BYE sip:ñ SIP/2.0\r\n\r\n'));
    assert.equal(Buffer.concat(writer.take()).toString(), '30#id|sip\r\nBYE sip:ñ SIP/2.0\r\n\r\n');
    assert.equal(writer.pendingBytes, 0);
  });

  it('keeps the order of messages across slabs, with one larger than a slab', () => {
    const writer = new ControlFrameWriter();
    const large = Buffer.alloc(200_000, 'x');
    writer.add('a');
    writer.add('b', large);
    writer.add('c');
    const framed = new ControlFramer(300_000).push(Buffer.concat(writer.take()));
    assert.deepEqual(
      framed.payloads.map((payload) => payload.length),
      [1, 200_003, 1],
    );
  });
});
