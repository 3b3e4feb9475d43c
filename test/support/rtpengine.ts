import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { realClock } from '../../src/common/clock.js';
import { secureRandom } from '../../src/common/random.js';
import { NgClient } from '../../src/media/rtpengine/ng-client.js';
import type { RtpengineNode } from '../../src/config/relevo-config.js';
import { freePort } from './free-ports.js';
import { mortal } from './softphone.js';

/** A real rtpengine on loopback, userspace only. */
export interface Rtpengine {
  readonly node: RtpengineNode;
  /** Call-ids that it holds. */
  calls(): Promise<readonly string[]>;
  /** What it wrote to its log, the newest 20 kB. */
  log(): string;
  /** As a machine that loses power. */
  kill(): Promise<void>;
  /** Starts it again at the same place after `kill`. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts it; resolves once it answers. */
export async function startRtpengine(): Promise<Rtpengine> {
  const ng = await freePort();
  const dtmf = await freePort();
  const first = await freePort(44_000, 57_000);
  const node: RtpengineNode = {
    address: '127.0.0.1',
    port: ng,
    dtmf: { address: '127.0.0.1', port: dtmf },
  };
  const client = await NgClient.open({ ...node, clock: realClock, random: secureRandom() });
  let output = '';
  let child: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    const started = spawn(
      ...mortal('rtpengine', [
        '--config-file=none',
        '--table=-1',
        '--interface=127.0.0.1',
        `--listen-ng=127.0.0.1:${ng}`,
        `--dtmf-log-dest=127.0.0.1:${dtmf}`,
        '--foreground',
        '--log-stderr',
        '--log-level=6',
        '--num-threads=2',
        `--port-min=${first}`,
        `--port-max=${first + 599}`,
      ]),
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child = started;
    started.stderr.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('latin1')).slice(-20_000);
    });
    for (let tries = 0; ; tries++) {
      try {
        await client.ask({ command: 'ping' });
        return;
      } catch (cause) {
        if (tries >= 10) throw new Error(`rtpengine does not answer: ${output.slice(-500)}`, { cause });
      }
    }
  };

  const kill = async (): Promise<void> => {
    const running = child;
    child = null;
    if (!running || running.exitCode !== null) return;
    const exited = once(running, 'exit');
    running.kill('SIGKILL');
    await exited;
  };

  await start();
  return {
    node,
    calls: async () => {
      const { calls } = await client.ask({ command: 'list' });
      return Array.isArray(calls) ? calls.map(String) : [];
    },
    log: () => output,
    kill,
    restart: start,
    close: async () => {
      client.close();
      await kill();
    },
  };
}
