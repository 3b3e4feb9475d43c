import assert from 'node:assert/strict';
import { deferred } from './support/deferred.js';
import { Fixture } from './support/fixture.js';
import type { RawClient } from './support/raw-client.js';
import type { RawUa } from './support/raw-ua.js';
import type { SrfDialog } from './support/srf-types.js';
import { body, compose, header, headers, method, SDP, startLine, tag } from './support/sip-text.js';

const ok = (extra: string[] = [], content = ''): string => compose(['SIP/2.0 200 OK', ...extra], content);

describe('requests within a dialog on the embedded engine', () => {
  let fixture: Fixture;
  let a: RawUa;
  let client: RawClient;

  beforeEach(async () => {
    fixture = await Fixture.start();
    a = await fixture.ua();
  });
  afterEach(() => fixture.close());

  /** An answered call from `a`; `answer` is the 200 that `a` got. */
  async function established(): Promise<{ invite: string; answer: string; dialog: string }> {
    client = await fixture.raw(['invite']);
    const invite = a.invite();
    a.send(invite);
    const { tokens } = await client.nextSip('INVITE');
    await client.ask(`sip|${tokens[8]!}|`, ok([], SDP));
    const answer = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, answer));
    await client.nextSip('ACK');
    return {
      invite,
      answer,
      dialog: `${header(invite, 'Call-ID')};from-tag=${tag(header(invite, 'From'))!}`,
    };
  }

  for (const name of ['INFO', 'UPDATE', 'REFER', 'NOTIFY', 'MESSAGE', 'OPTIONS']) {
    it(`passes ${name} up in the dialog, and the answer down`, async () => {
      const { answer, dialog } = await established();
      const request = a.inDialog(name, 2, answer, ['Content-Type: text/plain', 'X-Kept: yes'], 'text');
      a.send(request);
      const up = await client.nextSip(name);
      assert.equal(up.tokens[9], dialog);
      assert.equal(up.tokens.length, 11);
      assert.equal(body(up.sip), 'text');
      const echo = await client.ask(`sip|${up.tokens[8]!}|`, compose(['SIP/2.0 202 Accepted', 'X-Too: yes']));
      const response = await a.nextResponse(202, name);
      assert.equal(header(response, 'To'), header(answer, 'To'));
      assert.equal(header(response, 'X-Too'), 'yes');
      assert.deepEqual(echo.tokens.slice(10), [up.tokens[8], dialog, '', 'Msg sent:', '']);
    });

    it(`sends ${name} of the application in the dialog, and passes the answer up`, async () => {
      const { answer, dialog } = await established();
      const echo = await client.ask(
        `sip||${dialog}`,
        compose(
          [
            `${name} sip:placeholder SIP/2.0`,
            'Content-Type: text/plain',
            'Refer-To: <sip:carol@127.0.0.1>',
            'Subscription-State: active',
          ],
          'text',
        ),
      );
      const request = await a.nextRequest(name);
      assert.equal(echo.sip, request);
      assert.equal(startLine(request), `${name} sip:A@127.0.0.1:${a.port} SIP/2.0`);
      assert.equal(header(request, 'From'), header(answer, 'To'));
      assert.equal(header(request, 'To'), header(answer, 'From'));
      assert.equal(header(request, 'Call-ID'), header(answer, 'Call-ID'));
      assert.equal(header(request, 'Refer-To'), '<sip:carol@127.0.0.1>');
      a.send(a.response(request, 202, 'Accepted'));
      const up = await client.nextSip('SIP/2.0 202');
      assert.deepEqual(up.tokens.slice(8), [echo.tokens[10], dialog, '']);
    });
  }

  it('keeps CSeq rising by one for each request of the application', async () => {
    const { dialog } = await established();
    const numbers: number[] = [];
    for (const name of ['INFO', 'OPTIONS', 'INFO']) {
      await client.ask(`sip||${dialog}`, compose([`${name} sip:placeholder SIP/2.0`]));
      numbers.push(Number.parseInt(header(await a.nextRequest(name), 'CSeq')));
    }
    assert.deepEqual(numbers, [numbers[0], numbers[0]! + 1, numbers[0]! + 2]);
  });

  it('refuses a request with a CSeq lower than one before with 500', async () => {
    const { answer } = await established();
    a.send(a.inDialog('OPTIONS', 9, answer));
    const { tokens } = await client.nextSip('OPTIONS');
    await client.ask(`sip|${tokens[8]!}|`, ok());
    a.send(a.inDialog('OPTIONS', 8, answer));
    await a.nextResponse(500, 'OPTIONS');
  });

  it('refuses a body without Content-Type from the application', async () => {
    const { dialog } = await established();
    const { tokens } = await client.ask(`sip||${dialog}`, compose(['INFO sip:placeholder SIP/2.0'], 'x'));
    assert.deepEqual(tokens.slice(3), ['NOK', 'Server error: missing content-type']);
  });

  it('carries a re-INVITE of the caller, whose ACK has a transaction id of its own', async () => {
    const { answer, dialog } = await established();
    a.send(a.inDialog('INVITE', 2, answer, ['Content-Type: application/sdp'], SDP));
    await a.nextResponse(100, 'INVITE');
    const up = await client.nextSip('INVITE');
    assert.equal(up.tokens[9], dialog);
    await client.ask(`sip|${up.tokens[8]!}|`, ok([], SDP));
    const accepted = await a.next(
      '200 to the re-INVITE',
      (message) => message.startsWith('SIP/2.0 200') && header(message, 'CSeq') === '2 INVITE',
    );
    assert.equal(header(accepted, 'Contact'), `<sip:127.0.0.1:${fixture.udpPort}>`);
    a.send(a.inDialog('ACK', 2, answer));
    const ack = await client.nextSip('ACK');
    assert.equal(ack.tokens[9], dialog);
    assert.notEqual(ack.tokens[8], up.tokens[8]);
  });

  it('carries a re-INVITE of drachtio-srf and follows the target that the answer names', async () => {
    const dialogs = deferred<SrfDialog>();
    await fixture.srf((app) => {
      app.invite((req, res) => {
        app.createUAS(req, res, { localSdp: SDP }).then(dialogs.resolve, dialogs.reject);
      });
    });
    a.send(a.invite());
    const answer = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, answer));
    const dialog = await dialogs.promise;
    const modified = dialog.modify(SDP.replace('sendrecv', 'sendonly'));
    const reinvite = await a.nextRequest('INVITE');
    assert.match(body(reinvite), /a=sendonly/);
    assert.equal(header(reinvite, 'Contact'), `<sip:127.0.0.1:${fixture.udpPort}>`);
    const moved = `<sip:moved@127.0.0.1:${a.port}>`;
    a.send(a.response(reinvite, 200, 'OK', '', [], SDP).replace(/Contact: [^\r]*/, `Contact: ${moved}`));
    assert.equal(await modified, SDP);
    const ack = await a.nextRequest('ACK');
    assert.equal(startLine(ack), `ACK sip:moved@127.0.0.1:${a.port} SIP/2.0`);
    assert.equal(header(ack, 'CSeq'), header(reinvite, 'CSeq').replace('INVITE', 'ACK'));
  });

  it('refuses a re-INVITE that crosses one of ours with 491, and one that overlaps another with 500', async () => {
    const { answer, dialog } = await established();
    await client.ask(`sip||${dialog}`, compose(['INVITE sip:placeholder SIP/2.0'], SDP));
    const ours = await a.nextRequest('INVITE');
    a.send(a.inDialog('INVITE', 2, answer, ['Content-Type: application/sdp'], SDP));
    await a.nextResponse(491, 'INVITE');
    a.send(a.response(ours, 491, 'Request Pending'));
    await client.nextSip('SIP/2.0 491');
    a.send(a.inDialog('INVITE', 3, answer, ['Content-Type: application/sdp'], SDP));
    await client.nextSip('INVITE');
    a.send(a.inDialog('INVITE', 4, answer, ['Content-Type: application/sdp'], SDP));
    const overlapping = await a.nextResponse(500, 'INVITE');
    assert.match(header(overlapping, 'Retry-After'), /^\d+$/);
    const crossing = await client.ask(`sip||${dialog}`, compose(['INVITE sip:placeholder SIP/2.0'], SDP));
    assert.equal(crossing.tokens[3], 'NOK');
  });

  it('cancels an outstanding re-INVITE before the BYE of the application', async () => {
    const { dialog } = await established();
    await client.ask(`sip||${dialog}`, compose(['INVITE sip:placeholder SIP/2.0'], SDP));
    const reinvite = await a.nextRequest('INVITE');
    a.send(a.response(reinvite, 100, 'Trying'));
    a.send(a.response(reinvite, 180, 'Ringing'));
    await client.nextSip('SIP/2.0 180');
    client.send(`sip||${dialog}`, compose(['BYE sip:placeholder SIP/2.0']));
    await a.nextRequest('CANCEL');
    await a.nextRequest('BYE');
    const order = a.seen.map(method).filter((name) => name === 'CANCEL' || name === 'BYE');
    assert.deepEqual(order, ['CANCEL', 'BYE']);
  });

  it('keeps the dialog when its BYE is challenged', async () => {
    const { dialog } = await established();
    await client.ask(`sip||${dialog}`, compose(['BYE sip:placeholder SIP/2.0']));
    a.send(a.response(await a.nextRequest('BYE'), 401, 'Unauthorized'));
    await client.nextSip('SIP/2.0 401');
    const again = await client.ask(
      `sip||${dialog}`,
      compose(['BYE sip:placeholder SIP/2.0', 'Authorization: Digest x="y"']),
    );
    assert.equal(again.tokens[3], 'OK');
    a.send(
      a.response(
        await a.next(
          'second BYE',
          (message) => method(message) === 'BYE' && headers(message, 'Authorization').length === 1,
        ),
        200,
        'OK',
      ),
    );
    await client.nextSip('SIP/2.0 200');
    assert.equal(fixture.engine.stats().dialogs, 0);
  });

  it('reports the answer to a BYE without its dialog, which is gone', async () => {
    const { answer } = await established();
    a.send(a.inDialog('BYE', 2, answer));
    const bye = await client.nextSip('BYE');
    const echo = await client.ask(`sip|${bye.tokens[8]!}|`, ok());
    assert.deepEqual(echo.tokens.slice(10), [bye.tokens[8], '', '', 'Msg sent:', '']);
    await a.nextResponse(200, 'BYE');
    assert.equal(fixture.engine.stats().dialogs, 0);
    a.send(a.inDialog('INFO', 3, answer));
    await a.nextResponse(481, 'INFO');
  });

  it('keeps the two ends of one Call-ID apart when both are in this engine', async () => {
    const app = await fixture.raw(['invite']);
    // The engine calls a proxy, which sends the INVITE back to the engine.
    await app.ask('sip||', compose([`INVITE sip:loop@127.0.0.1:${a.port} SIP/2.0`], SDP));
    const out = await a.nextRequest('INVITE');
    a.send(out.replace('INVITE sip:', 'INVITE sip:').replace('\r\nVia:', `\r\n${a.via()}\r\nVia:`));
    const back = await app.nextSip('INVITE');
    const answered = await app.ask(`sip|${back.tokens[8]!}|`, ok([], SDP));
    const uasDialog = answered.tokens[11]!;
    const answer = await a.nextResponse(200, 'INVITE');
    // The proxy takes its own Via off and passes the answer on to the engine's calling end.
    a.send(answer.replace(/Via: [^\r]*\r\n/, ''));
    const up = await app.nextSip('SIP/2.0 200');
    const uacDialog = up.tokens[9]!;
    assert.notEqual(uacDialog, uasDialog);
    await app.ask(`sip||${uacDialog}`, compose(['BYE sip:placeholder SIP/2.0']));
    assert.equal(fixture.engine.stats().dialogs, 2);
  });
});

describe('offers that cross on the embedded engine (RFC 3311 5.2)', () => {
  let fixture: Fixture;
  let a: RawUa;
  let app: RawClient;

  beforeEach(async () => {
    fixture = await Fixture.start();
    a = await fixture.ua();
    app = await fixture.raw(['invite']);
  });
  afterEach(() => fixture.close());

  const SDP_TYPE = 'Content-Type: application/sdp';

  const answered = async (): Promise<{ ok: string; dialogId: string }> => {
    a.send(a.invite());
    const { tokens } = await app.nextSip('INVITE');
    await app.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 200 OK'], SDP));
    const ok = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, ok));
    return { ok, dialogId: (await app.nextSip('ACK')).tokens[9]! };
  };

  it('refuses an UPDATE that crosses our UPDATE with 491, and takes one without offer', async () => {
    const { ok, dialogId } = await answered();
    await app.ask(`sip||${dialogId}`, compose(['UPDATE sip:placeholder SIP/2.0', SDP_TYPE], SDP));
    const ours = await a.nextRequest('UPDATE');
    a.send(a.inDialog('UPDATE', 2, ok, [SDP_TYPE], SDP));
    await a.nextResponse(491, 'UPDATE');
    a.send(a.inDialog('UPDATE', 3, ok));
    await app.nextSip('UPDATE');
    a.send(a.response(ours, 200, 'OK', '', [], SDP));
    await app.nextSip('SIP/2.0 200');
    a.send(a.inDialog('UPDATE', 4, ok, [SDP_TYPE], SDP));
    await app.nextSip('UPDATE');
  });

  it('refuses a second UPDATE before the first is answered with 500 and Retry-After', async () => {
    const { ok } = await answered();
    a.send(a.inDialog('UPDATE', 2, ok, [SDP_TYPE], SDP));
    await app.nextSip('UPDATE');
    a.send(a.inDialog('UPDATE', 3, ok, [SDP_TYPE], SDP));
    assert.match(header(await a.nextResponse(500, 'UPDATE'), 'Retry-After'), /^([0-9]|10)$/);
  });

  it('sends the PRACK of each early dialog of a fork to its own branch', async () => {
    await app.ask('sip||', compose([`INVITE sip:bob@127.0.0.1:${a.port} SIP/2.0`, 'Supported: 100rel'], SDP));
    const invite = await a.nextRequest('INVITE');
    const reliable = (tag: string, rseq: number): string =>
      a.response(invite, 183, 'Session Progress', tag, ['Require: 100rel', `RSeq: ${rseq}`], SDP);
    a.send(reliable('one', 900));
    a.send(reliable('two', 5));
    const first = await app.nextSip('SIP/2.0 183');
    await app.nextSip('SIP/2.0 183');
    const cseq = header(invite, 'CSeq');
    await app.ask(
      `sip||${first.tokens[9]!}`,
      compose(['PRACK sip:placeholder SIP/2.0', `RAck: 900 ${cseq}`]),
    );
    assert.match(header(await a.nextRequest('PRACK'), 'To'), /;tag=one$/);
    await app.ask(`sip||${first.tokens[9]!}`, compose(['PRACK sip:placeholder SIP/2.0', `RAck: 5 ${cseq}`]));
    assert.match(header(await a.nextRequest('PRACK'), 'To'), /;tag=two$/);
    a.send(a.response(invite, 200, 'OK', 'one', [], SDP));
    const ok = await app.nextSip('SIP/2.0 200 OK\r\nVia');
    await app.ask(`sip||${ok.tokens[9]!}`, compose(['ACK sip:placeholder SIP/2.0']));
    assert.match(header(await a.nextRequest('ACK'), 'To'), /;tag=one$/);
  });

  it('passes a REFER outside a dialog with Target-Dialog up (RFC 4538)', async () => {
    const referred = await fixture.raw(['refer']);
    a.send(a.request('REFER', ['Refer-To: <sip:c@h>', 'Target-Dialog: 1@h;local-tag=a;remote-tag=b']));
    const { tokens, sip } = await referred.nextSip('REFER');
    assert.match(sip, /Target-Dialog: 1@h/);
    await referred.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 202 Accepted']));
    await a.nextResponse(202, 'REFER');
  });
});
