import assert from 'node:assert/strict';
import { SsrcDraw } from '../../../src/media/ssrc-draw.js';

describe('the SSRCs of a leg', () => {
  it('are never the same twice, whatever the dice say: its key outlives a media worker (RFC 3711 9.1)', () => {
    const stuck = { token: () => '', uuid: () => '', fraction: () => 1 - 2 ** -32 };
    const { next } = new SsrcDraw(stuck);
    const drawn = [next(), next(), next()].flatMap(({ narrow, wide }) => [narrow, wide]);
    assert.deepEqual(drawn, [0xffffffff, 0, 1, 2, 3, 4]);
  });
});
