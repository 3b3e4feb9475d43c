import { Counter, Histogram, type Registry } from 'prom-client';
import type { CallRecord } from '../call/call-record.js';

/** What becomes of the media of calls, from their records. */
export class MediaMetrics {
  readonly #registers: Registry[];
  readonly #moved: Counter;
  readonly #oneWay: Counter;
  readonly #recordings: Counter;
  readonly #movedGap: Histogram;
  readonly #mos: Histogram;
  readonly #farMos: Histogram;
  readonly #roundTrip: Histogram;
  readonly #jitter: Histogram;
  readonly #loss: Histogram;

  constructor(registry: Registry) {
    this.#registers = [registry];
    this.#moved = this.#counter(
      'relevo_media_moved_total',
      'Legs that lost their media worker: told of new ports, refused them, or lost for good',
      ['party', 'result'],
    );
    this.#oneWay = this.#counter('relevo_one_way_audio_total', 'Legs with audio in one direction alone', [
      'party',
      'missing',
    ]);
    this.#recordings = this.#counter('relevo_recordings_total', 'Recordings begun, and those that failed', [
      'result',
    ]);
    this.#movedGap = this.#histogram(
      'relevo_media_moved_gap_seconds',
      'From the loss of a media worker until the party was heard again',
      [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
    );
    const scores = [1.5, 2, 2.5, 3, 3.25, 3.5, 3.75, 4, 4.2, 4.4];
    this.#mos = this.#histogram('relevo_leg_mos', 'Estimated quality of what came from a party', scores);
    this.#farMos = this.#histogram(
      'relevo_leg_far_mos',
      'Estimated quality of what a party was sent',
      scores,
    );
    this.#roundTrip = this.#histogram(
      'relevo_leg_round_trip_seconds',
      'Mean round trip of a leg',
      [0.005, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1],
    );
    this.#jitter = this.#histogram(
      'relevo_leg_jitter_seconds',
      'Jitter of what came from a party, at its end',
      [0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08],
    );
    this.#loss = this.#histogram(
      'relevo_leg_loss_ratio',
      'Share of the packets of a party that never came',
      [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2],
    );
  }

  observe({ name, detail }: Extract<CallRecord, { kind: 'call.event' }>): void {
    const party = String(detail['party']);
    if (name === 'one_way_audio') {
      this.#oneWay.inc({ party, missing: String(detail['missing']) });
      return;
    }
    const result = MOVED[name];
    if (result === undefined) return;
    this.#moved.inc({ party, result });
    const gapMs = detail['gapMs'];
    if (typeof gapMs === 'number') this.#movedGap.observe({ party }, gapMs / 1000);
  }

  ended({ media }: Extract<CallRecord, { kind: 'call.ended' }>): void {
    for (const leg of Object.values(media)) {
      const { party, packetsReceived, packetsLost } = leg;
      observe(this.#mos, party, leg.mos);
      observe(this.#farMos, party, leg.farMos);
      observe(this.#roundTrip, party, leg.roundTripMs, 1000);
      if (packetsReceived === 0) continue;
      observe(this.#jitter, party, leg.jitterMs, 1000);
      observe(this.#loss, party, packetsLost, packetsReceived + (packetsLost ?? 0));
    }
  }

  /** Absolute counts of the media workers. */
  readRecordings(begun: number, failed: number): void {
    this.#recordings.reset();
    this.#recordings.inc({ result: 'begun' }, begun);
    this.#recordings.inc({ result: 'failed' }, failed);
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: this.#registers });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, labelNames: ['party'], registers: this.#registers });
  }
}

function observe(histogram: Histogram, party: string, value: number | null, divisor = 1): void {
  if (value !== null) histogram.observe({ party }, value / divisor);
}

const MOVED: Readonly<Record<string, string>> = {
  media_moved: 'moved',
  media_move_refused: 'refused',
  media_lost: 'lost',
};
