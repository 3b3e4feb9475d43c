import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bencode, debencode, type Bencoded } from '../../../../src/media/rtpengine/bencode.js';
import { readSeenDigit } from '../../../../src/media/rtpengine/dtmf-log.js';

describe('rtpengine: bencoding', () => {
  it('sorts keys, counts bytes and takes raw bytes', () => {
    const value = { command: 'play media', blob: Buffer.from([0xff, 0x00]), n: 3, flags: ['é'] };
    assert.deepEqual(
      bencode(value),
      Buffer.concat([
        Buffer.from('d4:blob2:'),
        Buffer.from([0xff, 0x00]),
        Buffer.from('7:command10:play media5:flagsl2:ée1:ni3ee'),
      ]),
    );
  });

  it('reads back what it wrote', () => {
    const { value } = fc.letrec<{ value: Bencoded }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.integer(),
        fc.string(),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('value'),
          { maxKeys: 4, noNullPrototype: true },
        ),
      ),
    }));
    fc.assert(
      fc.property(value, (written) => {
        assert.deepEqual(debencode(bencode(written)), written);
      }),
    );
  });

  it('arbitrary bytes are an error or a value, never a hang', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          debencode(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }),
    );
    assert.throws(() => debencode(Buffer.from('l'.repeat(100_000))), /too deep/);
  });
});

describe('rtpengine: keys that it reports', () => {
  const report = { callid: 'relevo-c1', source_tag: 'leg-1', type: 'DTMF', event: 11, duration: 80 };

  it('are read', () => {
    const seen = { callId: 'c1', legId: 'leg-1', digit: '#', durationMs: 80 };
    assert.deepEqual(readSeenDigit(Buffer.from(JSON.stringify(report))), seen);
  });

  for (const [what, datagram] of [
    ['no JSON', 'x'],
    ['null', 'null'],
    ['a call of somebody else', JSON.stringify({ ...report, callid: 'other' })],
    ['an event beyond the keys', JSON.stringify({ ...report, event: 40 })],
  ] as const) {
    it(`${what} is passed over`, () => {
      assert.equal(readSeenDigit(Buffer.from(datagram)), null);
    });
  }
});
