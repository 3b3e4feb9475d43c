import { createSocket, type Socket } from 'node:dgram';
import type { PortRange } from '../../src/media/worker-messages.js';
import { BenchError } from '../common/bench-error.js';
import { findProgram, pause, startChild, type Child } from '../common/child.js';
import { processCpuMs } from '../common/proc.js';
import { bencode, debencode, type Bencoded } from '../../src/media/rtpengine/bencode.js';
import { audioPort, pcmaSdp, type RelayCall, type RelayUnderTest } from './relay-under-test.js';

const REPLY_DEADLINE_MS = 1000;
const START_TRIES = 30;

/** rtpengine's userspace path, in a process of ours, driven over the ng protocol. */
export class RtpengineRelay implements RelayUnderTest {
  readonly name = 'rtpengine, userspace';
  readonly #child: Child;
  readonly #control: Socket;
  readonly #controlPort: number;
  readonly #ports: readonly [number, number];
  readonly #waiting = new Map<string, (reply: Bencoded) => void>();
  readonly #calls: RelayCall[] = [];
  #cookies = 0;

  private constructor(child: Child, control: Socket, controlPort: number, ports: readonly [number, number]) {
    this.#child = child;
    this.#control = control;
    this.#controlPort = controlPort;
    this.#ports = ports;
    control.on('message', (message) => {
      const space = message.indexOf(' ');
      this.#waiting.get(message.toString('latin1', 0, space))?.(debencode(message.subarray(space + 1)));
    });
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
    const control = createSocket('udp4');
    await new Promise<void>((resolve) => {
      control.bind(0, '127.0.0.1', resolve);
    });
    const relay = new RtpengineRelay(child, control, controlPort, generatorPorts);
    for (let tries = 0; tries < START_TRIES; tries++) {
      if (await relay.#ask({ command: 'ping' }, 100)) return relay;
      await pause(50);
    }
    await relay.close();
    throw new BenchError(
      'rtpengine_start',
      `rtpengine does not answer: ${child.output().slice(-300)}`,
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
    this.#control.close();
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

  async #sdp(command: { readonly [key: string]: Bencoded }): Promise<string> {
    const reply = await this.#ask(command, REPLY_DEADLINE_MS);
    if (reply && typeof reply === 'object' && 'sdp' in reply && typeof reply.sdp === 'string')
      return reply.sdp;
    throw new BenchError(
      'rtpengine_refused',
      `rtpengine answered ${reply === null ? 'nothing' : JSON.stringify(reply)}`,
      'Free UDP ports 44000 to 57999.',
    );
  }

  #ask(command: { readonly [key: string]: Bencoded }, deadlineMs: number): Promise<Bencoded | null> {
    const cookie = `b${++this.#cookies}`;
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#waiting.delete(cookie);
        resolve(null);
      }, deadlineMs);
      this.#waiting.set(cookie, (reply) => {
        clearTimeout(late);
        this.#waiting.delete(cookie);
        resolve(reply);
      });
      this.#control.send(
        Buffer.concat([Buffer.from(`${cookie} `), bencode(command)]),
        this.#controlPort,
        '127.0.0.1',
      );
    });
  }
}
