import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { freePort } from '../../../support/free-ports.js';

const run = promisify(execFile);
const WITHIN_MS = 20_000;
const POLL_MS = 50;
const MARK = 'relevo-capture-mark';

/** Why nothing can be captured here; null where it can. */
export function captureHindrance(): string | null {
  if (spawnSync('which', ['tshark']).status !== 0) return 'tshark is not here (apt-get install tshark)';
  const tried = spawnSync(
    'tshark',
    ['-i', 'lo', '-a', 'duration:1', '-c', '1', '-w', '/dev/null', 'udp port 9'],
    {
      encoding: 'utf8',
      timeout: 15_000,
    },
  );
  return tried.status === 0
    ? null
    : `capturing on lo is not permitted: ${tried.stderr.trim().split('\n').at(-1)}`;
}

/** A packet of a capture, as tshark reads it: the fields asked for, by name. */
export type Fields = Readonly<Record<string, string>>;

/** One line of tshark's own analysis of RTP streams. */
export interface TsharkStream {
  readonly from: number;
  readonly to: number;
  readonly ssrc: number;
  readonly payload: string;
  readonly packets: number;
  readonly lost: number;
  readonly problems: boolean;
}

/** A capture of UDP on loopback by tshark, of these ports alone. */
export class Capture {
  readonly file: string;
  readonly #child: ChildProcess;
  readonly #markPort: number;
  #stopped = false;

  private constructor(file: string, child: ChildProcess, markPort: number) {
    this.file = file;
    this.#child = child;
    this.#markPort = markPort;
  }

  /** Resolves once packets are being written. `markPort` is one of the ports, at which nobody listens. */
  static async start(file: string, filter: string, markPort: number): Promise<Capture> {
    const child = spawn('tshark', ['-q', '-i', 'lo', '-B', '32', '-w', file, '-f', filter], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said: string[] = [];
    child.stderr.on('data', (bytes: Buffer) => said.push(bytes.toString()));
    const capture = new Capture(file, child, markPort);
    await capture.#marked(() => `tshark does not capture: ${said.join('')}`);
    return capture;
  }

  /** Writes what is under way and ends. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    await this.#marked(() => 'tshark does not capture any more');
    await this.end();
  }

  /** Ends without waiting for anything. Idempotent. */
  async end(): Promise<void> {
    this.#stopped = true;
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGINT');
    await once(this.#child, 'exit');
  }

  /** `decode` are tshark's `-d` rules. Packets that the display filter lets through, in order. */
  async fields(decode: readonly string[], filter: string, names: readonly string[]): Promise<Fields[]> {
    const options = decode.flatMap((rule) => ['-d', rule]);
    const wanted = names.flatMap((name) => ['-e', name]);
    const args = [
      '-n',
      '-r',
      this.file,
      ...options,
      '-Y',
      filter,
      '-T',
      'fields',
      '-E',
      'occurrence=a',
      ...wanted,
    ];
    const { stdout } = await run('tshark', args, { maxBuffer: 64 * 2 ** 20 });
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const values = line.split('\t');
        return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
      });
  }

  /** What `tshark -z rtp,streams` says. */
  async streams(decode: readonly string[]): Promise<TsharkStream[]> {
    const options = decode.flatMap((rule) => ['-d', rule]);
    const { stdout } = await run('tshark', ['-n', '-q', '-r', this.file, ...options, '-z', 'rtp,streams']);
    const streams: TsharkStream[] = [];
    for (const line of stdout.split('\n')) {
      const found =
        /^\s*[\d.]+\s+[\d.]+\s+\S+\s+(\d+)\s+\S+\s+(\d+)\s+(0x[0-9A-F]+)\s+(.*?)\s+(\d+)\s+(-?\d+)\s+\([-\d.]+%\)(.*)$/i.exec(
          line,
        );
      if (!found) continue;
      const [, from, to, ssrc, payload = '', packets, lost, rest = ''] = found;
      streams.push({
        from: Number(from),
        to: Number(to),
        ssrc: Number(ssrc),
        payload,
        packets: Number(packets),
        lost: Number(lost),
        problems: rest.trim().endsWith('X'),
      });
    }
    return streams;
  }

  /** Sends marked datagrams until one of them is in the file. */
  async #marked(otherwise: () => string): Promise<void> {
    const mark = `${MARK} ${Math.random()}`;
    const socket = createSocket('udp4');
    socket.bind(await freePort(), '127.0.0.1');
    await once(socket, 'listening');
    const until = Date.now() + WITHIN_MS;
    try {
      for (;;) {
        socket.send(mark, this.#markPort, '127.0.0.1');
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        const size = await stat(this.file).then(
          (found) => found.size,
          () => 0,
        );
        if (size > 0 && (await readFile(this.file)).includes(mark)) return;
        if (Date.now() > until || this.#child.exitCode !== null) throw new Error(otherwise());
      }
    } finally {
      socket.close();
    }
  }
}
