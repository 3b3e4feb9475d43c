import { Counter, Histogram, type Registry } from 'prom-client';
import type { CallRecord } from '../call/call-record.js';

/** What becomes of the media of calls, from their records. */
export class MediaMetrics {
  readonly #moved: Counter;
  readonly #movedGap: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#moved = new Counter({
      name: 'relevo_media_moved_total',
      help: 'Legs that lost their media worker: told of new ports, refused them, or lost for good',
      labelNames: ['party', 'result'],
      registers,
    });
    this.#movedGap = new Histogram({
      name: 'relevo_media_moved_gap_seconds',
      help: 'From the loss of a media worker until the party was heard again',
      labelNames: ['party'],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
      registers,
    });
  }

  observe(record: Extract<CallRecord, { kind: 'call.event' }>): void {
    const { name, detail } = record;
    const result = MOVED[name];
    if (result === undefined) return;
    const party = String(detail['party']);
    this.#moved.inc({ party, result });
    const gapMs = detail['gapMs'];
    if (typeof gapMs === 'number') this.#movedGap.observe({ party }, gapMs / 1000);
  }
}

const MOVED: Readonly<Record<string, string>> = {
  media_moved: 'moved',
  media_move_refused: 'refused',
  media_lost: 'lost',
};
