import assert from 'node:assert/strict';
import { SipTap, type TappedMessage } from '../../../src/engine/sip-tap.js';
import { Fixture } from '../../conformance/drachtio/support/fixture.js';
import { compose, status } from '../../conformance/drachtio/support/sip-text.js';
import { until } from '../../conformance/drachtio/support/until.js';
import { hasOpenssl, TestAuthority } from '../../support/certificates.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { options, Peer } from './transport/peer.js';

describe('The tap of the engine', () => {
  const open: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  it('shows what goes in and out over every transport, with its addresses', async function () {
    if (!hasOpenssl()) this.skip();
    const authority = new TestAuthority();
    open.push(authority);
    const { cert, key } = authority.issue('IP:127.0.0.1');
    const fixture = await Fixture.start({
      listen: (['udp', 'tcp', 'tls', 'ws', 'wss'] as const).map((transport) => ({
        transport,
        address: '127.0.0.1',
        port: 0,
        tls: { certFile: cert, keyFile: key },
      })),
    });
    open.push(fixture);
    const seen: TappedMessage[] = [];
    fixture.engine.onMessage((message) => seen.push(message));
    const portOf = (name: string): number =>
      fixture.engine.listeners.find(({ transport }) => transport === name)!.port;
    const insecure = { rejectUnauthorized: false };
    const peers = new Map<string, Peer>([
      ['tcp', await Peer.tcp(portOf('tcp'))],
      ['tls', await Peer.tls(portOf('tls'), insecure)],
      ['ws', await Peer.webSocket(`ws://127.0.0.1:${portOf('ws')}`, ['sip'])],
      ['wss', await Peer.webSocket(`wss://127.0.0.1:${portOf('wss')}`, ['sip'], insecure)],
    ]);
    open.push(...peers.values());
    for (const [transport, peer] of peers) {
      peer.write(options(transport, '127.0.0.1'));
      await peer.next(/SIP\/2\.0 200/);
    }
    const ua = await fixture.ua();
    ua.send(ua.request('OPTIONS'));
    await ua.nextResponse(200, 'OPTIONS');
    assert.deepEqual(
      seen.map(({ direction, transport }) => `${direction} ${transport}`),
      ['tcp', 'tls', 'ws', 'wss', 'udp'].flatMap((one) => [`in ${one}`, `out ${one}`]),
    );
    for (const { transport, localAddress, localPort, remoteAddress, remotePort, timeMs } of seen) {
      assert.deepEqual(
        [localAddress, localPort, remoteAddress],
        ['127.0.0.1', portOf(transport), '127.0.0.1'],
      );
      assert.ok(remotePort > 0 && Math.abs(timeMs - Date.now()) < 60_000);
    }
  });

  it('shows repetitions in both directions, and what is malformed', async () => {
    const fixture = await Fixture.start({ timers: { t1Ms: 20 } });
    open.push(fixture);
    const seen: TappedMessage[] = [];
    fixture.engine.onMessage((message) => seen.push(message));
    const text = (direction: 'in' | 'out', part: string): number =>
      seen.filter((one) => one.direction === direction && one.raw.includes(part)).length;
    const app = await fixture.raw(['invite']);
    const ua = await fixture.ua();
    const invite = ua.invite();
    ua.send(invite);
    const { tokens } = await app.nextSip('INVITE');
    ua.send(invite);
    await until(() => text('in', 'INVITE sip:') === 2, 'the repeated request');
    app.send(`sip|${tokens[8]!}|`, compose(['SIP/2.0 486 Busy Here']));
    await until(() => text('out', 'SIP/2.0 486') > 2, 'the repeated response');
    ua.send('OPTIONS sip:x SIP/2.0\r\nCSeq: nonsense\r\n\r\n');
    ua.send(Buffer.from([0xff, 0x0a, 1, 2, 3]));
    await until(() => seen.some(({ raw }) => raw[0] === 0xff), 'noise');
    assert.equal(text('in', 'nonsense'), 1);
    const stream = await Peer.tcp(fixture.tcpPort);
    open.push(stream);
    stream.write('OPTIONS sip:x SIP/2.0\r\nContent-Length: many\r\n\r\n');
    await stream.closed;
    assert.equal(text('in', 'Content-Length: many'), 1);
    assert.ok(seen.some(({ raw }) => status(raw.toString()) === 486));
  });

  it('is bounded: beyond 10,000 messages in a second it counts', () => {
    const clock = new VirtualClock();
    const tap = new SipTap(clock);
    let shown = 0;
    tap.onMessage(() => shown++);
    const source = { transport: 'udp', address: '127.0.0.1', port: 5060 } as const;
    for (let message = 0; message < 12_000; message++) tap.incoming(Buffer.alloc(10), source);
    assert.deepEqual([shown, tap.dropped], [10_000, 2_000]);
    clock.advance(1_000);
    tap.incoming(Buffer.alloc(10), source);
    assert.equal(shown, 10_001);
  });
});
