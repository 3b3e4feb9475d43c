import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

interface Started {
  readonly sipListeners: readonly { readonly port: number }[];
  readonly api: string;
}

describe('relevo start, told by signals', function () {
  this.timeout(60_000);
  let folder: string;
  let bot: Socket;
  let child: ChildProcess;
  let errors: Interface;
  let node: Started;

  const yaml = (number: string): string => `
listen: [{ transport: udp, address: 127.0.0.1, port: 0 }]
media: { ports: 18700-18799, workers: 1 }
api: { port: 0 }
log: { level: silent }
trunks: { peer: { allow: [127.0.0.0/8] } }
bots: { bot: { kind: sip, uri: "sip:bot@127.0.0.1:${bot.address().port}", answer_timeout: 2m } }
projects:
  one: { match: [{ trunk: peer, to: "${number}" }], bot: bot }
`;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relevo-'));
    bot = createSocket('udp4');
    bot.bind(0, '127.0.0.1');
    await once(bot, 'listening');
    const file = join(folder, 'relevo.yaml');
    await writeFile(file, yaml('1000'));
    const cli = fileURLToPath(new URL('../../../src/cli/relevo.js', import.meta.url));
    child = spawn(process.execPath, [cli, 'start', '-c', file, '--json']);
    const out = createInterface({ input: child.stdout! });
    errors = createInterface({ input: child.stderr! });
    const [line] = (await once(out, 'line')) as [string];
    node = JSON.parse(line) as Started;
  });
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    bot.close();
    await rm(folder, { recursive: true });
  });

  const says = async (pattern: RegExp): Promise<void> => {
    for (;;) {
      const [line] = (await once(errors, 'line')) as [string];
      if (pattern.test(line)) return;
    }
  };
  const projectOf = async (called: string): Promise<unknown> => {
    const answer = await fetch(`${node.api}/v1/dry-run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ trunk: 'peer', called }),
    });
    return ((await answer.json()) as { project: unknown }).project;
  };
  /** A call that waits for its bot, which says nothing. */
  const placeCall = async (): Promise<void> => {
    const reached = once(bot, 'message');
    const local = bot.address().port;
    const [{ port }] = node.sipListeners as [{ port: number }];
    const message = [
      `INVITE sip:1000@127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${local};branch=z9hG4bKwaits;rport`,
      'Max-Forwards: 70',
      `From: <sip:caller@127.0.0.1>;tag=1`,
      `To: <sip:1000@127.0.0.1>`,
      'Call-ID: waits',
      'CSeq: 1 INVITE',
      `Contact: <sip:caller@127.0.0.1:${local}>`,
      'Content-Length: 0',
      '',
      '',
    ];
    bot.send(message.join('\r\n'), port, '127.0.0.1');
    await reached;
    for (;;) {
      const { calls } = (await (await fetch(`${node.api}/healthz`)).json()) as { calls: number };
      if (calls === 1) return;
    }
  };

  it('SIGHUP reads the file again, and says what is wrong with an invalid one', async () => {
    assert.equal(await projectOf('2000'), null);
    await writeFile(join(folder, 'relevo.yaml'), yaml('2000'));
    child.kill('SIGHUP');
    while ((await projectOf('2000')) === null) await new Promise((resolve) => setImmediate(resolve));
    await writeFile(join(folder, 'relevo.yaml'), 'projects: 5');
    const rejected = says(/configuration rejected/);
    child.kill('SIGHUP');
    await rejected;
    assert.equal(await projectOf('2000'), 'one');
  });

  it('SIGTERM waits for the live calls, a second one ends at once', async () => {
    await placeCall();
    const waiting = says(/waiting for the live ones/);
    child.kill('SIGTERM');
    await waiting;
    const ready = await fetch(`${node.api}/readyz`);
    assert.equal(ready.status, 503);
    assert.equal(child.exitCode, null);
    const [atOnce, exit] = [says(/ending at once/), once(child, 'exit')];
    child.kill('SIGTERM');
    await atOnce;
    assert.deepEqual(await exit, [0, null]);
  });

  it('SIGTERM ends a node without calls by itself', async () => {
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
  });
});
