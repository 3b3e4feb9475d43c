import assert from 'node:assert/strict';
import type { MessagePort } from 'node:worker_threads';
import type { MediaCommand, MediaEvent, MediaSource } from '../../../src/call/media-port.js';
import type { CodecName, DtmfKind, SrtpPolicy } from '../../../src/call/project.js';
import { realClock } from '../../../src/common/clock.js';
import { createLogger } from '../../../src/common/log.js';
import { secureRandom } from '../../../src/common/random.js';
import { EmbeddedMedia } from '../../../src/media/embedded-media.js';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import type { PortRange } from '../../../src/media/worker-messages.js';
import { Phone } from './phone.js';

export const CALL = 'call';

export interface LegOptions {
  readonly formats?: string;
  readonly codecs?: readonly CodecName[];
  readonly symmetricRtp?: boolean;
  readonly dtmf?: DtmfKind;
  readonly srtp?: SrtpPolicy;
  readonly extra?: readonly string[];
  /** Port that the SDP names instead of the phone's own. */
  readonly signalledPort?: number;
}

/** Media workers in their threads, the adapter in this one, and phones: all on loopback. */
export class MediaRig {
  readonly media: EmbeddedMedia;
  readonly workers: MediaWorkers;
  readonly events: MediaEvent[] = [];
  readonly #phones: Phone[] = [];
  #waiting: { wanted: (event: MediaEvent) => boolean; resolve: (event: MediaEvent) => void }[] = [];
  #requests = 0;

  private constructor(workers: MediaWorkers) {
    this.workers = workers;
    this.media = new EmbeddedMedia({
      mediaAddress: '127.0.0.1',
      mediaAddress6: '::1',
      random: secureRandom(),
      clock: realClock,
      log: createLogger('test', 'silent'),
      onEvent: (_callId, event) => {
        this.events.push(event);
        const due = this.#waiting.filter((waiter) => waiter.wanted(event));
        this.#waiting = this.#waiting.filter((waiter) => !due.includes(waiter));
        for (const waiter of due) waiter.resolve(event);
      },
    });
    workers.connect().forEach((port, index) => {
      this.media.attachWorker(index, port);
    });
  }

  static async start(
    portRange: PortRange = { first: 30_000, last: 30_199 },
    count = 1,
    recorder?: () => MessagePort,
  ): Promise<MediaRig> {
    return new MediaRig(
      await startMediaWorkers({
        count,
        address: '127.0.0.1',
        address6: '::1',
        portRange,
        logLevel: 'silent',
        ...(recorder && { recorder }),
      }),
    );
  }

  async phone(): Promise<Phone> {
    const phone = await Phone.open(0x1000 + this.#phones.length);
    this.#phones.push(phone);
    return phone;
  }

  requestId(): string {
    return `r${++this.#requests}`;
  }

  /** Resolves with the next event that satisfies `wanted`. */
  next(wanted: (event: MediaEvent) => boolean): Promise<MediaEvent> {
    return new Promise((resolve) => this.#waiting.push({ wanted, resolve }));
  }

  do(command: MediaCommand): void {
    this.media.execute(CALL, command);
  }

  /** Carries out a command that has an answer. */
  ask(command: MediaCommand & { readonly requestId: string }): Promise<MediaEvent> {
    const answer = this.next((event) => 'requestId' in event && event.requestId === command.requestId);
    this.do(command);
    return answer;
  }

  /** Answers a phone's offer on a new (or known) leg; the port to which the phone may send. */
  async leg(legId: string, phone: Phone, options: LegOptions = {}): Promise<number> {
    const event = await this.offer(
      legId,
      phone.sdp(options.formats, options.extra, '127.0.0.1', options.signalledPort),
      options,
    );
    assert.equal(event.kind, 'localSdp', JSON.stringify(event));
    return portOf(event);
  }

  offer(legId: string, remoteSdp: string, options: LegOptions = {}): Promise<MediaEvent> {
    return this.ask({
      kind: 'makeAnswer',
      callId: CALL,
      legId,
      requestId: this.requestId(),
      party: 'caller',
      codecs: options.codecs ?? ['PCMU', 'PCMA'],
      symmetricRtp: options.symmetricRtp ?? false,
      dtmf: options.dtmf ?? 'auto',
      srtp: options.srtp ?? 'off',
      remoteSdp,
      direction: 'sendrecv',
    });
  }

  hear(legId: string, source: MediaSource): void {
    this.do({ kind: 'hear', legId, source });
  }

  /** Both parties hear each other. */
  bridge(a: string, b: string): void {
    this.hear(a, { kind: 'leg', legId: b });
    this.hear(b, { kind: 'leg', legId: a });
  }

  async gap(legId: string): Promise<number> {
    const event = await this.ask({ kind: 'stopGap', legId, requestId: this.requestId() });
    assert.equal(event.kind, 'gap');
    assert.ok(event.gapMs !== null);
    return event.gapMs;
  }

  async closeLeg(legId: string): Promise<Extract<MediaEvent, { kind: 'closed' }>> {
    const closed = this.next((event) => event.kind === 'closed' && event.legId === legId);
    this.do({ kind: 'close', legId });
    return (await closed) as Extract<MediaEvent, { kind: 'closed' }>;
  }

  async close(): Promise<void> {
    this.media.close();
    for (const phone of this.#phones) phone.close();
    await this.workers.close();
  }
}

/** The port of the audio line of a `localSdp`. */
export function portOf(event: MediaEvent): number {
  assert.equal(event.kind, 'localSdp');
  return Number(/^m=audio (\d+) /m.exec(event.sdp)![1]);
}
