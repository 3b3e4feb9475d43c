import assert from 'node:assert/strict';
import type { NgDictionary } from '../../../../src/media/rtpengine/ng-client.js';
import { figuresOf } from '../../../../src/media/rtpengine/query-figures.js';

const block = (mos: number, trip: number, jitter: number): NgDictionary => ({
  MOS: mos,
  'round-trip time': trip * 2,
  'round-trip time leg': trip,
  jitter,
  'packet loss': 0,
  'reported at': 1_795_449_613,
});

const stream = (ssrc: number | null): NgDictionary => ({
  'last packet': 1_795_449_619,
  ...(ssrc !== null && { SSRC: ssrc }),
  stats: { packets: 802, bytes: 137_944, errors: 3 },
});

/** As rtpengine 10.5.3 answers, without what is not read. */
const REPLY: NgDictionary = {
  result: 'ok',
  SSRC: {
    '2659658148': {
      'cumulative loss': 77,
      'average MOS': block(42, 1200, 2),
      'MOS progression': { interval: 0, entries: [block(0, 0, 1), block(44, 1500, 1), block(40, 900, 3)] },
    },
    '11': {
      'cumulative loss': 0,
      'average MOS': block(0, 0, 4),
      'MOS progression': { entries: [block(0, 0, 4)] },
    },
  },
  tags: {
    a: { medias: [{ streams: [stream(2659658148), stream(2659658148)] }] },
    b: { medias: [{ streams: [stream(null)] }] },
    c: { medias: [{ streams: [stream(11)] }] },
    'hub-a': { medias: [] },
  },
};

describe('rtpengine: figures of a leg', () => {
  it('are its own counts, and what the peer has reported by RTCP of what it was sent', () => {
    assert.deepEqual(figuresOf(REPLY, 'a'), {
      packetsReceived: 802,
      packetsSent: null,
      bytesReceived: 137_944,
      bytesSent: null,
      packetsLost: null,
      jitterMs: null,
      packetsRejected: 3,
      roundTripMs: 1.2,
      roundTripMaxMs: 1.5,
      farPacketsLost: null,
      farJitterMs: 3,
      mos: null,
      farMos: 4.2,
    });
  });

  it('are not made up where the peer has sent no reports, or none with a round trip', () => {
    const { roundTripMs, farJitterMs, farMos } = figuresOf(REPLY, 'b')!;
    assert.deepEqual([roundTripMs, farJitterMs, farMos], [null, null, null]);
    const some = figuresOf(REPLY, 'c')!;
    assert.deepEqual([some.roundTripMs, some.farJitterMs, some.farMos], [null, 4, null]);
  });

  it('are null for a tag without streams', () => {
    assert.equal(figuresOf(REPLY, 'hub-a'), null);
    assert.equal(figuresOf(REPLY, 'unknown'), null);
    assert.equal(figuresOf({ result: 'ok', tags: [] }, 'a'), null);
  });
});
