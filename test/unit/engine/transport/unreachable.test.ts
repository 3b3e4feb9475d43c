import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createLogger } from '../../../../src/common/log.js';
import { startEngine, type Engine } from '../../../../src/engine/engine.js';
import type { EngineOptions } from '../../../../src/engine/engine-options.js';
import { RawClient } from '../../../conformance/drachtio/support/raw-client.js';
import { compose, header, headers, method } from '../../../conformance/drachtio/support/sip-text.js';
import { until } from '../../../conformance/drachtio/support/until.js';
import { freePort } from '../../../support/free-ports.js';
import { FakeDns, srv } from '../resolver/fake-dns.js';
import { options, Peer } from './peer.js';

const DOMAIN = 'carrier.example';

describe('Paths that do not work (RFC 3261 18.4, RFC 3263)', () => {
  const open: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const start = async (
    more: Partial<EngineOptions> = {},
    dns = new FakeDns(),
  ): Promise<{ engine: Engine; app: RawClient }> => {
    const engine = await startEngine(
      {
        listen: [
          { transport: 'udp', address: '127.0.0.1', port: 0 },
          { transport: 'tcp', address: '127.0.0.1', port: 0 },
        ],
        control: { address: '127.0.0.1', port: 0, secret: 's' },
        tap: false,
        ...more,
      },
      { log: createLogger('engine', 'silent'), dns },
    );
    open.push(engine);
    const app = await RawClient.connect(engine.controlPort);
    open.push(app);
    await app.ask('authenticate|s|');
    return { engine, app };
  };

  /** A UDP peer; `answer` is told each request and may return a status. */
  const peer = async (
    answer: (request: string) => number | undefined,
  ): Promise<{ port: number; seen: string[] }> => {
    const socket = createSocket('udp4');
    const seen: string[] = [];
    socket.on('message', (raw, from) => {
      const text = raw.toString();
      if (text.trim() === '') return;
      seen.push(text);
      const status = method(text) === 'ACK' ? undefined : answer(text);
      if (status === undefined) return;
      const to = header(text, 'To');
      const lines = [
        `SIP/2.0 ${status} Whatever`,
        ...headers(text, 'Via').map((via) => `Via: ${via}`),
        `From: ${header(text, 'From')}`,
        `To: ${to.includes('tag=') ? to : `${to};tag=b`}`,
        `Call-ID: ${header(text, 'Call-ID')}`,
        `CSeq: ${header(text, 'CSeq')}`,
        `Contact: <sip:b@${DOMAIN}>`,
      ];
      socket.send(compose(lines), from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    open.push(socket);
    return { port: socket.address().port, seen };
  };

  const dnsFor = (...ports: number[]): FakeDns => {
    const dns = new FakeDns();
    dns.set(
      'srv',
      `_sip._udp.${DOMAIN}`,
      ports.map((port, index) => srv(`host${index}.${DOMAIN}`, port, index)),
    );
    ports.forEach((_, index) => dns.set('a', `host${index}.${DOMAIN}`, ['127.0.0.1']));
    return dns;
  };

  it('a closed UDP port is noticed after the first repetition, and the request goes to the next target', async () => {
    const good = await peer(() => 486);
    const { app, engine } = await start({ timers: { t1Ms: 50 } }, dnsFor(await freePort(), good.port));
    app.send('sip||', compose([`INVITE sip:b@${DOMAIN} SIP/2.0`]));
    await app.nextSip('SIP/2.0 486');
    assert.equal(engine.stats().portsClosed, 1);
    app.send('sip||', compose([`OPTIONS sip:b@${DOMAIN} SIP/2.0`]));
    await app.nextSip('SIP/2.0 486');
    assert.equal(engine.stats().transactions.retransmissionsSent, 1, 'the closed port rests');
  });

  it('without another target the request fails with 503 long before timer B', async () => {
    const port = await freePort();
    const { app } = await start({ timers: { t1Ms: 100 } });
    app.send('sip||', compose([`INVITE sip:b@127.0.0.1:${port} SIP/2.0`]));
    await app.nextSip('SIP/2.0 503');
  });

  it('is not asked where the probe is off, nor where the port is open', async () => {
    const silent = await peer(() => undefined);
    const { app, engine } = await start({ timers: { t1Ms: 10 } });
    app.send('sip||', compose([`OPTIONS sip:b@127.0.0.1:${silent.port} SIP/2.0`]));
    await app.nextSip('SIP/2.0 408');
    assert.equal(engine.stats().portsClosed, 0);
    const off = await start({ timers: { t1Ms: 10 }, failover: { probe: false } });
    off.app.send('sip||', compose([`OPTIONS sip:b@127.0.0.1:${await freePort()} SIP/2.0`]));
    await off.app.nextSip('SIP/2.0 408');
    assert.equal(off.engine.stats().portsClosed, 0);
  });

  it('a request that is too large for any datagram fails at once', async () => {
    const { app, engine } = await start({ timers: { t1Ms: 5_000 } });
    const uri = `sip:b@127.0.0.1:${await freePort()};transport=udp`;
    app.send('sip||', compose([`MESSAGE ${uri} SIP/2.0`, 'Content-Type: text/plain'], 'x'.repeat(66_000)));
    await app.nextSip('SIP/2.0 503');
    assert.ok(engine.stats().udpSendFailures > 0);
  });

  it('the bound on silence takes requests of every kind to the next target', async () => {
    const silent = await peer(() => undefined);
    const good = await peer(() => 200);
    const { app } = await start({ failover: { silentMs: 80 } }, dnsFor(silent.port, good.port));
    app.send('sip||', compose([`OPTIONS sip:b@${DOMAIN} SIP/2.0`]));
    await app.nextSip('SIP/2.0 200');
    assert.equal(silent.seen.length, 1);
  });

  it('a target rests for as long as it is set', async () => {
    const busy = await peer(() => 503);
    const good = await peer(() => 200);
    const { app } = await start({ failover: { restMs: 0 } }, dnsFor(busy.port, good.port));
    for (let sent = 0; sent < 2; sent++) {
      app.send('sip||', compose([`OPTIONS sip:b@${DOMAIN} SIP/2.0`]));
      await app.nextSip('SIP/2.0 200');
    }
    assert.equal(busy.seen.length, 2);
  });

  it('requests within a dialog go to the next target too (RFC 3263 4.3)', async () => {
    let down = false;
    const first = await peer((request) => (down ? 503 : method(request) === 'INVITE' ? 200 : 200));
    const second = await peer(() => 200);
    const { app } = await start({}, dnsFor(first.port, second.port));
    app.send('sip||', compose([`INVITE sip:b@${DOMAIN} SIP/2.0`]));
    const { tokens } = await app.nextSip('SIP/2.0 200');
    const dialog = tokens[9]!;
    await app.ask(`sip||${dialog}`, compose(['ACK sip:placeholder SIP/2.0']));
    down = true;
    app.send(`sip||${dialog}`, compose(['INFO sip:placeholder SIP/2.0']));
    await app.nextSip('SIP/2.0 200');
    assert.deepEqual(
      [first, second].map(({ seen }) => seen.filter((one) => method(one) === 'INFO').length),
      [1, 1],
    );
    const [one, other] = [first, second].map(({ seen }) => seen.find((text) => method(text) === 'INFO')!);
    assert.equal(header(other!, 'CSeq'), header(one!, 'CSeq'));
    assert.notEqual(header(other!, 'Via'), header(one!, 'Via'));
  });

  describe('responses whose connection has gone', () => {
    const accepting = async (): Promise<{ port: number; text: () => string }> => {
      let text = '';
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
        open.push({ close: () => socket.destroy() });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      open.push(server);
      return { port: (server.address() as AddressInfo).port, text: () => text };
    };
    const invite = (sentBy: string): string =>
      options('tcp', '127.0.0.1')
        .replaceAll('OPTIONS', 'INVITE')
        .replace('client.invalid', sentBy)
        .replace('Content', 'Contact: <sip:a@127.0.0.1:9>\r\nContent');
    const tcpPort = (engine: Engine): number =>
      engine.listeners.find(({ transport }) => transport === 'tcp')!.port;

    it('go to the sent-by port at the address they came from, repetitions too (RFC 3261 18.2.2)', async () => {
      const { app, engine } = await start({ timers: { t1Ms: 20 } });
      await app.ask('route|invite');
      const back = await accepting();
      const caller = await Peer.tcp(tcpPort(engine));
      caller.write(invite(`127.0.0.1:${back.port}`));
      const { tokens } = await app.nextSip('INVITE');
      caller.close();
      await until(() => engine.stats().tcpConnections === 0);
      await app.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 200 OK']));
      await until(() => back.text().split('SIP/2.0 200').length > 3, 'the 2xx and its repetitions');
    });

    it('go where DNS has the sent-by, when that fails (RFC 3263 5)', async () => {
      const back = await accepting();
      const dns = new FakeDns();
      dns.set('srv', `_sip._tcp.${DOMAIN}`, [
        srv(`dead.${DOMAIN}`, await freePort(), 0),
        srv(`live.${DOMAIN}`, back.port, 1),
      ]);
      dns.set('a', `dead.${DOMAIN}`, ['127.0.0.1']).set('a', `live.${DOMAIN}`, ['127.0.0.1']);
      const { app, engine } = await start({}, dns);
      await app.ask('route|invite');
      const caller = await Peer.tcp(tcpPort(engine));
      caller.write(invite(DOMAIN));
      const { tokens } = await app.nextSip('INVITE');
      caller.close();
      await until(() => engine.stats().tcpConnections === 0);
      await app.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 486 Busy Here']));
      await until(() => back.text().includes('SIP/2.0 486'), 'the response');
    });
  });
});
