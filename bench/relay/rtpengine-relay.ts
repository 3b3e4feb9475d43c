import { realClock } from '../../src/common/clock.js';
import { messageOf } from '../../src/common/errors.js';
import { secureRandom } from '../../src/common/random.js';
import type { PortRange } from '../../src/media/worker-messages.js';
import { BenchError } from '../common/bench-error.js';
import { findProgram, startChild, type Child } from '../common/child.js';
import { processCpuMs } from '../common/proc.js';
import { NgClient, type NgDictionary } from '../../src/media/rtpengine/ng-client.js';
import { audioPort, pcmaSdp, type RelayCall, type RelayUnderTest } from './relay-under-test.js';

/** Each waits for 1.8 s. */
const START_TRIES = 2;

/** rtpengine's userspace path, in a process of ours, driven over the ng protocol. */
export class RtpengineRelay implements RelayUnderTest {
  readonly name = 'rtpengine, userspace';
  readonly #child: Child;
  readonly #ng: NgClient;
  readonly #ports: readonly [number, number];
  readonly #calls: RelayCall[] = [];

  private constructor(child: Child, ng: NgClient, ports: readonly [number, number]) {
    this.#child = child;
    this.#ng = ng;
    this.#ports = ports;
  }

  /** Null where rtpengine is not installed. */
  static async start(
    generatorPorts: readonly [number, number],
    range: PortRange,
    controlPort: number,
  ): Promise<RtpengineRelay | null> {
    const program = await findProgram('rtpengine');
    if (!program) return null;
    const child = await startChild(program, [
      '--config-file=none',
      '--table=-1',
      '--interface=127.0.0.1',
      `--listen-ng=127.0.0.1:${controlPort}`,
      '--foreground',
      '--log-stderr',
      '--log-level=3',
      `--port-min=${range.first}`,
      `--port-max=${range.last}`,
    ]);
    const ng = await NgClient.open({
      address: '127.0.0.1',
      port: controlPort,
      clock: realClock,
      random: secureRandom(),
    });
    const relay = new RtpengineRelay(child, ng, generatorPorts);
    let cause = '';
    for (let tries = 0; tries < START_TRIES; tries++) {
      try {
        await ng.ask({ command: 'ping' });
        return relay;
      } catch (error) {
        cause = messageOf(error);
      }
    }
    await relay.close();
    throw new BenchError(
      'rtpengine_start',
      `${cause}: ${child.output().slice(-300)}`,
      'Start it by hand with --table=-1 --foreground to see why.',
    );
  }

  async grow(count: number): Promise<readonly RelayCall[]> {
    while (this.#calls.length < count) this.#calls.push(await this.#setUp(this.#calls.length));
    return this.#calls.slice(0, count);
  }

  cpuMs(): Promise<number> {
    return Promise.resolve(processCpuMs(this.#child.pid));
  }

  async close(): Promise<void> {
    this.#ng.close();
    await this.#child.stop();
  }

  async #setUp(index: number): Promise<RelayCall> {
    const [callerPort, botPort] = this.#ports;
    const common = { 'call-id': `bench-${index}`, 'from-tag': 'caller', ICE: 'remove' };
    const offer = await this.#sdp({ ...common, command: 'offer', sdp: pcmaSdp(callerPort, index + 1) });
    const answer = await this.#sdp({
      ...common,
      command: 'answer',
      'to-tag': 'bot',
      sdp: pcmaSdp(botPort, index + 1),
    });
    // The SDP of the offer goes to the bot, and that of the answer to the caller.
    return { callerLegPort: audioPort(answer), botLegPort: audioPort(offer) };
  }

  async #sdp(command: NgDictionary & { readonly command: string }): Promise<string> {
    const { sdp } = await this.#ng.ask(command);
    if (typeof sdp === 'string') return sdp;
    throw new BenchError(
      'rtpengine_refused',
      'rtpengine answered without SDP',
      'Free UDP ports 44000 to 57999.',
    );
  }
}
