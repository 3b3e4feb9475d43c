import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import Srf from 'drachtio-srf';
import { RawUa } from '../conformance/drachtio/support/raw-ua.js';
import type { SrfApp } from '../conformance/drachtio/support/srf-types.js';
import { SDP } from '../conformance/drachtio/support/sip-text.js';

const RELEVO = new URL('../../src/cli/relevo.js', import.meta.url).pathname;

describe('relevo engine', () => {
  const running: ChildProcess[] = [];

  afterEach(async () => {
    for (const child of running.splice(0)) {
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  });

  const relevo = (...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, [RELEVO, 'engine', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, RELEVO_ENGINE_SECRET: '' },
    });
    running.push(child);
    return child;
  };

  /** The ports that the command prints, by their names. */
  const portsOf = async (child: ChildProcess): Promise<Map<string, number>> => {
    const ports = new Map<string, number>();
    for await (const line of createInterface({ input: child.stdout! })) {
      const found = /^(SIP +\w+|control) .*:(\d+)$/.exec(line);
      if (found) ports.set(found[1]!.replace(/^SIP +/, ''), Number(found[2]));
      if (ports.has('control')) break;
    }
    return ports;
  };

  it("serves a stranger's drachtio-srf program, and ends at SIGTERM", async () => {
    const child = relevo(
      ...['--listen', 'udp:127.0.0.1:0', 'tcp:127.0.0.1:0', '--control', '127.0.0.1:0', '--secret', 's3cret'],
      ...['--log-level', 'silent'],
    );
    const ports = await portsOf(child);
    const app = new Srf() as unknown as SrfApp;
    app.invite((req, res) => {
      app.createUAS(req, res, { localSdp: SDP }).catch(() => undefined);
    });
    const connected = new Promise((resolve) => {
      app.on('connect', resolve);
    });
    app.on('error', () => undefined);
    app.connect({ host: '127.0.0.1', port: ports.get('control')!, secret: 's3cret' });
    await connected;
    const ua = await RawUa.open(ports.get('udp')!);
    try {
      for (let attempt = 0; ; attempt++) {
        ua.send(ua.invite());
        const response = await ua.next('final', (message) => /^SIP\/2\.0 [2-6]/.test(message));
        // The route may still be on its way.
        if (response.startsWith('SIP/2.0 503') && attempt < 50) continue;
        assert.match(response, /^SIP\/2\.0 200 /);
        ua.send(ua.inDialog('ACK', 1, response));
        break;
      }
    } finally {
      ua.close();
      app.disconnect();
    }
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  it('keeps to the bounds that its flags set', async () => {
    const child = relevo(
      ...[
        '--listen',
        'udp:127.0.0.1:0',
        'tcp:127.0.0.1:0',
        '--control',
        '127.0.0.1:0',
        '--log-level',
        'silent',
      ],
      ...['--deny', '127.0.0.9', '--trusted', '127.0.0.8', '--max-cps-per-source', '1', '--max-cps', '50'],
      ...['--max-calls', '100', '--max-calls-per-source', '50', '--retry-after', '7s', '--ban', '1m'],
      ...[
        '--scanners',
        'evil',
        '--malformed',
        '20',
        '--dns',
        '127.0.0.1:5399',
        '--udp-request-bytes',
        '1200',
      ],
      ...['--silence', '2s', '--rest', '0', '--no-probe', '--keep-alive', '30s', '--udp-keep-alive', 'stun'],
      ...['--max-connections', '5', '--max-connections-per-source', '2'],
    );
    const port = (await portsOf(child)).get('udp')!;
    const ua = await RawUa.open(port);
    const denied = await RawUa.open(port, 0, '127.0.0.9');
    try {
      denied.send(denied.request('OPTIONS'));
      denied.send(denied.invite());
      ua.send(ua.invite());
      ua.send(ua.invite());
      const refusal = await ua.next('refusal', (message) => message.includes('Retry-After: 7'), 10_000);
      assert.match(refusal, /^SIP\/2\.0 503 /);
      assert.equal(denied.seen.length, 0);
    } finally {
      ua.close();
      denied.close();
    }
  });

  for (const [args, expected] of [
    [['--help'], 0],
    [['--listen', 'carrier-pigeon:127.0.0.1:0'], 2],
    [['--control', '0.0.0.0:0'], 2],
    [['--listen', 'tls:127.0.0.1:0', '--control', '127.0.0.1:0'], 2],
    [['--ban', '10'], 2],
    [['--udp-keep-alive', 'ping'], 2],
    [['--control', '127.0.0.1:0', '--listen', 'udp:127.0.0.1:0', '--deny', 'here'], 1],
  ] as const)
    it(`engine ${args.join(' ')} ends with ${expected}`, async () => {
      const child = relevo(...args);
      child.stdout!.resume();
      let text = '';
      child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const [code] = (await once(child, 'exit')) as [number];
      assert.equal(code, expected, text);
    });
});
