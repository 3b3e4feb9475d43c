import assert from 'node:assert/strict';
import { StreamFramer, type Frame } from '../../../src/sip/stream-framer.js';
import { requestLines, wire } from '../../fixtures/sip/sample-messages.js';

const one = wire(requestLines({ body: 'v=0\r\n\r\nx' }), 'v=0\r\n\r\nx');
const two = wire(requestLines({ method: 'BYE' }));

const shown = (frames: Frame[]): string[] =>
  frames.map((frame) =>
    frame.kind === 'message' ? frame.bytes.toString() : frame.kind === 'error' ? frame.reason : frame.kind,
  );

describe('StreamFramer', () => {
  it('cuts two messages and a ping wherever the stream is split in two', () => {
    const stream = Buffer.concat([one, Buffer.from('\r\n\r\n'), two]);
    for (let at = 0; at <= stream.length; at++) {
      const framer = new StreamFramer();
      const frames = [...framer.push(stream.subarray(0, at)), ...framer.push(stream.subarray(at))];
      const kinds = shown(frames).filter((kind) => kind !== 'pong');
      assert.deepEqual(kinds, [one.toString(), 'ping', two.toString()], `split at ${at}`);
      assert.equal(framer.bufferedBytes, 0);
    }
  });

  it('cuts them out of single bytes', () => {
    const framer = new StreamFramer();
    const frames = [...Buffer.concat([one, two])].flatMap((byte) => framer.push(Buffer.from([byte])));
    assert.deepEqual(shown(frames), [one.toString(), two.toString()]);
  });

  it('tells a ping from a pong (RFC 5626 4.4.1)', () => {
    assert.deepEqual(shown(new StreamFramer().push(Buffer.from('\r\n\r\n'))), ['ping']);
    assert.deepEqual(shown(new StreamFramer().push(Buffer.from('\r\n'))), ['pong']);
    assert.deepEqual(shown(new StreamFramer().push(Buffer.concat([Buffer.from('\r\n'), two]))), [
      'pong',
      two.toString(),
    ]);
  });

  it('gives up on a stream without Content-Length (18.3), or with two that differ', () => {
    const without = wire(requestLines().filter((line) => !line.startsWith('Content-Length')));
    assert.deepEqual(shown(new StreamFramer().push(without)), ['missing-content-length']);
    const differing = wire(requestLines({ more: ['l: 5'] }));
    assert.deepEqual(shown(new StreamFramer().push(differing)), ['bad-content-length']);
  });

  it('gives up on too much, before it has all arrived, and stays silent after', () => {
    const framer = new StreamFramer({ maxHeaders: 10, maxHeaderBytes: 500, maxBodyBytes: 100 });
    assert.deepEqual(shown(framer.push(Buffer.alloc(501, 65))), ['headers-too-large']);
    assert.deepEqual(framer.push(two), []);
    assert.equal(framer.bufferedBytes, 0);
    const body = wire(requestLines().map((line) => line.replace('Length: 0', 'Length: 101')));
    assert.deepEqual(
      shown(new StreamFramer({ maxHeaders: 10, maxHeaderBytes: 500, maxBodyBytes: 100 }).push(body)),
      ['body-too-large'],
    );
  });

  it('keeps the good messages before a bad one', () => {
    const without = wire(requestLines().filter((line) => !line.startsWith('Content-Length')));
    assert.deepEqual(shown(new StreamFramer().push(Buffer.concat([two, without]))), [
      two.toString(),
      'missing-content-length',
    ]);
  });
});
