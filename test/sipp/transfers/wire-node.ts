import { loadConfig } from '../../../src/config/load-config.js';
import { startNode, type RelevoNode } from '../../../src/main.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { freeMediaPort, freePort } from '../../support/free-ports.js';
import { startSipp, type Sipp } from '../../support/sipp.js';

/** Ports of these tests, below those of the RTP: no other test takes them. */
const port = (): Promise<number> => freePort(16_000, 16_398);

export interface WirePorts {
  readonly sip: number;
  readonly bot: number;
  readonly agent: number;
  readonly colleague: number;
}

/** A node with the transfer settings under test, a bot and two people, each of them a SIPp. */
export interface WireNode {
  readonly ports: WirePorts;
  play(scenario: string, role: 'bot' | 'agent' | 'colleague', args?: readonly string[]): Promise<Sipp>;
  call(scenario: string, number: string): Promise<Sipp>;
  /** The newest call, once it has ended. */
  endedCall(): Promise<CallView>;
  /** Stops what a test has left running. */
  stopAll(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a node on the configuration that `text` writes for these ports. */
export async function startWireNode(text: (ports: WirePorts & { rtp: number }) => string): Promise<WireNode> {
  const ports = { sip: await port(), bot: await port(), agent: await port(), colleague: await port() };
  const rtp = await freePort(16_400, 16_790);
  const source = { text: text({ ...ports, rtp }), path: 'wire.yaml' };
  const loaded = loadConfig(source, { env: process.env, checkExpression });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  const node: RelevoNode = await startNode(loaded.config);
  const running: Sipp[] = [];
  const keep = (sipp: Sipp): Sipp => {
    running.push(sipp);
    return sipp;
  };
  const stopAll = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((sipp) => sipp.close()));
  };
  return {
    ports,
    play: async (scenario, role, args = []) => keep(await startSipp({ scenario, port: ports[role], args })),
    call: async (scenario, number) =>
      keep(
        await startSipp({
          scenario,
          port: await port(),
          target: `127.0.0.1:${ports.sip}`,
          service: number,
          args: ['-mp', String(await freeMediaPort())],
        }),
      ),
    endedCall: async () => {
      const until = Date.now() + 10_000;
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${node.apiAddress.port}/v1/calls?limit=50`);
        const { calls } = (await answer.json()) as { calls: CallView[] };
        const newest = calls.sort((a, b) => b.startedAt - a.startedAt)[0];
        if (newest?.endedAt) return newest;
        if (Date.now() > until) throw new Error(`the call has not ended: ${JSON.stringify(newest, null, 1)}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    stopAll,
    close: async () => {
      await stopAll();
      await node.close();
    },
  };
}
