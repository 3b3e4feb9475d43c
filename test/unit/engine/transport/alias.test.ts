import assert from 'node:assert/strict';
import { hasOpenssl, TestAuthority, type IssuedCertificate } from '../../../support/certificates.js';
import { freePort } from '../../../support/free-ports.js';
import { Fixture } from '../../../conformance/drachtio/support/fixture.js';
import { compose, header } from '../../../conformance/drachtio/support/sip-text.js';
import type { EngineOptions } from '../../../../src/engine/engine-options.js';
import { readFileSync } from 'node:fs';
import { options, Peer } from './peer.js';

describe('Connection reuse (RFC 5923)', function () {
  this.timeout(20_000);
  let authority: TestAuthority;
  let server: IssuedCertificate;
  let client: IssuedCertificate;
  const open: { close(): unknown }[] = [];

  before(function () {
    if (!hasOpenssl()) {
      process.stdout.write('  openssl not installed: these tests are skipped\n');
      this.skip();
    }
    authority = new TestAuthority();
    server = authority.issue('IP:127.0.0.1');
    client = authority.issue('IP:127.0.0.1', 'DNS:sbc.example');
  });
  after(() => {
    authority.close();
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const start = async (more: Partial<EngineOptions> = {}): Promise<Fixture & { tlsPort: number }> => {
    const fixture = await Fixture.start({
      listen: [
        { transport: 'udp', address: '127.0.0.1', port: 0 },
        { transport: 'tcp', address: '127.0.0.1', port: 0 },
        {
          transport: 'tls',
          address: '127.0.0.1',
          port: 0,
          tls: {
            certFile: server.cert,
            keyFile: server.key,
            caFile: authority.ca,
            clientCert: 'request',
            verify: false,
          },
        },
      ],
      ...more,
    });
    open.push(fixture);
    const { port } = fixture.engine.listeners.find(({ transport }) => transport === 'tls')!;
    return Object.assign(fixture, { tlsPort: port });
  };
  const dial = async (fixture: { tlsPort: number }, shown: IssuedCertificate | undefined): Promise<Peer> => {
    const peer = await Peer.tls(fixture.tlsPort, {
      rejectUnauthorized: false,
      ...(shown ? { cert: readFileSync(shown.cert), key: readFileSync(shown.key) } : {}),
    });
    open.push(peer);
    return peer;
  };
  /** A request with this Via; resolves when it is answered. */
  const introduce = async (peer: Peer, transport: string, sentBy: string): Promise<void> => {
    peer.write(options(transport, '127.0.0.1').replace('client.invalid;', `${sentBy};alias;`));
    await peer.next(/^SIP\/2\.0 200/);
  };
  /** What becomes of a request to there: whether it comes on that connection. */
  const reaches = async (fixture: Fixture, uri: string, peer: Peer): Promise<boolean> => {
    const app = await fixture.raw();
    app.send('sip||', compose([`OPTIONS ${uri} SIP/2.0`]));
    return Promise.race([
      peer.next(/OPTIONS sip:b@/).then(() => true),
      app.nextSip('SIP/2.0 503').then(() => false),
    ]);
  };

  it('requests to the sent-by of a TLS peer go by its connection, where its certificate stands for it', async () => {
    const fixture = await start();
    const port = await freePort();
    const peer = await dial(fixture, client);
    await introduce(peer, 'tls', `127.0.0.1:${port}`);
    assert.equal(await reaches(fixture, `sip:b@127.0.0.1:${port};transport=tls`, peer), true);
  });

  it('without alias, without a certificate, or for a host that the certificate does not name, they do not', async () => {
    const fixture = await start();
    const port = await freePort();
    const uri = `sip:b@127.0.0.1:${port};transport=tls`;
    const quiet = await dial(fixture, client);
    quiet.write(options('tls', '127.0.0.1').replace('client.invalid', `127.0.0.1:${port}`));
    await quiet.next(/^SIP\/2\.0 200/);
    assert.equal(await reaches(fixture, uri, quiet), false, 'it did not ask');
    const nameless = await dial(fixture, undefined);
    await introduce(nameless, 'tls', `127.0.0.1:${port}`);
    assert.equal(await reaches(fixture, uri, nameless), false, 'no certificate');
    const liar = await dial(fixture, client);
    await introduce(liar, 'tls', `other.example:${port}`);
    assert.equal(await reaches(fixture, uri, liar), false, 'another name');
  });

  it('with TCP only for addresses that are trusted', async () => {
    for (const trusted of [[], ['127.0.0.1']]) {
      const fixture = await start({ protection: { trusted } });
      const port = await freePort();
      const peer = await Peer.tcp(fixture.tcpPort);
      open.push(peer);
      await introduce(peer, 'tcp', `127.0.0.1:${port}`);
      assert.equal(await reaches(fixture, `sip:b@127.0.0.1:${port};transport=tcp`, peer), trusted.length > 0);
    }
  });

  it('a connection that has gone is used no more, and our own requests over TLS ask for alias', async () => {
    const fixture = await start();
    const port = await freePort();
    const uri = `sip:b@127.0.0.1:${port};transport=tls`;
    const gone = await dial(fixture, client);
    await introduce(gone, 'tls', `127.0.0.1:${port}`);
    const next = await dial(fixture, client);
    await introduce(next, 'tls', `127.0.0.1:${port}`);
    const app = await fixture.raw();
    app.send('sip||', compose([`OPTIONS ${uri} SIP/2.0`]));
    assert.match(header(await next.next(/OPTIONS sip:b@[\s\S]*\r\n\r\n/), 'Via'), /;alias(;|$)/);
    next.close();
    await next.closed;
    assert.equal(await reaches(fixture, uri, gone), false, 'the last one counted');
  });
});
