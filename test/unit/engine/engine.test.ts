import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect, createServer, type AddressInfo } from 'node:net';
import { RelevoError } from '../../../src/common/errors.js';
import { createLogger } from '../../../src/common/log.js';
import { startEngine } from '../../../src/engine/engine.js';
import type { EngineOptions } from '../../../src/engine/engine-options.js';
import { startEngineThread } from '../../../src/engine/engine-thread-host.js';
import type { TappedMessage } from '../../../src/engine/sip-tap.js';

const log = createLogger('engine', 'silent');

const options = (changes: Partial<EngineOptions> = {}): EngineOptions => ({
  listen: [
    { transport: 'udp', address: '127.0.0.1', port: 0 },
    { transport: 'tcp', address: '127.0.0.1', port: 0 },
  ],
  control: { address: '127.0.0.1', port: 0, secret: 's' },
  tap: false,
  ...changes,
});

const pingOf = (port: number, number: number): Buffer =>
  Buffer.from(
    [
      `OPTIONS sip:127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKtap${number};rport`,
      'Max-Forwards: 70',
      'From: <sip:a@127.0.0.1>;tag=1',
      'To: <sip:b@127.0.0.1>',
      `Call-ID: tap${number}@test`,
      'CSeq: 1 OPTIONS',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );

/** Sends OPTIONS, as a request of its own for each `number`, and returns the answer. */
async function ping(port: number, number: number): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    return await new Promise<Buffer>((resolve) => {
      socket.once('message', resolve);
      socket.send(pingOf(port, number), port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}

async function failsToListen(changes: Partial<EngineOptions>, ...words: string[]): Promise<void> {
  for (const start of [
    () => startEngine(options(changes), { log }),
    () => startEngineThread(options(changes), { logLevel: 'silent' }),
  ]) {
    await assert.rejects(start, (error) => {
      assert.ok(error instanceof RelevoError);
      assert.equal(error.code, 'engine_listen_failed');
      for (const word of words) assert.ok(error.message.includes(word), `${error.message} names ${word}`);
      assert.ok(error.remedy.length > 0);
      return true;
    });
  }
}

describe('engine start and stop', () => {
  it('names address, port and transport of a socket that is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    try {
      await failsToListen(
        { listen: [{ transport: 'tcp', address: '127.0.0.1', port }] },
        'tcp',
        '127.0.0.1',
        String(port),
      );
      await failsToListen({ control: { address: '127.0.0.1', port, secret: 's' } }, 'control', String(port));
      await failsToListen(
        { listen: [{ transport: 'udp', address: '192.0.2.1', port: 0 }] },
        'udp',
        '192.0.2.1',
      );
    } finally {
      server.close();
    }
  });

  it('refuses to start without a listener', async () => {
    await assert.rejects(startEngine(options({ listen: [] }), { log }), { code: 'engine_no_listener' });
  });

  it('frees its ports on close, which may be called twice', async () => {
    const engine = await startEngine(options(), { log });
    const udp = engine.listeners[0]!.port;
    await Promise.all([engine.close(), engine.close()]);
    const again = await startEngine(
      options({ listen: [{ transport: 'udp', address: '127.0.0.1', port: udp }] }),
      { log },
    );
    assert.equal(again.listeners[0]!.port, udp);
    await again.close();
  });

  it('answers on every listener, each under its own address', async () => {
    const two = [0, 0].map(() => ({ transport: 'udp' as const, address: '127.0.0.1', port: 0 }));
    const engine = await startEngine(options({ listen: two }), { log });
    try {
      for (const [number, { port }] of engine.listeners.entries()) {
        assert.match((await ping(port, number)).toString(), /^SIP\/2\.0 200/);
      }
    } finally {
      await engine.close();
    }
  });
});

describe('the tap', () => {
  it('shows a message in and a message out with their addresses and bytes, and nothing once it is off', async () => {
    const engine = await startEngine(options(), { log });
    try {
      const { port } = engine.listeners[0]!;
      const seen: TappedMessage[] = [];
      engine.onMessage((message) => seen.push(message));
      const answer = await ping(port, 1);
      assert.deepEqual(
        seen.map(({ direction, transport, localPort }) => [direction, transport, localPort]),
        [
          ['in', 'udp', port],
          ['out', 'udp', port],
        ],
      );
      assert.deepEqual(seen[0]!.raw, pingOf(port, 1));
      assert.deepEqual(seen[1]!.raw, answer);
      assert.equal(seen[0]!.remotePort, seen[1]!.remotePort);
      assert.ok(Math.abs(seen[0]!.timeMs - Date.now()) < 5_000);
      engine.onMessage(undefined);
      await ping(port, 2);
      assert.equal(seen.length, 2);
    } finally {
      await engine.close();
    }
  });
});

describe('the engine in a thread of its own', () => {
  it('takes applications, counts, taps in batches, and ends when closed', async () => {
    let tapped: (messages: readonly TappedMessage[]) => void = () => undefined;
    const engine = await startEngineThread(options({ tap: true }), {
      logLevel: 'silent',
      onTap: (messages) => {
        tapped(messages);
      },
    });
    const { port } = engine.listeners.find(({ transport }) => transport === 'udp')!;
    const batch = new Promise<readonly TappedMessage[]>((resolve) => {
      tapped = resolve;
    });
    const answer = await ping(port, 1);
    const messages = await batch;
    assert.deepEqual(
      messages.map(({ direction }) => direction),
      ['in', 'out'],
    );
    assert.ok(Buffer.isBuffer(messages[0]!.raw));
    assert.deepEqual(messages[0]!.raw, pingOf(port, 1));
    assert.deepEqual(messages[1]!.raw, answer);

    engine.setTap(false);
    const control = connect(engine.controlPort, '127.0.0.1');
    const reply = new Promise<string>((resolve) => {
      control.once('data', (data) => {
        resolve(data.toString());
      });
    });
    control.write('17#1|authenticate|s|');
    assert.match(await reply, /^\d+#[\da-f-]+\|response\|1\|OK\|/);
    const stats = await engine.stats();
    assert.equal(stats.received, 1);
    assert.equal(stats.clients, 1);
    control.destroy();
    await Promise.all([engine.close(), engine.close()]);
    await assert.rejects(engine.stats(), { code: 'engine_closed' });
  });
});
