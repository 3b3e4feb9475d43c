import assert from 'node:assert/strict';
import { VirtualClock } from '../../support/virtual-clock.js';
import { TcpPeer } from './support/tcp-ua.js';
import { deferred } from './support/deferred.js';
import { Fixture } from './support/fixture.js';
import type { RawUa } from './support/raw-ua.js';
import type { ProxyOptions, ProxyResults } from './support/srf-types.js';
import { branch, compose, header, headers, SDP, startLine, status, tag } from './support/sip-text.js';

/** The request as it comes back from `by`, with this first line. */
function cameBack(by: RawUa, request: string, firstLine: string): string {
  const via = `Via: SIP/2.0/UDP 127.0.0.1:${by.port};branch=z9hG4bKback${by.port};rport`;
  return request.replace(/^.*\r\n/, `${firstLine}\r\n${via}\r\n`);
}

describe('proxy of the embedded engine (RFC 3261 16)', () => {
  let fixture: Fixture;
  let clock: VirtualClock;
  let a: RawUa;
  let b: RawUa;
  let c: RawUa;
  let results: ReturnType<typeof deferred<ProxyResults>>;

  beforeEach(async () => {
    clock = new VirtualClock();
    fixture = await Fixture.start({}, clock);
    a = await fixture.ua();
    b = await fixture.ua();
    c = await fixture.ua();
  });
  afterEach(() => fixture.close());

  const to = (ua: RawUa): string => `sip:bob@127.0.0.1:${ua.port}`;

  /** An application that proxies every INVITE to the targets. */
  const proxying = async (targets: readonly RawUa[], options: Partial<ProxyOptions> = {}): Promise<void> => {
    results = deferred<ProxyResults>();
    await fixture.srf((app) => {
      app.invite((req) => {
        req.proxy({ destination: targets.map(to), ...options }).then(results.resolve, results.reject);
      });
    });
  };

  it('forwards the call, stays in the dialog by Record-Route, and reports the response (recording 13)', async () => {
    await proxying([b], { remainInDialog: true, provisionalTimeout: '2s', finalTimeout: '18s' });
    const invite = a.invite();
    a.send(invite);
    await a.nextResponse(100, 'INVITE');
    const forwarded = await b.nextRequest('INVITE');
    assert.equal(startLine(forwarded), `INVITE ${to(b)} SIP/2.0`);
    assert.equal(headers(forwarded, 'Via').length, 2);
    assert.equal(header(forwarded, 'Record-Route'), `<sip:127.0.0.1:${fixture.udpPort};lr>`);
    assert.equal(header(forwarded, 'Max-Forwards'), '69');
    for (const same of ['From', 'To', 'Call-ID', 'CSeq', 'Contact'])
      assert.equal(header(forwarded, same), header(invite, same));
    assert.ok(forwarded.endsWith(SDP));

    const route = [`Record-Route: ${header(forwarded, 'Record-Route')}`];
    b.send(b.response(forwarded, 180, 'Ringing', 'btag', route));
    const ringing = await a.nextResponse(180, 'INVITE');
    assert.equal(headers(ringing, 'Via').length, 1);
    assert.equal(branch(ringing), branch(invite));
    b.send(b.response(forwarded, 200, 'OK', 'btag', route, SDP));
    const ok = await a.nextResponse(200, 'INVITE');
    assert.equal(header(ok, 'Contact'), `<sip:B@127.0.0.1:${b.port}>`);
    const { connected, finalStatus, responses } = await results.promise;
    assert.deepEqual([connected, finalStatus, responses.length, responses[0]?.port], [true, 200, 1, b.port]);

    a.send(a.inDialog('ACK', 1, ok));
    const ack = await b.nextRequest('ACK');
    assert.equal(headers(ack, 'Via').length, 2);
    assert.deepEqual(headers(ack, 'Route'), []);
    a.send(a.inDialog('BYE', 2, ok));
    const bye = await b.nextRequest('BYE');
    assert.equal(header(bye, 'Max-Forwards'), '69');
    b.send(b.response(bye, 200, 'OK'));
    const ended = await a.nextResponse(200, 'BYE');
    assert.equal(headers(ended, 'Via').length, 1);
  });

  it('passes a refusal on, acknowledges it, and reports it', async () => {
    await proxying([b]);
    const invite = a.invite();
    a.send(invite);
    const forwarded = await b.nextRequest('INVITE');
    assert.deepEqual(headers(forwarded, 'Record-Route'), []);
    b.send(b.response(forwarded, 486, 'Busy Here'));
    await b.nextRequest('ACK');
    const busy = await a.nextResponse(486, 'INVITE');
    a.send(a.sameHop('ACK', invite, header(busy, 'To')));
    const { connected, finalStatus } = await results.promise;
    assert.deepEqual([connected, finalStatus], [false, 486]);
    assert.equal(
      b.count((message) => message.startsWith('ACK')),
      1,
      'the ACK ends at the proxy',
    );
  });

  it('serial: tries the next target after a failure, and stops at a 6xx', async () => {
    await proxying([b, c]);
    a.send(a.invite());
    b.send(b.response(await b.nextRequest('INVITE'), 404, 'Not Found'));
    const second = await c.nextRequest('INVITE');
    c.send(c.response(second, 200, 'OK', 'c', [], SDP));
    assert.equal(tag(header(await a.nextResponse(200, 'INVITE'), 'To')), 'c');
    assert.equal((await results.promise).connected, true);

    a.send(a.invite());
    b.send(b.response(await b.nextRequest('INVITE'), 603, 'Decline'));
    await a.nextResponse(603, 'INVITE');
    assert.equal(
      c.count((message) => message.startsWith('INVITE')),
      1,
    );
  });

  it('serial: gives up a target that says nothing, and one that rings too long', async () => {
    await proxying([b, c], { provisionalTimeout: '2s', finalTimeout: '18s' });
    a.send(a.invite());
    await b.nextRequest('INVITE');
    clock.advance(2_100);
    const ringing = await c.nextRequest('INVITE');
    c.send(c.response(ringing, 180, 'Ringing'));
    await a.nextResponse(180, 'INVITE');
    clock.advance(18_000);
    c.send(c.response(await c.nextRequest('CANCEL'), 200, 'OK'));
    await a.nextResponse(408, 'INVITE');
    assert.equal((await results.promise).finalStatus, 408);
  });

  it('simultaneous: the first answer wins, the others are cancelled', async () => {
    await proxying([b, c], { forking: 'simultaneous' });
    a.send(a.invite());
    const atB = await b.nextRequest('INVITE');
    const atC = await c.nextRequest('INVITE');
    assert.notEqual(branch(atB), branch(atC));
    b.send(b.response(atB, 180, 'Ringing', 'b'));
    await a.nextResponse(180, 'INVITE');
    c.send(c.response(atC, 200, 'OK', 'c', [], SDP));
    assert.equal(tag(header(await a.nextResponse(200, 'INVITE'), 'To')), 'c');
    b.send(b.response(await b.nextRequest('CANCEL'), 200, 'OK'));
    b.send(b.response(atB, 487, 'Request Terminated', 'b'));
    await b.nextRequest('ACK');
    const { connected, finalStatus } = await results.promise;
    assert.deepEqual([connected, finalStatus], [true, 200]);
  });

  it('simultaneous: two answers both reach the caller', async () => {
    await proxying([b, c], { forking: 'simultaneous' });
    a.send(a.invite());
    const atB = await b.nextRequest('INVITE');
    const atC = await c.nextRequest('INVITE');
    b.send(b.response(atB, 200, 'OK', 'b', [], SDP));
    c.send(c.response(atC, 200, 'OK', 'c', [], SDP));
    const tags = [await a.nextResponse(200, 'INVITE'), await a.nextResponse(200, 'INVITE')].map((ok) =>
      tag(header(ok, 'To')),
    );
    assert.deepEqual(tags.sort(), ['b', 'c']);
  });

  it('simultaneous: of several failures the best goes on, with the challenges of all', async () => {
    await proxying([b, c], { forking: 'simultaneous' });
    a.send(a.invite());
    b.send(b.response(await b.nextRequest('INVITE'), 486, 'Busy Here'));
    const challenge = 'Digest realm="c", nonce="n"';
    c.send(
      c.response(await c.nextRequest('INVITE'), 407, 'Proxy Authentication Required', 'c', [
        `Proxy-Authenticate: ${challenge}`,
      ]),
    );
    const best = await a.nextResponse(407, 'INVITE');
    assert.equal(header(best, 'Proxy-Authenticate'), challenge);
  });

  it('sends 500 instead of the 503 of a target', async () => {
    await proxying([b]);
    a.send(a.invite());
    b.send(b.response(await b.nextRequest('INVITE'), 503, 'Service Unavailable'));
    await a.nextResponse(500, 'INVITE');
    assert.equal((await results.promise).finalStatus, 503);
  });

  it('follows a redirection where asked to, else passes it on', async () => {
    await proxying([b], { followRedirects: true });
    a.send(a.invite());
    const moved = b
      .response(await b.nextRequest('INVITE'), 302, 'Moved Temporarily')
      .replace(/Contact: .*/, `Contact: <${to(c)}>;q=0.5`);
    b.send(moved);
    const redirected = await c.nextRequest('INVITE');
    assert.equal(startLine(redirected), `INVITE ${to(c)} SIP/2.0`);
    c.send(c.response(redirected, 200, 'OK', 'c', [], SDP));
    await a.nextResponse(200, 'INVITE');
  });

  it('passes the CANCEL of the caller to every branch', async () => {
    await proxying([b, c], { forking: 'simultaneous' });
    const invite = a.invite();
    a.send(invite);
    const atB = await b.nextRequest('INVITE');
    const atC = await c.nextRequest('INVITE');
    b.send(b.response(atB, 180, 'Ringing'));
    c.send(c.response(atC, 180, 'Ringing'));
    await a.nextResponse(180, 'INVITE');
    await a.nextResponse(180, 'INVITE');
    a.send(a.sameHop('CANCEL', invite));
    await a.nextResponse(200, 'CANCEL');
    for (const [ua, atUa] of [
      [b, atB],
      [c, atC],
    ] as const) {
      ua.send(ua.response(await ua.nextRequest('CANCEL'), 200, 'OK'));
      ua.send(ua.response(atUa, 487, 'Request Terminated'));
    }
    await a.nextResponse(487, 'INVITE');
  });

  it('adds the headers of the application', async () => {
    await proxying([b], { headers: { 'X-Trunk': 'gold' } });
    a.send(a.invite());
    assert.equal(header(await b.nextRequest('INVITE'), 'X-Trunk'), 'gold');
  });

  it('answers a request that comes back to it by another path with 482, and one at the end of its hops with 483', async () => {
    await proxying([b]);
    const invite = a.invite();
    a.send(invite);
    const forwarded = await b.nextRequest('INVITE');
    const looped = cameBack(b, forwarded, startLine(invite));
    b.send(looped);
    await b.next('482', (message) => status(message) === 482);
    a.send(a.invite().replace('Max-Forwards: 70', 'Max-Forwards: 0'));
    await a.nextResponse(483, 'INVITE');
  });

  it('takes a request that comes back with another Request-URI for a spiral (16.3 item 4), and stops it when it goes round', async () => {
    const uris: string[] = [];
    await fixture.srf((app) => {
      app.invite((req) => {
        uris.push(req.uri);
        // From b it is to go to c; whatever else, to b.
        const destination = uris.length === 2 ? to(c) : to(b);
        req.proxy({ destination: [destination] }).catch(() => undefined);
      });
    });
    const invite = a.invite();
    a.send(invite);
    const atB = await b.nextRequest('INVITE');
    b.send(cameBack(b, atB, `INVITE sip:carol@127.0.0.1:${fixture.udpPort} SIP/2.0`));
    const atC = await c.nextRequest('INVITE');
    assert.equal(uris.length, 2);
    assert.equal(headers(atC, 'Via').length, 4, 'by a, the proxy, b and the proxy again');
    // Once more with a Request-URI that it has had already: a loop.
    c.send(cameBack(c, atC, `INVITE sip:carol@127.0.0.1:${fixture.udpPort} SIP/2.0`));
    await c.next('482', (message) => status(message) === 482);
    assert.equal(uris.length, 2);
    // The answer finds its way through both turns.
    c.send(c.response(atC, 200, 'OK', 'ctag', [], SDP));
    const atBAgain = await b.nextResponse(200, 'INVITE');
    assert.equal(headers(atBAgain, 'Via').length, 3);
    b.send(atBAgain.replace(/^Via: .*\r\n/m, ''));
    const ok = await a.nextResponse(200, 'INVITE');
    assert.equal(headers(ok, 'Via').length, 1);
    assert.equal(branch(ok), branch(invite));
  });

  it('puts in a Record-Route for each side between transports (RFC 5658), and passes on what follows them', async () => {
    const tcp = await TcpPeer.connect(fixture.tcpPort);
    try {
      await proxying([b], { remainInDialog: true });
      const invite = a.invite().replace('/UDP ', '/TCP ');
      tcp.send(invite);
      const forwarded = await b.nextRequest('INVITE');
      const recorded = headers(forwarded, 'Record-Route');
      assert.deepEqual(recorded, [
        `<sip:127.0.0.1:${fixture.udpPort};lr>`,
        `<sip:127.0.0.1:${fixture.tcpPort};transport=tcp;lr>`,
      ]);
      const route = recorded.map((one) => `Record-Route: ${one}`);
      b.send(b.response(forwarded, 200, 'OK', 'btag', route, SDP));
      const ok = await tcp.next('200', (message) => status(message) === 200);
      assert.deepEqual(headers(ok, 'Record-Route'), recorded);
      // The caller's route set is the reverse (12.1.2): both are the proxy's own and are taken off.
      const byRoute = recorded.toReversed().map((one) => `\r\nRoute: ${one}`);
      const ack = a.inDialog('ACK', 1, ok).replace('/UDP ', '/TCP ');
      const routed = ack.replace(/\r\nRoute: .*(?=\r\n)/g, '').replace(/\r\n/, `${byRoute.join('')}\r\n`);
      tcp.send(routed);
      const atB = await b.nextRequest('ACK');
      assert.deepEqual(headers(atB, 'Route'), []);
      assert.equal(headers(atB, 'Via').length, 2);
    } finally {
      tcp.socket.destroy();
    }
  });

  it('forwards nothing for a stranger: a Route that names it opens no relay', async () => {
    await proxying([b], { remainInDialog: true });
    a.send(
      compose([
        `BYE ${to(b)} SIP/2.0`,
        a.via(),
        'Max-Forwards: 70',
        `Route: <sip:127.0.0.1:${fixture.udpPort};lr>`,
        'From: <sip:a@h>;tag=1',
        'To: <sip:b@h>;tag=2',
        'Call-ID: nobody-knows',
        'CSeq: 2 BYE',
      ]),
    );
    await a.nextResponse(481, 'BYE');
    assert.equal(b.seen.length, 0);
  });
});
