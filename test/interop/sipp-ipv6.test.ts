import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tone } from '../../src/demo/audio/audio-source.js';
import { DemoUserAgent } from '../../src/demo/user-agent.js';
import { freePort } from '../support/free-ports.js';
import { NUMBERS, startNodeUnderTest } from '../support/node-under-test.js';
import { sippAvailable } from '../support/sipp.js';

async function hasIpv6(): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => {
      resolve(false);
    });
    server.listen(0, '::1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

describe('Interop: SIPp calls over IPv6', function () {
  this.timeout(60_000);
  const open: { close(): unknown }[] = [];

  before(async function () {
    if (sippAvailable() && (await hasIpv6())) return;
    process.stdout.write('  SIPp or an IPv6 loopback is missing: skipped\n');
    this.skip();
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  for (const [transport, mode] of [
    ['udp', 'u1'],
    ['tcp', 't1'],
  ] as const) {
    it(`three calls over ${transport}, to a bot over IPv4`, async () => {
      const bot = await DemoUserAgent.start({ name: 'bot', source: () => tone(700) });
      open.push(bot);
      const port = await freePort(15_000, 15_499);
      const node = await startNodeUnderTest({
        botUri: `sip:bot@127.0.0.1:${bot.port};transport=tcp`,
        listen: [`{ transport: ${transport}, address: "::1", port: ${port} }`],
      });
      open.push(node);
      const sipp = spawn(
        'sipp',
        [
          ...['-sn', 'uac', '-s', NUMBERS.basic, '-m', '3', '-r', '3', '-d', '200', '-t', mode],
          ...[
            '-i',
            '::1',
            '-p',
            String(await freePort()),
            '-mi',
            '127.0.0.1',
            '-mp',
            String(await freePort()),
          ],
          ...['-timeout', '30s', '-nostdin', `[::1]:${port}`],
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let output = '';
      sipp.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
      sipp.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
      const [code] = (await once(sipp, 'exit')) as [number];
      assert.equal(code, 0, output.slice(-3000));
      assert.equal(bot.calls.length, 3);
      const call = await node.newestCall((one) => one.endedAt !== null);
      const ladder = await (await node.api(`/v1/calls/${call.callId}/ladder`)).text();
      assert.match(ladder, /\[::1\]:\d+/);
    });
  }
});
