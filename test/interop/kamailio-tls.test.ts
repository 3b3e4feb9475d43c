import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { compose, header, headers, SDP } from '../conformance/drachtio/support/sip-text.js';
import { hasOpenssl, TestAuthority, type IssuedCertificate } from '../support/certificates.js';
import { freeMediaPort, freePort } from '../support/free-ports.js';
import { kamailioHasTls, startKamailio, type Kamailio } from '../support/kamailio.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import { sippAvailable, startSipp, succeeded, type Sipp } from '../support/sipp.js';
import { available } from '../support/softphone.js';
import { Peer } from '../unit/engine/transport/peer.js';

describe('Interop: kamailio in front as a proxy that record-routes, with TLS toward the node', function () {
  this.timeout(60_000);
  let authority: TestAuthority;
  let ours: IssuedCertificate;
  let node: NodeUnderTest;
  let proxy: Kamailio;
  const kept: { close(): unknown }[] = [];
  const running: { close(): unknown }[] = [];

  before(async function () {
    if (!available('kamailio') || !kamailioHasTls() || !sippAvailable() || !hasOpenssl()) {
      process.stdout.write('  kamailio, its TLS module, SIPp or openssl is not installed: skipped\n');
      this.skip();
    }
    authority = new TestAuthority();
    kept.push(authority);
    ours = authority.issue('IP:127.0.0.1');
    const theirs = authority.issue('IP:127.0.0.1');
    const tlsPort = await freePort();
    node = await startNodeUnderTest({
      listen: [
        `{ transport: tls, address: 127.0.0.1, port: ${tlsPort}, cert: ${ours.cert}, key: ${ours.key}, ca: ${authority.ca}, client_cert: require }`,
      ],
    });
    kept.push(node);
    proxy = await startKamailio(await freePort(), tlsPort, { tls: { ...theirs, ca: authority.ca } });
    kept.push(proxy);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.close()));
  });
  after(async () => {
    for (const one of kept.reverse()) await one.close();
  });

  const sipp = async (...args: Parameters<typeof startSipp>): Promise<Sipp> => {
    const started = await startSipp(...args);
    running.push(started);
    return started;
  };

  // UDP toward the caller: two Record-Routes, one for each side (RFC 5658).
  for (const [title, number, caller, bot, outcome] of [
    ['a call', NUMBERS.basic, 'caller-basic-answered', 'bot-rings-answers', null],
    ['CANCEL', NUMBERS.basic, 'caller-cancel-terminated', 'bot-rings-cancelled', null],
    ['hold and resume', NUMBERS.basic, 'caller-hold-resume', 'bot-held-resumed', null],
    ['BYE of the bot along the route', NUMBERS.basic, 'caller-waits-for-bye', 'bot-answers-hangs-up', null],
    ['REFER and its NOTIFYs', NUMBERS.refer, 'caller-refer-accepted', 'bot-answers', 'completed'],
  ] as const)
    it(`UDP on the other side: ${title}`, async () => {
      const answering = await sipp({ scenario: bot, port: node.botPort });
      const calling = await sipp({
        scenario: caller,
        port: await freePort(),
        target: `127.0.0.1:${proxy.port}`,
        service: number,
        args: ['-mp', String(await freeMediaPort())],
      });
      const { messages } = await succeeded(calling, caller);
      await succeeded(answering, bot);
      if (caller === 'caller-basic-answered') assert.match(messages, /Record-Route:.*r2=on/);
      const call = await node.newestCall((candidate) => candidate.endedAt !== null);
      assert.equal(call.transfers[0]?.result?.outcome ?? null, outcome);
    });

  it('TLS on the other side too: INVITE, ACK and BYE along the route', async () => {
    const bot = await sipp({ scenario: 'bot-rings-answers', port: node.botPort });
    const peer = await Peer.tls(proxy.port, {
      ca: readFileSync(authority.ca),
      cert: readFileSync(ours.cert),
      key: readFileSync(ours.key),
    });
    running.push(peer);
    const lines = (
      method: string,
      uri: string,
      number: number,
      to: string,
      more: string[] = [],
    ): string[] => [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/TLS 127.0.0.1:${peer.localPort};branch=z9hG4bKk${method}${number};rport`,
      'Max-Forwards: 70',
      'From: <sip:caller@example.net>;tag=tls1',
      `To: ${to}`,
      'Call-ID: over-tls-on-both-sides',
      `CSeq: ${number} ${method}`,
      `Contact: <sip:caller@127.0.0.1:${peer.localPort};transport=tls>`,
      ...more,
    ];
    const target = `sip:${NUMBERS.basic}@127.0.0.1:${proxy.port};transport=tls`;
    peer.write(compose(lines('INVITE', target, 1, `<${target}>`), SDP));
    const text = await peer.next(/SIP\/2\.0 200[\s\S]*\r\n\r\nv=0[\s\S]*\r\n$/);
    const ok = text.slice(text.indexOf('SIP/2.0 200'));
    const routes = headers(ok, 'Record-Route')
      .reverse()
      .map((route) => `Route: ${route}`);
    assert.ok(routes.length > 0);
    const contact = /<([^>]+)>/.exec(header(ok, 'Contact'))![1]!;
    assert.match(contact, /transport=tls/);
    peer.write(compose(lines('ACK', contact, 1, header(ok, 'To'), routes)));
    await node.newestCall((call) => call.state === 'with_bot');
    peer.write(compose(lines('BYE', contact, 2, header(ok, 'To'), routes)));
    await peer.next(/SIP\/2\.0 200[\s\S]*CSeq: 2 BYE/);
    await succeeded(bot, 'bot-rings-answers');
  });
});
