import assert from 'node:assert/strict';
import { deferred } from './support/deferred.js';
import { Fixture } from './support/fixture.js';
import type { RawClient } from './support/raw-client.js';
import type { RawUa } from './support/raw-ua.js';
import type { SrfMessage } from './support/srf-types.js';
import { body, branch, compose, header, headers, method, SDP, status, tag } from './support/sip-text.js';

const reply = (code: number, reason: string, extra: string[] = [], content = ''): string =>
  compose([`SIP/2.0 ${code} ${reason}`, ...extra], content);

describe('incoming calls on the embedded engine', () => {
  let fixture: Fixture;
  let a: RawUa;

  beforeEach(async () => {
    fixture = await Fixture.start();
    a = await fixture.ua();
  });
  afterEach(() => fixture.close());

  async function ring(client: RawClient, extra: string[] = []): Promise<{ invite: string; txn: string }> {
    const invite = a.invite(extra);
    a.send(invite);
    const { tokens } = await client.nextSip('INVITE');
    return { invite, txn: tokens[8]! };
  }

  const dialogId = (invite: string): string =>
    `${header(invite, 'Call-ID')};from-tag=${tag(header(invite, 'From'))!}`;

  it('hands a new INVITE up with its source, a transaction id, no dialog, and the address it came to', async () => {
    const client = await fixture.raw(['invite']);
    const invite = a.invite(['User-to-User: 00FA;encoding=hex', 'X-Odd_Name: Ünï']);
    a.send(invite);
    const { tokens, sip } = await client.nextSip('INVITE');
    assert.deepEqual(tokens.slice(1, 7), [
      'sip',
      'network',
      String(Buffer.byteLength(sip)),
      'udp',
      '127.0.0.1',
      String(a.port),
    ]);
    assert.match(tokens[7]!, /^\d\d:\d\d:\d\d\.\d{6}$/);
    assert.match(tokens[8]!, /^[\da-f-]{36}$/);
    assert.deepEqual(tokens.slice(9), ['', '127.0.0.1', String(fixture.udpPort), '']);
    // Nothing is changed but the noted source.
    assert.equal(
      sip
        .replace(/;received=127\.0\.0\.1/, '')
        .replace(`;rport=${a.port}`, ';rport')
        .replace(/;rport(;branch=[^\r]*)/, '$1;rport'),
      invite.replace(/;rport(;branch=[^\r]*)/, '$1;rport'),
    );
  });

  it('answers 100 at once and absorbs retransmissions of the INVITE', async () => {
    const client = await fixture.raw(['invite']);
    const { invite, txn } = await ring(client);
    await a.nextResponse(100, 'INVITE');
    a.send(invite);
    await a.nextResponse(100, 'INVITE');
    const answer = await client.ask(`sip|${txn}|`, reply(486, 'Busy'));
    assert.equal(answer.tokens[3], 'OK');
    await a.nextResponse(486, 'INVITE');
    assert.equal(fixture.engine.stats().transactions.retransmissionsReceived, 1);
  });

  it('sends a refusal with the reason and headers of the application, and tells what it sent', async () => {
    const client = await fixture.raw(['invite']);
    const { invite, txn } = await ring(client);
    const answer = await client.ask(`sip|${txn}|`, reply(486, 'Busy', ['X-Reason: why']));
    const busy = await a.nextResponse(486, 'INVITE');
    assert.equal(busy.split('\r\n')[0], 'SIP/2.0 486 Busy');
    assert.equal(header(busy, 'X-Reason'), 'why');
    assert.ok(tag(header(busy, 'To')));
    assert.equal(branch(busy), branch(invite));
    const { tokens, sip } = answer;
    assert.deepEqual(tokens.slice(3, 9), [
      'OK',
      'application',
      String(sip.length),
      'udp',
      '127.0.0.1',
      String(a.port),
    ]);
    assert.deepEqual(tokens.slice(10), [txn, dialogId(invite), '', 'Msg sent:', '']);
    assert.equal(sip, busy);
    a.send(a.sameHop('ACK', invite, header(busy, 'To')));
    const second = await client.ask(`sip|${txn}|`, reply(200, 'OK'));
    assert.deepEqual(second.tokens.slice(3), ['NOK', 'Response not sent due to unknown transaction']);
  });

  it('reports the ACK to a 200 under the transaction of the INVITE and its dialog', async () => {
    const client = await fixture.raw(['invite']);
    const { invite, txn } = await ring(client);
    await client.ask(`sip|${txn}|`, reply(200, 'OK', [], SDP));
    const ok = await a.nextResponse(200, 'INVITE');
    assert.equal(header(ok, 'Content-Type'), 'application/sdp');
    assert.equal(header(ok, 'Contact'), `<sip:127.0.0.1:${fixture.udpPort}>`);
    a.send(a.inDialog('ACK', 1, ok));
    const { tokens } = await client.nextSip('ACK');
    assert.deepEqual(tokens.slice(8), [txn, dialogId(invite), '']);
  });

  it('takes the To tag that the application chooses', async () => {
    const client = await fixture.raw(['invite']);
    const { invite, txn } = await ring(client);
    await client.ask(`sip|${txn}|`, reply(180, 'Ringing', [`To: ${header(invite, 'To')};tag=mine`]));
    await client.ask(`sip|${txn}|`, reply(200, 'OK', [], SDP));
    assert.equal(tag(header(await a.nextResponse(180, 'INVITE'), 'To')), 'mine');
    assert.equal(tag(header(await a.nextResponse(200, 'INVITE'), 'To')), 'mine');
  });

  it('counts the bytes of a body in which drachtio-srf counted characters', async () => {
    const text = `${SDP}i=señal 👍\r\n`;
    await fixture.srf((app) => {
      app.invite((req, res) => void app.createUAS(req, res, { localSdp: text }));
    });
    a.send(a.invite());
    const ok = await a.nextResponse(200, 'INVITE');
    assert.equal(header(ok, 'Content-Length'), String(Buffer.byteLength(text)));
    assert.equal(body(ok), text);
    a.send(a.inDialog('ACK', 1, ok));
  });

  it('answers CANCEL with 200 and the INVITE with 487, and passes the CANCEL up', async () => {
    const cancelled = deferred<SrfMessage>();
    await fixture.srf((app) => {
      app.invite((req, res) => {
        req.on('cancel', cancelled.resolve);
        res.send(180);
      });
    });
    const invite = a.invite(['X-Case: ring']);
    a.send(invite);
    const ringing = await a.nextResponse(180, 'INVITE');
    a.send(a.sameHop('CANCEL', invite));
    const ok = await a.nextResponse(200, 'CANCEL');
    const terminated = await a.nextResponse(487, 'INVITE');
    assert.equal(tag(header(ok, 'To')), tag(header(ringing, 'To')));
    assert.equal(tag(header(terminated, 'To')), tag(header(ringing, 'To')));
    a.send(a.sameHop('ACK', invite, header(terminated, 'To')));
    await cancelled.promise;
  });

  it('refuses the answer that comes after a quick CANCEL', async () => {
    const client = await fixture.raw(['invite']);
    const { invite, txn } = await ring(client);
    a.send(a.sameHop('CANCEL', invite));
    const { tokens } = await client.nextSip('CANCEL');
    assert.deepEqual(tokens.slice(8), [txn, '', '']);
    await a.nextResponse(487, 'INVITE');
    const late = await client.ask(`sip|${txn}|`, reply(486, 'Busy Here'));
    assert.deepEqual(late.tokens.slice(3), ['NOK', 'Response not sent due to unknown transaction']);
  });

  it('names the early dialog of a call that is cancelled after ringing', async () => {
    const client = await fixture.raw(['invite']);
    const { invite, txn } = await ring(client);
    await client.ask(`sip|${txn}|`, reply(180, 'Ringing'));
    a.send(a.sameHop('CANCEL', invite));
    const { tokens } = await client.nextSip('CANCEL');
    assert.deepEqual(tokens.slice(8), [txn, dialogId(invite), '']);
    assert.equal(fixture.engine.stats().dialogs, 0);
  });

  it('passes the answer of a late offer up in the ACK', async () => {
    const acked = deferred<string>();
    await fixture.srf((app) => {
      app.invite((req, res) => {
        void app.createUAS(req, res, { localSdp: SDP }).then((dialog) => {
          dialog.on('ack', (ack) => {
            acked.resolve(ack.body);
          });
        });
      });
    });
    a.send(a.request('INVITE'));
    const ok = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, ok, ['Content-Type: application/sdp'], SDP));
    assert.equal(await acked.promise, SDP);
  });

  it('gives a reliable provisional response its RSeq, repeats it, and passes the PRACK up', async () => {
    await fixture.close();
    fixture = await Fixture.start({ timers: { t1Ms: 30 } });
    a = await fixture.ua();
    const client = await fixture.raw(['invite']);
    const { invite, txn } = await ring(client, ['Supported: 100rel']);
    await client.ask(`sip|${txn}|`, reply(183, 'Session Progress', ['Require: 100rel'], SDP));
    const progress = await a.nextResponse(183, 'INVITE');
    await a.nextResponse(183, 'INVITE');
    const wrong = a.inDialog('PRACK', 2, progress, ['RAck: 1 1 INVITE']);
    a.send(wrong);
    await a.nextResponse(481, 'PRACK');
    a.send(a.inDialog('PRACK', 3, progress, [`RAck: ${header(progress, 'RSeq')} 1 INVITE`]));
    const prack = await client.nextSip('PRACK');
    assert.equal(prack.tokens[9], dialogId(invite));
    await client.ask(`sip|${prack.tokens[8]!}|`, reply(200, 'OK'));
    await a.nextResponse(200, 'PRACK');
    await client.ask(`sip|${txn}|`, reply(200, 'OK', [], SDP));
    a.send(a.inDialog('ACK', 1, await a.nextResponse(200, 'INVITE')));
  });

  it('refuses a reliable provisional response to a caller without 100rel', async () => {
    const client = await fixture.raw(['invite']);
    const { txn } = await ring(client);
    const answer = await client.ask(`sip|${txn}|`, reply(183, 'Session Progress', ['Require: 100rel'], SDP));
    assert.deepEqual(answer.tokens.slice(3), ['NOK', 'Remote endpoint does not support 100rel']);
  });

  it('copies Record-Route into the answer and routes its own requests along it', async () => {
    const client = await fixture.raw(['invite']);
    const { invite, txn } = await ring(client, [
      `Record-Route: <sip:127.0.0.1:${a.port};lr;id=1>`,
      'Record-Route: <sip:10.9.9.9;lr>',
    ]);
    await client.ask(`sip|${txn}|`, reply(200, 'OK', [], SDP));
    const ok = await a.nextResponse(200, 'INVITE');
    assert.deepEqual(headers(ok, 'Record-Route'), headers(invite, 'Record-Route'));
    a.send(a.inDialog('ACK', 1, ok));
    await client.nextSip('ACK');
    client.send(`sip||${dialogId(invite)}`, compose(['BYE sip:placeholder SIP/2.0']));
    const bye = await a.nextRequest('BYE');
    assert.deepEqual(headers(bye, 'Route').join(','), `<sip:127.0.0.1:${a.port};lr;id=1>,<sip:10.9.9.9;lr>`);
    assert.match(bye, new RegExp(`^BYE sip:A@127.0.0.1:${a.port} SIP`));
  });

  describe('with T1 of 20 ms', () => {
    beforeEach(async () => {
      await fixture.close();
      fixture = await Fixture.start({ timers: { t1Ms: 20, t2Ms: 80 } });
      a = await fixture.ua();
    });

    it('repeats the 200 until the ACK comes', async () => {
      const client = await fixture.raw(['invite']);
      const { txn } = await ring(client);
      await client.ask(`sip|${txn}|`, reply(200, 'OK', [], SDP));
      const ok = await a.nextResponse(200, 'INVITE');
      assert.equal(await a.nextResponse(200, 'INVITE'), ok);
      assert.equal(await a.nextResponse(200, 'INVITE'), ok);
      a.send(a.inDialog('ACK', 1, ok));
      await client.nextSip('ACK');
      const before = a.count((message) => status(message) === 200);
      // A further exchange: whatever was still to be repeated would have come by then.
      await client.ask('ping');
      a.send(a.inDialog('INFO', 2, ok));
      const info = await client.nextSip('INFO');
      await client.ask(`sip|${info.tokens[8]!}|`, reply(200, 'OK'));
      await a.nextResponse(200, 'INFO');
      assert.equal(
        a.count((message) => status(message) === 200 && header(message, 'CSeq') === '1 INVITE'),
        before,
      );
    });

    it('ends a call whose 200 is never acknowledged with a BYE, and tells the application', async () => {
      const reason = deferred<string>();
      await fixture.srf((app) => {
        app.invite((req, res) => {
          void app.createUAS(req, res, { localSdp: SDP }).then((dialog) => {
            dialog.on('destroy', (_bye, why) => {
              reason.resolve(why);
            });
          });
        });
      });
      a.send(a.invite());
      await a.nextResponse(200, 'INVITE');
      const bye = await a.nextRequest('BYE');
      assert.equal(header(bye, 'Reason'), 'SIP;cause=200;text="ACK timeout"');
      assert.equal(await reason.promise, 'ACK timeout');
      const repeated = a.count((message) => status(message) === 200);
      assert.ok(repeated > 5, `the 200 came ${repeated} times`);
    });

    it('holds the BYE of the application until the ACK has come', async () => {
      const client = await fixture.raw(['invite']);
      const { invite, txn } = await ring(client);
      await client.ask(`sip|${txn}|`, reply(200, 'OK', [], SDP));
      client.send(`sip||${dialogId(invite)}`, compose(['BYE sip:placeholder SIP/2.0']));
      const ok = await a.nextResponse(200, 'INVITE');
      await a.nextResponse(200, 'INVITE');
      assert.equal(
        a.count((message) => method(message) === 'BYE'),
        0,
      );
      a.send(a.inDialog('ACK', 1, ok));
      await a.nextRequest('BYE');
    });
  });
});
