import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { WebSocketServer, type WebSocket } from 'ws';
import type { AddressInfo } from 'node:net';
import type { EngineOptions, ListenOptions } from '../../../../src/engine/engine-options.js';
import { Fixture } from '../../../conformance/drachtio/support/fixture.js';
import { compose, header, SDP, status, tag } from '../../../conformance/drachtio/support/sip-text.js';
import { until } from '../../../conformance/drachtio/support/until.js';
import { hasOpenssl, TestAuthority } from '../../../support/certificates.js';
import { options, Peer } from './peer.js';

describe('SIP over WebSocket (RFC 7118) on the embedded engine', () => {
  const open: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const start = async (
    more: Partial<ListenOptions> = {},
    others: Partial<EngineOptions> = {},
  ): Promise<{ fixture: Fixture; port: number; url: string }> => {
    const transport = more.transport ?? 'ws';
    const fixture = await Fixture.start({
      listen: [
        { transport: 'udp', address: '127.0.0.1', port: 0 },
        { transport, address: '127.0.0.1', port: 0, ...more },
      ],
      ...others,
    });
    open.push(fixture);
    const { port } = fixture.engine.listeners.find((one) => one.transport === transport)!;
    return { fixture, port, url: `${transport}://127.0.0.1:${port}/` };
  };

  const dial = async (url: string, protocols = ['sip'], more = {}): Promise<Peer> => {
    const peer = await Peer.webSocket(url, protocols, more);
    open.push(peer);
    return peer;
  };

  it('answers in a message of its own, and keep-alives with CRLF', async () => {
    const { url } = await start();
    const peer = await dial(url);
    peer.write(options('ws', '127.0.0.1'));
    const answer = await peer.next(/^SIP/);
    assert.equal(status(answer), 200);
    assert.match(header(answer, 'Via'), /^SIP\/2\.0\/WS client\.invalid;.*received=127\.0\.0\.1/);
    peer.write('\r\n\r\n');
    assert.equal(await peer.next(/\r\n/), '\r\n');
  });

  it('refuses what does not offer the subprotocol sip, and plain HTTP', async () => {
    const { url, port, fixture } = await start();
    await assert.rejects(dial(url, []), /400/);
    await assert.rejects(dial(url, ['chat']), /400/);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(page.status, 426);
    assert.equal(fixture.engine.stats().malformed, 2);
  });

  it('lets in the web pages that are allowed only', async () => {
    const { url } = await start({ origins: ['https://app.example'] });
    await assert.rejects(dial(url, ['sip'], { origin: 'https://evil.example' }), /403/);
    const page = await dial(url, ['sip'], { origin: 'https://app.example' });
    page.write(options('ws', '127.0.0.1'));
    await page.next(/^SIP\/2\.0 200/);
  });

  it('reaches a browser in a dialog on its connection, though its Contact is .invalid', async () => {
    const { fixture, url, port } = await start();
    const app = await fixture.raw(['invite']);
    const browser = await dial(url);
    const invite = compose(
      [
        'INVITE sip:1234@127.0.0.1 SIP/2.0',
        'Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKw1',
        'Max-Forwards: 70',
        'From: <sip:alice@example.net>;tag=w1',
        'To: <sip:1234@example.net>',
        'Call-ID: ws-1',
        'CSeq: 1 INVITE',
        'Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>',
        'Content-Type: application/sdp',
      ],
      SDP,
    );
    browser.write(invite);
    const { tokens } = await app.nextSip('INVITE');
    assert.equal(tokens[4], 'ws');
    await app.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 200 OK'], SDP));
    const ok = /SIP\/2\.0 200[\s\S]*/.exec(await browser.next(/SIP\/2\.0 200/))![0];
    assert.equal(header(ok, 'Contact'), `<sip:127.0.0.1:${port};transport=ws>`);
    browser.write(
      compose([
        `ACK sip:127.0.0.1:${port};transport=ws SIP/2.0`,
        'Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKw2',
        'Max-Forwards: 70',
        'From: <sip:alice@example.net>;tag=w1',
        `To: <sip:1234@example.net>;tag=${tag(header(ok, 'To'))!}`,
        'Call-ID: ws-1',
        'CSeq: 1 ACK',
      ]),
    );
    await app.nextSip('ACK');
    app.send('sip||ws-1;from-tag=w1', compose(['BYE sip:placeholder SIP/2.0']));
    const bye = await browser.next(/^BYE/);
    assert.match(bye, /^BYE sip:alice@df7jal23ls0d\.invalid;transport=ws SIP/);
    assert.match(header(bye, 'Via'), new RegExp(`^SIP/2\\.0/WS 127\\.0\\.0\\.1:${port};`));
  });

  it('reaches a browser outside a dialog on the connection that its Contact came by', async () => {
    const { fixture, url } = await start();
    const app = await fixture.raw();
    const browser = await dial(url);
    browser.write(options('ws', '127.0.0.1', '<sip:bob@abc123.invalid;transport=ws>'));
    await browser.next(/^SIP\/2\.0 200/);
    app.send('sip||', compose(['OPTIONS sip:bob@abc123.invalid;transport=ws SIP/2.0']));
    await browser.next(/^OPTIONS sip:bob@abc123\.invalid/);
    browser.close();
    await until(() => fixture.engine.stats().tcpConnections === 0);
    const refused = await app.ask('sip||', compose(['OPTIONS sip:bob@abc123.invalid;transport=ws SIP/2.0']));
    assert.match(refused.tokens.join('|'), /NOK\|unable to resolve destination/);
  });

  it('does not let another connection take over a Contact host', async () => {
    const { fixture, url } = await start();
    const app = await fixture.raw();
    const first = await dial(url);
    const second = await dial(url);
    for (const one of [first, second]) {
      one.write(options('ws', '127.0.0.1', '<sip:bob@shared.invalid;transport=ws>'));
      await one.next(/^SIP\/2\.0 200/);
    }
    app.send('sip||', compose(['OPTIONS sip:bob@shared.invalid SIP/2.0']));
    await first.next(/^OPTIONS/);
    assert.equal(second.text, '');
  });

  it('closes what is too large, silent after the upgrade, or answers no pings', async () => {
    const { url } = await start(
      {},
      { limits: { sipHeaderBytes: 500, sipMessageBytes: 500, tcpFirstMessageMs: 200 } },
    );
    const large = await dial(url);
    large.write('x'.repeat(2_000));
    await large.closed;
    const silent = await dial(url);
    await silent.closed;
    const pinging = await start({}, { limits: { wsPingMs: 30 } });
    const deaf = await dial(pinging.url, ['sip'], { autoPong: false });
    deaf.write(options('ws', '127.0.0.1'));
    await deaf.next(/^SIP/);
    await deaf.closed;
  });

  it('opens a WebSocket of its own to a server', async () => {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: (offered) => (offered.has('sip') ? 'sip' : false),
    });
    open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
    const received = new Promise<string>((resolve) => {
      server.once('connection', (socket: WebSocket) => {
        socket.once('message', (data) => {
          resolve((data as Buffer).toString());
          socket.terminate();
        });
      });
    });
    const { fixture } = await start();
    const app = await fixture.raw();
    const { port } = server.address() as AddressInfo;
    app.send('sip||', compose([`OPTIONS sip:bob@127.0.0.1:${port};transport=ws SIP/2.0`]));
    assert.match(await received, /^OPTIONS [\s\S]*Via: SIP\/2\.0\/WS 127/);
  });

  it('speaks WSS with its certificate', async function () {
    if (!hasOpenssl()) {
      process.stdout.write('      openssl not installed: skipped\n');
      this.skip();
    }
    const authority = new TestAuthority();
    open.push(authority);
    const { cert, key } = authority.issue('IP:127.0.0.1');
    const { url } = await start({ transport: 'wss', tls: { certFile: cert, keyFile: key } });
    const peer = await dial(url, ['sip'], { ca: readFileSync(authority.ca) });
    peer.write(options('wss', '127.0.0.1'));
    assert.match(header(await peer.next(/^SIP\/2\.0 200/), 'Via'), /^SIP\/2\.0\/WSS/);
    await assert.rejects(dial(url), /certificate/);
  });
});
