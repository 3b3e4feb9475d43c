import assert from 'node:assert/strict';
import { deferred } from './support/deferred.js';
import { Fixture } from './support/fixture.js';
import type { RawClient, ControlMessage } from './support/raw-client.js';
import type { RawUa } from './support/raw-ua.js';
import type { SrfMessage } from './support/srf-types.js';
import { branch, compose, header, headers, method, SDP, startLine, status, tag } from './support/sip-text.js';
import { until } from './support/until.js';

describe('outgoing calls on the embedded engine', () => {
  let fixture: Fixture;
  let b: RawUa;
  let client: RawClient;

  beforeEach(async () => {
    fixture = await Fixture.start();
    b = await fixture.ua();
    client = await fixture.raw();
  });
  afterEach(() => fixture.close());

  const target = (): string => `sip:bob@127.0.0.1:${b.port}`;

  async function call(
    extra: string[] = [],
  ): Promise<{ invite: string; txn: string; dialog: string; echo: ControlMessage }> {
    const echo = await client.ask('sip||', compose([`INVITE ${target()} SIP/2.0`, ...extra], SDP));
    assert.equal(echo.tokens[3], 'OK', echo.tokens.join('|'));
    const invite = await b.nextRequest('INVITE');
    const dialog = `${header(invite, 'Call-ID')};from-tag=${tag(header(invite, 'From'))!}`;
    return { invite, txn: echo.tokens[10]!, dialog, echo };
  }

  it('fills in what the application left out, and tells it what was sent', async () => {
    const { invite, echo } = await call();
    const address = `127.0.0.1:${fixture.udpPort}`;
    assert.equal(startLine(invite), `INVITE ${target()} SIP/2.0`);
    assert.match(header(invite, 'Via'), /;rport;branch=z9hG4bK/);
    assert.equal(header(invite, 'Max-Forwards'), '70');
    assert.match(header(invite, 'From'), new RegExp(`^<sip:${address}>;tag=`));
    assert.equal(header(invite, 'To'), `<${target()}>`);
    assert.equal(header(invite, 'Contact'), `<sip:${address}>`);
    assert.match(header(invite, 'CSeq'), /^\d+ INVITE$/);
    assert.ok(header(invite, 'Call-ID'));
    assert.equal(header(invite, 'Content-Type'), 'application/sdp');
    assert.equal(header(invite, 'Content-Length'), String(SDP.length));
    assert.equal(echo.sip, invite);
    assert.deepEqual(echo.tokens.slice(3, 9), [
      'OK',
      'application',
      String(invite.length),
      'udp',
      '127.0.0.1',
      String(fixture.udpPort),
    ]);
    assert.deepEqual(echo.tokens.slice(11), ['Msg sent:', '']);
  });

  it('puts its address in place of localhost, keeps tags and Call-ID, and leaves other headers as written', async () => {
    const { invite } = await call([
      'From: "Ann" <sip:ann@localhost>;tag=own',
      'To: <sip:bob@localhost>',
      'P-Asserted-Identity: <sip:ann@localhost>',
      'contact: sip:ann@localhost',
      'Call-ID: mine@host',
      'CSeq: 41 INVITE',
      'User-to-User: 00FA;encoding=hex',
      'Replaces: 425928@bobster.org;to-tag=7743;from-tag=6472',
      'X-oDD: kept',
      'Via: SIP/2.0/UDP 9.9.9.9;branch=z9hG4bKforged',
      'Route: <sip:9.9.9.9;lr>',
      'Record-Route: <sip:9.9.9.9;lr>',
      'this line is no header',
    ]);
    const address = `127.0.0.1:${fixture.udpPort}`;
    assert.equal(header(invite, 'From'), `"Ann" <sip:ann@${address}>;tag=own`);
    assert.equal(header(invite, 'To'), `<sip:bob@${address}>`);
    assert.equal(header(invite, 'P-Asserted-Identity'), `<sip:ann@${address}>`);
    assert.equal(header(invite, 'Contact'), `<sip:ann@${address}>`);
    assert.equal(header(invite, 'Call-ID'), 'mine@host');
    assert.equal(header(invite, 'CSeq'), '41 INVITE');
    assert.equal(header(invite, 'Replaces'), '425928@bobster.org;to-tag=7743;from-tag=6472');
    assert.match(invite, /\r\nUser-to-User: 00FA;encoding=hex\r\n/);
    assert.match(invite, /\r\nX-oDD: kept\r\n/);
    assert.deepEqual(headers(invite, 'Route').concat(headers(invite, 'Record-Route')), []);
    assert.equal(headers(invite, 'Via').length, 1);
  });

  it('passes 180 and 200 up, not 100, under the transaction and dialog', async () => {
    const { invite, txn, dialog } = await call();
    b.send(b.response(invite, 100, 'Trying'));
    b.send(b.response(invite, 180, 'Ringing'));
    const ringing = await client.nextSip('SIP/2.0');
    assert.match(ringing.sip, /^SIP\/2.0 180/);
    assert.deepEqual(ringing.tokens.slice(1, 7), [
      'sip',
      'network',
      String(ringing.sip.length),
      'udp',
      '127.0.0.1',
      String(b.port),
    ]);
    assert.deepEqual(ringing.tokens.slice(8), [txn, dialog, '']);
    const answer = b.response(invite, 200, 'OK', 'btag', [], SDP);
    b.send(answer);
    const ok = await client.nextSip('SIP/2.0 200');
    assert.equal(ok.sip, answer);
    assert.deepEqual(ok.tokens.slice(8), [txn, dialog, '']);
  });

  it('sends the ACK of the application to the Contact of the 200, whatever its URI says, and repeats it by itself', async () => {
    const { invite, dialog } = await call();
    const answer = b.response(invite, 200, 'OK', 'btag', [`Record-Route: <sip:127.0.0.1:${b.port};lr>`], SDP);
    b.send(answer);
    await client.nextSip('SIP/2.0 200');
    const echo = await client.ask(
      `sip||${dialog}`,
      compose([`ACK ${target()} SIP/2.0`, 'Content-Type: application/sdp'], SDP),
    );
    const ack = await b.nextRequest('ACK');
    assert.equal(echo.sip, ack);
    assert.equal(startLine(ack), `ACK sip:B@127.0.0.1:${b.port} SIP/2.0`);
    assert.equal(header(ack, 'CSeq'), header(invite, 'CSeq').replace('INVITE', 'ACK'));
    assert.equal(header(ack, 'From'), header(invite, 'From'));
    assert.equal(header(ack, 'To'), header(answer, 'To'));
    assert.equal(header(ack, 'Route'), `<sip:127.0.0.1:${b.port};lr>`);
    assert.ok(ack.endsWith(SDP));
    b.send(answer);
    assert.equal(await b.nextRequest('ACK'), ack);
    await client.ask('ping');
    assert.equal(
      client.unread(({ sip }) => sip.startsWith('SIP/2.0 200')),
      0,
      'the application hears of one 200',
    );
  });

  it('acknowledges a refusal by itself, and refuses the ACK of the application', async () => {
    const { invite, txn, dialog } = await call();
    b.send(b.response(invite, 404, 'Not Found'));
    const ack = await b.nextRequest('ACK');
    assert.equal(branch(ack), branch(invite));
    const refused = await client.nextSip('SIP/2.0 404');
    assert.deepEqual(refused.tokens.slice(8), [txn, dialog, '']);
    const own = await client.ask(`sip||${dialog}`, compose([`ACK ${target()} SIP/2.0`]));
    assert.deepEqual(own.tokens.slice(3), [
      'NOK',
      'Server error: ACK for non-success final response is automatically generated by server',
    ]);
    assert.equal(fixture.engine.stats().dialogs, 0);
  });

  it('cancels with the headers of the application', async () => {
    const { invite, txn, dialog } = await call();
    b.send(b.response(invite, 180, 'Ringing'));
    await client.nextSip('SIP/2.0 180');
    const reason = 'Reason: SIP;cause=200;text="elsewhere"';
    const echo = await client.ask(`sip|${txn}|`, compose([`CANCEL ${target()} SIP/2.0`, reason]));
    const cancel = await b.nextRequest('CANCEL');
    assert.equal(echo.sip, cancel);
    assert.equal(branch(cancel), branch(invite));
    assert.equal(header(cancel, 'CSeq'), header(invite, 'CSeq').replace('INVITE', 'CANCEL'));
    assert.match(cancel, new RegExp(reason.replaceAll(/["=;]/g, '.')));
    b.send(b.response(cancel, 200, 'OK'));
    b.send(b.response(invite, 487, 'Request Terminated'));
    await b.nextRequest('ACK');
    const ended = await client.nextSip('SIP/2.0 487');
    assert.deepEqual(ended.tokens.slice(8), [txn, dialog, '']);
    assert.equal(
      client.unread(({ sip }) => sip.includes('CSeq: 1 CANCEL')),
      0,
      'the 200 to CANCEL is not passed up',
    );
  });

  it('holds a CANCEL until the callee has shown a sign of life', async () => {
    const { invite, txn } = await call();
    const echo = await client.ask(`sip|${txn}|`, compose([`CANCEL ${target()} SIP/2.0`]));
    assert.equal(echo.tokens[3], 'OK');
    assert.match(echo.sip, /^CANCEL /);
    assert.equal(
      b.count((message) => method(message) === 'CANCEL'),
      0,
    );
    b.send(b.response(invite, 100, 'Trying'));
    await b.nextRequest('CANCEL');
  });

  it('ends a call whose 200 crossed the CANCEL, after the ACK of the application, and tells it', async () => {
    const app = await fixture.srf();
    const reason = deferred<string>();
    const calling = app.createUAC(
      target(),
      { localSdp: SDP },
      {
        cbProvisional: () => undefined,
        cbRequest: (_error, request) => {
          request.cancel(() => undefined);
        },
      },
    );
    const invite = await b.nextRequest('INVITE');
    b.send(b.response(invite, 180, 'Ringing'));
    const cancel = await b.nextRequest('CANCEL');
    b.send(b.response(invite, 200, 'OK', 'btag', [], SDP));
    b.send(b.response(cancel, 200, 'OK'));
    const dialog = await calling;
    dialog.on('destroy', (_bye, why) => {
      reason.resolve(why);
    });
    await b.nextRequest('ACK');
    const bye = await b.nextRequest('BYE');
    assert.equal(header(bye, 'Reason'), 'SIP;cause=200;text="ACK-BYE due to cancel race condition"');
    assert.equal(await reason.promise, 'ACK-BYE due to cancel race condition');
  });

  it('lets drachtio-srf answer a digest challenge with the same Call-ID and From tag', async () => {
    const app = await fixture.srf();
    const calling = app.createUAC(target(), { localSdp: SDP, auth: { username: 'u', password: 'p' } });
    const first = await b.nextRequest('INVITE');
    b.send(
      b.response(first, 401, 'Unauthorized', 'challenge', [
        'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"',
      ]),
    );
    const second = await b.nextRequest('INVITE');
    assert.equal(header(second, 'Call-ID'), header(first, 'Call-ID'));
    assert.equal(header(second, 'From'), header(first, 'From'));
    assert.equal(header(second, 'To'), header(first, 'To'));
    assert.equal(Number.parseInt(header(second, 'CSeq')), Number.parseInt(header(first, 'CSeq')) + 1);
    assert.match(header(second, 'Authorization'), /^Digest username="u"/);
    b.send(b.response(second, 200, 'OK', 'btag', [], SDP));
    await calling;
    const ack = await b.next(
      'ACK of the second INVITE',
      (message) =>
        method(message) === 'ACK' &&
        header(message, 'CSeq') === `${Number.parseInt(header(second, 'CSeq'))} ACK`,
    );
    assert.match(header(ack, 'Authorization'), /^Digest username="u"/);
  });

  it('acknowledges and ends a second answer of a fork by itself', async () => {
    const { invite, dialog } = await call();
    b.send(b.response(invite, 200, 'OK', 'one', [], SDP));
    await client.nextSip('SIP/2.0 200');
    await client.ask(`sip||${dialog}`, compose(['ACK sip:placeholder SIP/2.0']));
    b.send(b.response(invite, 200, 'OK', 'two', [], SDP));
    const bye = await b.nextRequest('BYE');
    assert.equal(tag(header(bye, 'To')), 'two');
    assert.equal(
      b.count((message) => method(message) === 'ACK'),
      2,
    );
    assert.equal(fixture.engine.stats().dialogs, 1);
  });

  it('passes a reliable provisional response up once, and the PRACK of the application down', async () => {
    const { invite, dialog } = await call();
    const ringing = b.response(invite, 180, 'Ringing', 'btag', ['Require: 100rel', 'RSeq: 7']);
    b.send(ringing);
    b.send(ringing);
    await client.nextSip('SIP/2.0 180');
    await client.ask(
      `sip||${dialog}`,
      compose([`PRACK ${target()} SIP/2.0`, `RAck: 7 ${header(invite, 'CSeq')}`]),
    );
    const prack = await b.nextRequest('PRACK');
    assert.equal(header(prack, 'RAck'), `7 ${header(invite, 'CSeq')}`);
    assert.equal(startLine(prack), `PRACK sip:B@127.0.0.1:${b.port} SIP/2.0`);
    assert.equal(
      client.unread(({ sip }) => sip.startsWith('SIP/2.0 180')),
      0,
    );
  });

  it('answers with the texts that applications look for', async () => {
    const refusals: [string, string, string][] = [
      [
        'sip||unknown',
        'INFO sip:placeholder SIP/2.0',
        'Server error: unable to find dialog for dialog id provided',
      ],
      [
        'sip||unknown',
        'ACK sip:x@127.0.0.1 SIP/2.0',
        'Server error: ACK for non-success final response is automatically generated by server',
      ],
      ['sip|unknown|', 'SIP/2.0 200 OK', 'Response not sent due to unknown transaction'],
      ['sip|unknown|', `CANCEL ${target()} SIP/2.0`, 'unable to cancel unknown transaction id: unknown'],
      ['sip||', `OPTIONS sip:x@127.0.0.1:${fixture.udpPort} SIP/2.0`, 'can not send request to myself'],
      ['sip||', 'OPTIONS garbage SIP/2.0', 'invalid request-uri: OPTIONS garbage SIP/2.0'],
      ['sip||', `FOO ${target()} SIP/2.0`, `invalid request-uri: FOO ${target()} SIP/2.0`],
      ['sip||', `OPTIONS ${target()};transport=ws SIP/2.0`, 'requested protocol/transport not available'],
    ];
    for (const [leader, line, text] of refusals) {
      const { tokens } = await client.ask(leader, compose([line]));
      assert.deepEqual(tokens.slice(3), ['NOK', text]);
    }
    const bodied = await client.ask('sip||', compose([`MESSAGE ${target()} SIP/2.0`], 'hello'));
    assert.deepEqual(bodied.tokens.slice(3), ['NOK', 'missing content-type']);
  });

  it('sends to the outbound proxy that the application names', async () => {
    const echo = await client.ask(
      `sip|||sip:127.0.0.1:${b.port}`,
      compose(['OPTIONS sip:bob@nowhere.invalid SIP/2.0']),
    );
    assert.equal(echo.tokens[3], 'OK');
    const options = await b.nextRequest('OPTIONS');
    assert.equal(startLine(options), 'OPTIONS sip:bob@nowhere.invalid SIP/2.0');
    b.send(b.response(options, 200, 'OK'));
    const { tokens } = await client.nextSip('SIP/2.0 200');
    assert.deepEqual(tokens.slice(8), [echo.tokens[10], '', '']);
  });

  it('takes no other host for itself when it listens on every address', async () => {
    const wide = await Fixture.start({ listen: [{ transport: 'udp', address: '0.0.0.0', port: 0 }] });
    try {
      const app = await wide.raw();
      const other = await app.ask('sip||', compose([`OPTIONS sip:bob@192.0.2.1:${wide.udpPort} SIP/2.0`]));
      assert.equal(other.tokens[3], 'OK');
      const own = await app.ask('sip||', compose([`OPTIONS sip:bob@127.0.0.1:${wide.udpPort} SIP/2.0`]));
      assert.deepEqual(own.tokens.slice(3), ['NOK', 'can not send request to myself']);
    } finally {
      await wide.close();
    }
  });

  it('finds the address of a host by name', async () => {
    const echo = await client.ask('sip||', compose([`OPTIONS sip:bob@localhost:${b.port} SIP/2.0`]));
    assert.equal(echo.tokens[3], 'OK');
    await b.nextRequest('OPTIONS');
    const unknown = await client.ask('sip||', compose(['OPTIONS sip:bob@nowhere.invalid SIP/2.0']));
    assert.deepEqual(unknown.tokens.slice(3), ['NOK', 'unable to resolve destination']);
  });

  it('reports 408 without address when nobody answers', async () => {
    const quick = await Fixture.start({ timers: { t1Ms: 10 } });
    try {
      const app = await quick.raw();
      const silent = await quick.ua();
      const echo = await app.ask('sip||', compose([`INVITE sip:bob@127.0.0.1:${silent.port} SIP/2.0`], SDP));
      const { tokens, sip } = await app.nextSip('SIP/2.0 408');
      assert.deepEqual(tokens.slice(3, 7), ['0', 'udp', '', '0']);
      assert.equal(tokens[8], echo.tokens[10]);
      assert.ok(tag(header(sip, 'To')));
      assert.ok(silent.count((message) => method(message) === 'INVITE') >= 6, 'the INVITE is retransmitted');
      assert.equal(quick.engine.stats().dialogs, 0);
      await until(() => quick.engine.stats().outgoingPending === 0);
    } finally {
      await quick.close();
    }
  });

  it('leaves nothing behind after refused calls', async () => {
    const app = await fixture.srf();
    const refused = await Promise.allSettled(
      Array.from({ length: 20 }, async () => {
        const calling = app.createUAC(target(), { localSdp: SDP });
        const invite = await b.nextRequest('INVITE');
        b.send(b.response(invite, 486, 'Busy Here'));
        return calling;
      }),
    );
    assert.ok(
      refused.every((result) => result.status === 'rejected' && (result.reason as SrfMessage).status === 486),
    );
    assert.equal(
      b.count((message) => status(message) === 0 && method(message) === 'INVITE'),
      20,
    );
    await until(() => fixture.engine.stats().outgoingPending === 0 && fixture.engine.stats().dialogs === 0);
  });
});
