import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import type { LegFigures } from '../../../src/call/media-port.js';
import { MediaMetrics } from '../../../src/observe/media-metrics.js';

const leg: LegFigures = {
  party: 'caller',
  packetsReceived: 90,
  packetsSent: 100,
  bytesReceived: 0,
  bytesSent: 0,
  packetsLost: 10,
  jitterMs: 3,
  packetsRejected: 0,
  roundTripMs: 40,
  roundTripMaxMs: 60,
  farPacketsLost: 0,
  farJitterMs: 1,
  mos: 3.1,
  farMos: 4.4,
};

describe('metrics of media', () => {
  it('have the figures of every leg of an ended call, by party; what is not known is not counted', async () => {
    const registry = new Registry();
    const metrics = new MediaMetrics(registry);
    metrics.ended({
      kind: 'call.ended',
      callId: 'c1',
      at: 0,
      endedBy: 'caller',
      sipStatus: null,
      cause: 'bye',
      durationMs: 1,
      answeredAt: null,
      transfers: [],
      media: {
        'c1.1': leg,
        'c1.2': { ...leg, party: 'bot', packetsReceived: 0, roundTripMs: null, mos: null, farMos: null },
      },
    });
    const text = await registry.metrics();
    for (const line of [
      'relevo_leg_mos_sum{party="caller"} 3.1',
      'relevo_leg_far_mos_count{party="caller"} 1',
      'relevo_leg_round_trip_seconds_sum{party="caller"} 0.04',
      'relevo_leg_jitter_seconds_sum{party="caller"} 0.003',
      'relevo_leg_loss_ratio_sum{party="caller"} 0.1',
    ])
      assert.ok(text.includes(line), line);
    assert.ok(!text.includes('party="bot"'));
  });

  it('count one-way audio, moved legs and recordings', async () => {
    const registry = new Registry();
    const metrics = new MediaMetrics(registry);
    const event = { kind: 'call.event', callId: 'c1', at: 0 } as const;
    metrics.observe({ ...event, name: 'one_way_audio', detail: { party: 'agent', missing: 'received' } });
    metrics.observe({ ...event, name: 'media_lost', detail: { party: 'agent' } });
    metrics.observe({ ...event, name: 'digit', detail: { digit: '1' } });
    metrics.readRecordings(5, 1);
    metrics.readRecordings(6, 1);
    const text = await registry.metrics();
    for (const line of [
      'relevo_one_way_audio_total{party="agent",missing="received"} 1',
      'relevo_media_moved_total{party="agent",result="lost"} 1',
      'relevo_recordings_total{result="begun"} 6',
      'relevo_recordings_total{result="failed"} 1',
    ])
      assert.ok(text.includes(line), line);
  });
});
