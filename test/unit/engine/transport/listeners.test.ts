import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import type { EngineOptions, ListenOptions } from '../../../../src/engine/engine-options.js';
import { Fixture } from '../../../conformance/drachtio/support/fixture.js';
import { compose, header, status } from '../../../conformance/drachtio/support/sip-text.js';
import { until } from '../../../conformance/drachtio/support/until.js';
import { options, Peer } from './peer.js';

const udp = (address: string, advertise?: string): ListenOptions => ({
  transport: 'udp',
  address,
  port: 0,
  ...(advertise === undefined ? {} : { advertise: { address: advertise } }),
});

/** A UDP peer that keeps what comes. */
class Datagrams {
  readonly #socket;
  readonly #inbox: string[] = [];
  #wake: (() => void) | undefined;

  private constructor(family: 4 | 6) {
    this.#socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    this.#socket.on('message', (raw) => {
      this.#inbox.push(raw.toString());
      this.#wake?.();
    });
  }

  static async open(address: string): Promise<Datagrams> {
    const peer = new Datagrams(address.includes(':') ? 6 : 4);
    await new Promise<void>((resolve) => {
      peer.#socket.bind(0, address, resolve);
    });
    return peer;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get received(): number {
    return this.#inbox.length;
  }

  send(data: string | Buffer, port: number, address: string): void {
    this.#socket.send(data, port, address);
  }

  async next(): Promise<string> {
    while (this.#inbox.length === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#inbox.shift()!;
  }

  close(): void {
    this.#socket.close();
  }
}

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

describe('SIP listeners of the embedded engine', () => {
  const open: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const start = async (listen: ListenOptions[], more: Partial<EngineOptions> = {}): Promise<Fixture> => {
    const fixture = await Fixture.start({ listen, ...more });
    open.push(fixture);
    return fixture;
  };
  const datagrams = async (address = '127.0.0.1'): Promise<Datagrams> => {
    const peer = await Datagrams.open(address);
    open.push(peer);
    return peer;
  };

  it('answers under the address of the listener that was asked, and advertises that of each', async () => {
    const fixture = await start([udp('127.0.0.1', '203.0.113.1'), udp('127.0.0.2', '203.0.113.2')]);
    const app = await fixture.raw(['invite']);
    const peer = await datagrams();
    for (const [index, { port, address }] of fixture.engine.listeners.entries()) {
      peer.send(
        options('udp', '127.0.0.1')
          .replaceAll('OPTIONS', 'INVITE')
          .replace('Content', 'Contact: <sip:a@127.0.0.1:9>\r\nContent'),
        port,
        address,
      );
      const { tokens } = await app.nextSip('INVITE');
      await app.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 180 Ringing']));
      assert.equal(status(await peer.next()), 100);
      assert.equal(header(await peer.next(), 'Contact'), `<sip:203.0.113.${index + 1}:${port}>`);
    }
  });

  it('drops keep-alives of CRLF on UDP without a word (RFC 5626)', async () => {
    const fixture = await start([udp('127.0.0.1')]);
    const peer = await datagrams();
    for (const nothing of ['\r\n\r\n', '\0', '\r\n\r\n\r\n'])
      peer.send(nothing, fixture.udpPort, '127.0.0.1');
    peer.send(options('udp', '127.0.0.1'), fixture.udpPort, '127.0.0.1');
    assert.equal(status(await peer.next()), 200);
    const { received, malformed } = fixture.engine.stats();
    assert.deepEqual({ received, malformed }, { received: 1, malformed: 0 });
  });

  describe('over IPv6', () => {
    before(async function () {
      if (await hasIpv6()) return;
      process.stdout.write('    this machine has no IPv6 loopback: skipped\n');
      this.skip();
    });

    it('answers on UDP and TCP, with received and brackets where they belong', async () => {
      const fixture = await start([udp('::1'), { transport: 'tcp', address: '::1', port: 0 }]);
      const peer = await datagrams('::1');
      peer.send(options('udp', '[::1]'), fixture.udpPort, '::1');
      assert.match(header(await peer.next(), 'Via'), /;received=::1;rport=\d+$/);
      const stream = await Peer.tcp(fixture.tcpPort, '::1');
      open.push(stream);
      stream.write(options('tcp', '[::1]'));
      assert.match(await stream.next(/200 OK[\s\S]*\r\n\r\n/), /;received=::1;/);
    });

    it('sends to an IPv6 address from the IPv6 listener, and to an IPv4 address from the other', async () => {
      const fixture = await start([udp('127.0.0.1'), udp('::1')]);
      const [four, six] = fixture.engine.listeners;
      const app = await fixture.raw();
      const [peer4, peer6] = [await datagrams(), await datagrams('::1')];
      app.send('sip||', compose([`INVITE sip:b@[::1]:${peer6.port} SIP/2.0`]));
      const over6 = await peer6.next();
      assert.match(header(over6, 'Via'), new RegExp(`^SIP/2\\.0/UDP \\[::1\\]:${six!.port};rport;branch`));
      assert.equal(header(over6, 'Contact'), `<sip:[::1]:${six!.port}>`);
      assert.match(header(over6, 'From'), new RegExp(`<sip:\\[::1\\]:${six!.port}>`));
      app.send('sip||', compose([`INVITE sip:b@127.0.0.1:${peer4.port} SIP/2.0`]));
      assert.match(
        header(await peer4.next(), 'Via'),
        new RegExp(`^SIP/2\\.0/UDP 127\\.0\\.0\\.1:${four!.port};`),
      );
    });

    it('refuses an address family that no listener speaks, and its own IPv6 address', async () => {
      const only4 = await (await start([udp('127.0.0.1')])).raw();
      const answer = await only4.ask('sip||', compose(['OPTIONS sip:b@[::1]:5999 SIP/2.0']));
      assert.match(answer.tokens.join('|'), /NOK\|requested protocol\/transport not available/);
      const fixture = await start([udp('::1')]);
      const own = await (
        await fixture.raw()
      ).ask('sip||', compose([`OPTIONS sip:b@[::1]:${fixture.udpPort} SIP/2.0`]));
      assert.match(own.tokens.join('|'), /NOK\|can not send request to myself/);
    });
  });

  describe('with bounds on connections', () => {
    const tcp: ListenOptions = { transport: 'tcp', address: '127.0.0.1', port: 0 };
    const dial = async (fixture: Fixture): Promise<Peer> => {
      const peer = await Peer.tcp(fixture.tcpPort);
      open.push(peer);
      return peer;
    };

    it('closes a connection whose message comes byte by byte without end', async () => {
      const fixture = await start([udp('127.0.0.1'), tcp], { limits: { messageMs: 80 } });
      const peer = await dial(fixture);
      peer.write(options('tcp', '127.0.0.1'));
      await peer.next(/^SIP\/2\.0 200/);
      const slow = options('tcp', '127.0.0.1');
      let at = 0;
      const drip = setInterval(() => {
        peer.write(slow[at++ % 40]!);
      }, 10);
      await peer.closed;
      clearInterval(drip);
      assert.equal(fixture.engine.stats().malformed, 1);
    });

    it('takes so many connections of one address and no more, and others again when one has gone', async () => {
      const fixture = await start([udp('127.0.0.1'), tcp], { limits: { connectionsPerSource: 2 } });
      const first = await dial(fixture);
      await dial(fixture);
      const third = await dial(fixture);
      await third.closed;
      assert.equal(fixture.engine.stats().refusedConnections, 1);
      first.close();
      await until(() => fixture.engine.stats().tcpConnections === 1);
      const fourth = await dial(fixture);
      fourth.write(options('tcp', '127.0.0.1'));
      await fourth.next(/^SIP\/2\.0 200/);
    });

    it('closes a connection whose headers are too many or too long', async () => {
      const fixture = await start([udp('127.0.0.1'), tcp], {
        limits: { sipHeaderBytes: 2_000, sipHeaders: 20 },
      });
      const long = await dial(fixture);
      long.write(`OPTIONS sip:a SIP/2.0\r\nX: ${'x'.repeat(3_000)}`);
      await long.closed;
      const many = await dial(fixture);
      many.write(options('tcp', '127.0.0.1').replace('Content', `${'X: 1\r\n'.repeat(30)}Content`));
      await until(() => fixture.engine.stats().malformed === 2, 'both counted');
    });

    it('drops a peer that does not read, and what waits for a connection beyond the bound', async () => {
      const sockets: { destroy(): void }[] = [];
      const deaf = createServer((socket) => {
        socket.pause();
        sockets.push(socket);
      });
      await new Promise<void>((resolve) => {
        deaf.listen(0, '127.0.0.1', resolve);
      });
      open.push({
        close: () => {
          for (const socket of sockets) socket.destroy();
          deaf.close();
        },
      });
      const fixture = await start([udp('127.0.0.1'), tcp], { limits: { tcpBacklogBytes: 4_000 } });
      const app = await fixture.raw();
      const { port } = deaf.address() as AddressInfo;
      const large = compose(
        [`OPTIONS sip:b@127.0.0.1:${port};transport=tcp SIP/2.0`, 'Content-Type: text/plain'],
        'x'.repeat(6_000),
      );
      app.send('sip||', large);
      await app.nextSip('SIP/2.0 503');
    });
  });
});
