import assert from 'node:assert/strict';
import { Fixture } from './support/fixture.js';
import { compose, header, headers, method, SDP, startLine, status, tag } from './support/sip-text.js';
import { TcpListener, TcpPeer } from './support/tcp-ua.js';
import { until } from './support/until.js';

const LONG = `X-Long: ${'x'.repeat(1_400)}`;

describe('SIP over TCP on the embedded engine', () => {
  let fixture: Fixture;
  let closers: (() => void)[];

  beforeEach(async () => {
    fixture = await Fixture.start();
    closers = [];
  });
  afterEach(async () => {
    for (const close of closers) close();
    await fixture.close();
  });

  async function peer(): Promise<TcpPeer> {
    const opened = await TcpPeer.connect(fixture.tcpPort);
    closers.push(() => opened.socket.destroy());
    return opened;
  }

  async function listener(port = 0): Promise<TcpListener> {
    const opened = await TcpListener.open(port);
    closers.push(() => {
      opened.close();
    });
    return opened;
  }

  const invite = (from: TcpPeer, contactPort: number, name = 'INVITE'): string =>
    compose(
      [
        `${name} sip:1234@127.0.0.1:${fixture.tcpPort} SIP/2.0`,
        `Via: SIP/2.0/TCP 127.0.0.1:${contactPort};branch=z9hG4bKt${from.port};rport`,
        'Max-Forwards: 70',
        `From: <sip:A@127.0.0.1>;tag=T${from.port}`,
        `To: <sip:1234@127.0.0.1>`,
        `Call-ID: tcp-${from.port}@ua`,
        `CSeq: 1 ${name}`,
        `Contact: <sip:A@127.0.0.1:${contactPort};transport=tcp>`,
        ...(name === 'INVITE' ? ['Content-Type: application/sdp'] : []),
      ],
      name === 'INVITE' ? SDP : '',
    );

  it('answers on the connection of the request, and sends in the dialog on it', async () => {
    const client = await fixture.raw(['invite']);
    const a = await peer();
    const request = invite(a, 5070);
    a.send(request);
    const { tokens } = await client.nextSip('INVITE');
    assert.deepEqual(tokens.slice(4, 7), ['tcp', '127.0.0.1', String(a.port)]);
    await client.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 200 OK'], SDP));
    const ok = await a.next('200', (message) => status(message) === 200);
    assert.equal(header(ok, 'Contact'), `<sip:127.0.0.1:${fixture.tcpPort};transport=tcp>`);
    a.send(
      compose([
        `ACK sip:127.0.0.1:${fixture.tcpPort} SIP/2.0`,
        `Via: SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bKtack;rport`,
        'Max-Forwards: 70',
        `From: ${header(ok, 'From')}`,
        `To: ${header(ok, 'To')}`,
        `Call-ID: ${header(ok, 'Call-ID')}`,
        'CSeq: 1 ACK',
      ]),
    );
    await client.nextSip('ACK');
    const dialog = `${header(request, 'Call-ID')};from-tag=${tag(header(request, 'From'))!}`;
    await client.ask(`sip||${dialog}`, compose(['BYE sip:placeholder SIP/2.0']));
    const bye = await a.next('BYE', (message) => method(message) === 'BYE');
    assert.match(header(bye, 'Via'), new RegExp(`^SIP/2.0/TCP 127.0.0.1:${fixture.tcpPort}`));
    assert.equal(fixture.engine.stats().tcpConnections, 1);
  });

  it('takes messages however the stream is cut, two in one segment too', async () => {
    const client = await fixture.raw(['options']);
    const a = await peer();
    const first = invite(a, 5070, 'OPTIONS');
    const second = first.replaceAll('tcp-', 'second-').replace('z9hG4bKt', 'z9hG4bKu');
    const both = first + second;
    a.send(both.slice(0, 100));
    await client.ask('ping');
    a.send(both.slice(100, first.length + 50));
    await client.nextSip('OPTIONS');
    a.send(both.slice(first.length + 50));
    const { sip } = await client.nextSip('OPTIONS');
    assert.match(header(sip, 'Call-ID'), /^second-/);
  });

  it('answers a keep-alive (RFC 5626)', async () => {
    const a = await peer();
    a.send('\r\n\r\n');
    await until(() => a.pongs === 1, 'the pong');
  });

  it('opens a connection to the sent-by port for an answer whose connection has gone', async () => {
    const client = await fixture.raw(['invite']);
    const back = await listener();
    const a = await peer();
    a.send(invite(a, back.port));
    const { tokens } = await client.nextSip('INVITE');
    a.socket.destroy();
    await until(() => fixture.engine.stats().tcpConnections === 0);
    client.send(`sip|${tokens[8]!}|`, compose(['SIP/2.0 486 Busy Here']));
    const reached = await back.accept();
    await reached.next('486', (message) => status(message) === 486);
  });

  it('sends a request that is too large for UDP over TCP, and names TCP in Via', async () => {
    const b = await listener();
    const client = await fixture.raw();
    const asked = client.ask('sip||', compose([`INVITE sip:bob@127.0.0.1:${b.port} SIP/2.0`, LONG], SDP));
    const reached = await b.accept();
    const request = await reached.next('INVITE', (message) => method(message) === 'INVITE');
    assert.match(header(request, 'Via'), /^SIP\/2\.0\/TCP /);
    assert.equal((await asked).tokens[6], 'tcp');
  });

  it('stays on UDP when the target says so, however large the request', async () => {
    const b = await fixture.ua();
    const client = await fixture.raw();
    client.send('sip||', compose([`INVITE sip:bob@127.0.0.1:${b.port};transport=udp SIP/2.0`, LONG], SDP));
    const request = await b.nextRequest('INVITE');
    assert.ok(request.length > 1_400);
  });

  it('falls back to UDP when the peer takes no TCP, and remembers that', async () => {
    const b = await fixture.ua();
    const client = await fixture.raw();
    const echo = await client.ask(
      'sip||',
      compose([`INVITE sip:bob@127.0.0.1:${b.port} SIP/2.0`, LONG], SDP),
    );
    const request = await b.nextRequest('INVITE');
    assert.match(header(request, 'Via'), /^SIP\/2\.0\/UDP /);
    assert.equal(headers(request, 'Via').length, 1);
    b.send(b.response(request, 486, 'Busy Here'));
    const { tokens } = await client.nextSip('SIP/2.0 486');
    assert.equal(tokens[8], echo.tokens[10]);
    const again = await client.ask(
      'sip||',
      compose([`INVITE sip:bob@127.0.0.1:${b.port} SIP/2.0`, LONG], SDP),
    );
    assert.equal(again.tokens[6], 'udp');
  });

  it('reports 503 when the peer cannot be reached by the transport that it names', async () => {
    const unused = await listener();
    const { port } = unused;
    unused.close();
    const client = await fixture.raw();
    const echo = await client.ask(
      'sip||',
      compose([`OPTIONS sip:bob@127.0.0.1:${port};transport=tcp SIP/2.0`]),
    );
    const { tokens, sip } = await client.nextSip('SIP/2.0 503');
    assert.equal(tokens[8], echo.tokens[10]);
    assert.deepEqual(tokens.slice(3, 7), ['0', 'tcp', '', '0']);
    assert.match(startLine(sip), /503/);
  });

  it('closes connections that bring nothing, too much, or bytes that are no SIP', async () => {
    const strict = await Fixture.start({
      limits: { tcpFirstMessageMs: 50, sipMessageBytes: 1_000, tcpConnections: 1 },
    });
    try {
      const silent = await TcpPeer.connect(strict.tcpPort);
      const refused = await TcpPeer.connect(strict.tcpPort);
      await refused.closed;
      await silent.closed;
      const large = await TcpPeer.connect(strict.tcpPort);
      large.send('OPTIONS sip:x SIP/2.0\r\nContent-Length: 2000\r\n\r\n');
      await large.closed;
      assert.equal(strict.engine.stats().malformed, 1);
      const unframed = await TcpPeer.connect(strict.tcpPort);
      unframed.send('OPTIONS sip:x SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n');
      await unframed.closed;
      await until(() => strict.engine.stats().tcpConnections === 0);
    } finally {
      await strict.close();
    }
  });

  it('closes a connection that has been idle', async () => {
    const quick = await Fixture.start({ limits: { tcpIdleMs: 60 } });
    try {
      const a = await TcpPeer.connect(quick.tcpPort);
      a.send(invite(a, 5070, 'OPTIONS'));
      await a.next('200', (message) => status(message) === 200);
      await a.closed;
    } finally {
      await quick.close();
    }
  });
});
