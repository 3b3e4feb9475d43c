import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, utimesSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { EngineOptions, ListenOptions, TlsPeerOptions } from '../../../../src/engine/engine-options.js';
import { Fixture } from '../../../conformance/drachtio/support/fixture.js';
import { compose, header, status } from '../../../conformance/drachtio/support/sip-text.js';
import { until } from '../../../conformance/drachtio/support/until.js';
import { hasOpenssl, TestAuthority, type IssuedCertificate } from '../../../support/certificates.js';
import { options, Peer } from './peer.js';

describe('SIP over TLS on the embedded engine', function () {
  this.timeout(20_000);
  let authority: TestAuthority;
  let server: IssuedCertificate;
  let client: IssuedCertificate;
  let stranger: TestAuthority;
  const open: { close(): unknown }[] = [];
  const issuers: TestAuthority[] = [];

  before(function () {
    if (!hasOpenssl()) {
      process.stdout.write('  openssl not installed: TLS tests are skipped\n');
      this.skip();
    }
    authority = new TestAuthority();
    stranger = new TestAuthority();
    issuers.push(authority, stranger);
    server = authority.issue('IP:127.0.0.1', 'DNS:localhost', 'DNS:relevo.example');
    client = authority.issue('DNS:sbc.example', 'URI:sip:carrier.example', 'IP:127.0.0.1');
  });
  after(() => {
    for (const one of issuers) one.close();
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const start = async (
    listen: Partial<ListenOptions['tls']> = {},
    more: Partial<EngineOptions> = {},
  ): Promise<Fixture & { tlsPort: number }> => {
    const fixture = await Fixture.start({
      listen: [
        { transport: 'udp', address: '127.0.0.1', port: 0 },
        {
          transport: 'tls',
          address: '127.0.0.1',
          port: 0,
          tls: { certFile: server.cert, keyFile: server.key, caFile: authority.ca, ...listen },
        },
      ],
      ...more,
    });
    open.push(fixture);
    const { port } = fixture.engine.listeners.find(({ transport }) => transport === 'tls')!;
    return Object.assign(fixture, { tlsPort: port });
  };

  const dial = async (port: number, more: object = {}): Promise<Peer> => {
    const peer = await Peer.tls(port, { ca: readFileSync(authority.ca), ...more });
    open.push(peer);
    return peer;
  };

  /** A TLS server that answers nothing by itself; `accept` is its next peer. */
  const listener = async (
    certificate: IssuedCertificate,
    more: TlsOptions = {},
  ): Promise<{ port: number; names: string[]; accept: () => Promise<Peer>; accepted: () => number }> => {
    const names: string[] = [];
    const peers: Peer[] = [];
    const waiting: ((peer: Peer) => void)[] = [];
    let accepted = 0;
    const secure: Server = createServer(
      { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key), ...more },
      (socket: TLSSocket) => {
        accepted++;
        names.push(String(socket.servername));
        const peer = Peer.ofSocket(socket);
        open.push(peer);
        const next = waiting.shift();
        if (next) next(peer);
        else peers.push(peer);
      },
    );
    secure.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => {
      secure.listen(0, '127.0.0.1', resolve);
    });
    open.push({ close: () => new Promise((resolve) => secure.close(resolve)) });
    return {
      port: (secure.address() as AddressInfo).port,
      names,
      accepted: () => accepted,
      accept: () => {
        const peer = peers.shift();
        return peer ? Promise.resolve(peer) : new Promise((resolve) => waiting.push(resolve));
      },
    };
  };

  it('answers on the connection of the request, and keep-alives with CRLF', async () => {
    const { tlsPort } = await start();
    const peer = await dial(tlsPort);
    peer.write(options('tls', `127.0.0.1:${tlsPort}`));
    const answer = await peer.next(/\r\n\r\n$/);
    assert.equal(status(answer), 200);
    assert.match(header(answer, 'Via'), /^SIP\/2\.0\/TLS client\.invalid;.*received=127\.0\.0\.1/);
    peer.write('\r\n\r\n');
    assert.equal(await peer.next(/\r\n/), '\r\n');
  });

  it('refuses TLS 1.1', async () => {
    const { tlsPort } = await start();
    await assert.rejects(dial(tlsPort, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }));
  });

  it('asks for a certificate of those who connect, where it must', async () => {
    const { tlsPort, engine } = await start({ clientCert: 'require' });
    const bare = await dial(tlsPort).catch(() => undefined);
    // TLS 1.3 tells a client without a certificate only after its handshake.
    await bare?.closed;
    const other = stranger.issue('DNS:sbc.example');
    const wrong = await dial(tlsPort, {
      cert: readFileSync(other.cert),
      key: readFileSync(other.key),
    }).catch(() => undefined);
    await wrong?.closed;
    await until(() => engine.stats().malformed >= 2, 'both failures counted');
    const known = await dial(tlsPort, { cert: readFileSync(client.cert), key: readFileSync(client.key) });
    known.write(options('tls', '127.0.0.1'));
    await known.next(/^SIP\/2\.0 200/);
  });

  it('takes no certificate or a valid one where it only asks', async () => {
    const { tlsPort } = await start({ clientCert: 'request' });
    const bare = await dial(tlsPort);
    bare.write(options('tls', '127.0.0.1'));
    await bare.next(/^SIP\/2\.0 200/);
    const other = stranger.issue('DNS:sbc.example');
    const wrong = await dial(tlsPort, { cert: readFileSync(other.cert), key: readFileSync(other.key) });
    await wrong.closed;
  });

  it('sends to sips: and transport=tls over one verified connection, with TLS in Via and sips in Contact', async () => {
    const { raw, tlsPort } = await start().then((fixture) => ({
      raw: () => fixture.raw(),
      tlsPort: fixture.tlsPort,
    }));
    const far = await listener(client);
    const app = await raw();
    const sent = app.ask('sip||', compose([`INVITE sips:bob@127.0.0.1:${far.port} SIP/2.0`]));
    const peer = await far.accept();
    const invite = await peer.next(/^INVITE [\s\S]*\r\n\r\n/);
    assert.match(header(invite, 'Via'), new RegExp(`^SIP/2.0/TLS 127.0.0.1:${tlsPort};`));
    assert.equal(header(invite, 'Contact'), `<sips:127.0.0.1:${tlsPort}>`);
    await sent;
    await app.ask('sip||', compose([`OPTIONS sip:bob@127.0.0.1:${far.port};transport=tls SIP/2.0`]));
    await peer.next(/^OPTIONS/);
    assert.equal(far.accepted(), 1);
  });

  const failsWith503 = async (far: { port: number }, listen = {}, peers: TlsPeerOptions[] = []) => {
    const fixture = await start(listen, { tlsPeers: peers });
    const app = await fixture.raw();
    app.send('sip||', compose([`OPTIONS sip:bob@127.0.0.1:${far.port};transport=tls SIP/2.0`]));
    await app.nextSip('SIP/2.0 503');
  };

  it('does not send to a peer whose certificate is signed by nobody it knows', async () => {
    const far = await listener(stranger.issue('IP:127.0.0.1'));
    await failsWith503(far);
  });

  it('does not send to a peer whose certificate is that of another', async () => {
    await failsWith503(await listener(authority.issue('DNS:other.example')));
  });

  it('does not look at the certificate where verification is off', async () => {
    const far = await listener(stranger.issue('DNS:other.example'));
    const fixture = await start({ verify: false });
    const app = await fixture.raw();
    app.send('sip||', compose([`OPTIONS sip:bob@127.0.0.1:${far.port};transport=tls SIP/2.0`]));
    await (await far.accept()).next(/^OPTIONS/);
  });

  it('meets a peer by settings of its own: authority, certificate, server name', async () => {
    const far = await listener(stranger.issue('URI:sip:carrier.example'), {
      requestCert: true,
      rejectUnauthorized: true,
      ca: readFileSync(authority.ca),
    });
    const own = authority.issue('DNS:relevo.example');
    const fixture = await start(
      {},
      {
        tlsPeers: [
          {
            host: '127.0.0.1',
            caFile: stranger.ca,
            certFile: own.cert,
            keyFile: own.key,
            serverName: 'carrier.example',
          },
        ],
      },
    );
    const app = await fixture.raw();
    app.send('sip||', compose([`OPTIONS sip:bob@127.0.0.1:${far.port};transport=tls SIP/2.0`]));
    await (await far.accept()).next(/^OPTIONS/);
    assert.deepEqual(far.names, ['carrier.example']);
  });

  it('takes a new certificate from its files, and keeps the old one when the new one is broken', async () => {
    const [cert, key] = [join(authority.folder, 'live.pem'), join(authority.folder, 'live.key')];
    copyFileSync(server.cert, cert);
    copyFileSync(server.key, key);
    const { tlsPort, engine } = await start({ certFile: cert, keyFile: key });
    const issued = async (): Promise<string> => {
      const { connect } = await import('node:tls');
      const socket = connect({ port: tlsPort, host: '127.0.0.1', ca: readFileSync(authority.ca) });
      await new Promise((resolve, reject) => {
        socket.once('secureConnect', resolve);
        socket.once('error', reject);
      });
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await issued();
    const fresh = authority.issue('IP:127.0.0.1');
    copyFileSync(fresh.cert, cert);
    engine.reloadCertificates();
    assert.equal(await issued(), before, 'the key does not belong to the certificate yet');
    copyFileSync(fresh.key, key);
    utimesSync(key, new Date(), new Date());
    engine.reloadCertificates();
    assert.notEqual(await issued(), before);
  });

  it('closes connections that never get through the handshake', async () => {
    const { tlsPort } = await start({}, { limits: { tcpFirstMessageMs: 60 } });
    const silent = await Peer.tcp(tlsPort);
    open.push(silent);
    await silent.closed;
  });

  it('counts handshakes among the connections of an address', async () => {
    const { tlsPort, engine } = await start({}, { limits: { connectionsPerSource: 2 } });
    const sockets = [connectTcp(tlsPort, '127.0.0.1'), connectTcp(tlsPort, '127.0.0.1')];
    open.push({ close: () => sockets.forEach((socket) => socket.destroy()) });
    await Promise.all(
      sockets.map((socket) => new Promise<void>((resolve) => socket.once('connect', () => resolve()))),
    );
    const third = await Peer.tcp(tlsPort);
    await third.closed;
    await until(() => engine.stats().refusedConnections === 1);
  });

  it('closes although a peer is in the middle of its handshake', async () => {
    const { tlsPort, engine } = await start();
    const silent = await Peer.tcp(tlsPort);
    await engine.close();
    await silent.closed;
  });

  it('does not start with a key that is not that of the certificate', async () => {
    await assert.rejects(start({ keyFile: client.key }), { code: 'tls_files' });
  });
});
