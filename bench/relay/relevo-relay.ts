import type { MediaCommand, MediaEvent } from '../../src/call/media-port.js';
import { realClock } from '../../src/common/clock.js';
import { createLogger } from '../../src/common/log.js';
import { secureRandom } from '../../src/common/random.js';
import { EmbeddedMedia } from '../../src/media/embedded-media.js';
import { startMediaWorkers, type MediaWorkers } from '../../src/media/media-worker-host.js';
import type { PortRange } from '../../src/media/worker-messages.js';
import { BenchError } from '../common/bench-error.js';
import { audioPort, pcmaSdp, type RelayCall, type RelayUnderTest } from './relay-under-test.js';

type Negotiation = Extract<MediaCommand, { kind: 'makeOffer' | 'makeAnswer' | 'takeAnswer' }>;

/** One embedded media worker, driven as the signalling thread drives it. */
export class RelevoRelay implements RelayUnderTest {
  readonly name = 'relevo, one media worker';
  readonly #workers: MediaWorkers;
  readonly #media: EmbeddedMedia;
  readonly #ports: readonly [number, number];
  readonly #waiting: Map<string, (event: MediaEvent) => void>;
  readonly #calls: RelayCall[] = [];

  private constructor(
    workers: MediaWorkers,
    media: EmbeddedMedia,
    ports: readonly [number, number],
    waiting: Map<string, (event: MediaEvent) => void>,
  ) {
    this.#workers = workers;
    this.#media = media;
    this.#ports = ports;
    this.#waiting = waiting;
  }

  static async start(generatorPorts: readonly [number, number], portRange: PortRange): Promise<RelevoRelay> {
    const workers = await startMediaWorkers({ count: 1, address: '127.0.0.1', portRange, logLevel: 'error' });
    const waiting = new Map<string, (event: MediaEvent) => void>();
    const media = new EmbeddedMedia({
      mediaAddress: '127.0.0.1',
      random: secureRandom(),
      clock: realClock,
      log: createLogger('bench', 'silent'),
      onEvent: (_callId, event) => {
        if ('requestId' in event) waiting.get(event.requestId)?.(event);
      },
    });
    const port = workers.connect()[0];
    if (port) media.attachWorker(0, port);
    return new RelevoRelay(workers, media, generatorPorts, waiting);
  }

  async grow(count: number): Promise<readonly RelayCall[]> {
    while (this.#calls.length < count) this.#calls.push(await this.#setUp(this.#calls.length));
    return this.#calls.slice(0, count);
  }

  async cpuMs(): Promise<number> {
    return (await this.#workers.stats())[0]?.cpuMs ?? 0;
  }

  async close(): Promise<void> {
    this.#media.close();
    await this.#workers.close();
  }

  /** As a call goes: the caller's offer is answered, the bot is offered and answers, each hears the other. */
  async #setUp(index: number): Promise<RelayCall> {
    const callId = `call-${index}`;
    const [callerId, botId] = [`${callId}-caller`, `${callId}-bot`];
    const common = { callId, codecs: ['PCMA'], symmetricRtp: true, direction: 'sendrecv' } as const;
    const [callerPort, botPort] = this.#ports;
    const offered = await this.#negotiate(callId, {
      ...common,
      kind: 'makeOffer',
      legId: botId,
      party: 'bot',
      requestId: `${callId}-offer`,
    });
    const answered = await this.#negotiate(callId, {
      ...common,
      kind: 'makeAnswer',
      legId: callerId,
      party: 'caller',
      requestId: `${callId}-answer`,
      remoteSdp: pcmaSdp(callerPort, index + 1),
    });
    await this.#negotiate(callId, {
      kind: 'takeAnswer',
      legId: botId,
      requestId: `${callId}-taken`,
      remoteSdp: pcmaSdp(botPort, index + 1),
    });
    this.#media.execute(callId, { kind: 'hear', legId: callerId, source: { kind: 'leg', legId: botId } });
    this.#media.execute(callId, { kind: 'hear', legId: botId, source: { kind: 'leg', legId: callerId } });
    return { callerLegPort: audioPort(answered), botLegPort: audioPort(offered) };
  }

  async #negotiate(callId: string, command: Negotiation): Promise<string> {
    const event = await new Promise<MediaEvent>((resolve) => {
      this.#waiting.set(command.requestId, resolve);
      this.#media.execute(callId, command);
    });
    this.#waiting.delete(command.requestId);
    if (event.kind === 'mediaFailed') {
      throw new BenchError(event.code, event.detail, 'Free UDP ports 44000 to 57999 and raise ulimit -n.');
    }
    return event.kind === 'localSdp' ? event.sdp : '';
  }
}
