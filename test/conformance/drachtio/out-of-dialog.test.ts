import assert from 'node:assert/strict';
import { Fixture } from './support/fixture.js';
import type { RawUa } from './support/raw-ua.js';
import { compose, header, headers, SDP, status } from './support/sip-text.js';

describe('requests outside a dialog on the embedded engine', () => {
  let fixture: Fixture;
  let a: RawUa;

  beforeEach(async () => {
    fixture = await Fixture.start();
    a = await fixture.ua();
  });
  afterEach(() => fixture.close());

  it('passes a REGISTER to the application that asked for it, and the answer back', async () => {
    const client = await fixture.raw(['register']);
    a.send(a.request('REGISTER', ['Expires: 60']));
    const { tokens } = await client.nextSip('REGISTER');
    const echo = await client.ask(
      `sip|${tokens[8]!}|`,
      compose(['SIP/2.0 200 OK', `Contact: <sip:A@127.0.0.1:${a.port}>`, 'Expires: 60']),
    );
    const ok = await a.nextResponse(200, 'REGISTER');
    assert.equal(header(ok, 'Contact'), `<sip:A@127.0.0.1:${a.port}>`);
    assert.deepEqual(echo.tokens.slice(10), [tokens[8], '', '', 'Msg sent:', '']);
  });

  it('answers 503 where no application asked for the verb', async () => {
    a.send(a.request('MESSAGE', ['Content-Type: text/plain'], ''));
    await a.nextResponse(503, 'MESSAGE');
    const invite = a.invite();
    a.send(invite);
    const refused = await a.nextResponse(503, 'INVITE');
    a.send(a.sameHop('ACK', invite, header(refused, 'To')));
  });

  it('answers OPTIONS by itself where no application asked for it', async () => {
    a.send(a.request('OPTIONS'));
    const ok = await a.nextResponse(200, 'OPTIONS');
    assert.match(header(ok, 'Allow'), /INVITE.*BYE.*REFER/);
    assert.equal(header(ok, 'Accept'), 'application/sdp');
    assert.match(header(ok, 'Supported'), /replaces/);
  });

  it('passes OPTIONS to an application that asked for it', async () => {
    await fixture.srf((app) => {
      app.options((_req, res) => {
        res.send(486);
      });
    });
    a.send(a.request('OPTIONS'));
    await a.nextResponse(486, 'OPTIONS');
  });

  it('answers 481 to requests in a dialog that it does not know, and nothing to an ACK', async () => {
    for (const name of ['BYE', 'INVITE', 'INFO', 'REFER']) {
      const request = a.request(name).replace(/(\r\nTo: [^\r]*)/, '$1;tag=nope');
      a.send(request);
      const refused = await a.nextResponse(481, name);
      assert.equal(header(refused, 'To'), header(request, 'To'));
    }
    a.send(a.request('ACK').replace(/(\r\nTo: [^\r]*)/, '$1;tag=nope'));
    a.send(a.request('OPTIONS'));
    await a.nextResponse(200, 'OPTIONS');
    assert.equal(
      a.count((message) => header(message, 'CSeq').endsWith('ACK')),
      0,
    );
  });

  it('answers 481 to a BYE and to a CANCEL that belong to nothing', async () => {
    a.send(a.request('BYE'));
    await a.nextResponse(481, 'BYE');
    a.send(a.request('CANCEL'));
    await a.nextResponse(481, 'CANCEL');
  });

  it('answers 482 to the same request that comes by a second path', async () => {
    const client = await fixture.raw(['invite']);
    const invite = a.invite();
    a.send(invite);
    await client.nextSip('INVITE');
    a.send(invite.replace(/Via: [^\r]*/, a.via()));
    await a.nextResponse(482, 'INVITE');
  });

  it('answers 483 to a request whose Max-Forwards is used up', async () => {
    await fixture.raw(['invite']);
    a.send(a.invite().replace('Max-Forwards: 70', 'Max-Forwards: 0'));
    await a.nextResponse(483, 'INVITE');
  });

  it('answers 400 to what it can read the headers of, drops the rest, and counts both', async () => {
    a.send(a.invite().replace('CSeq: 1 INVITE', 'CSeq: 1 BYE'));
    await a.next('400', (message) => status(message) === 400);
    a.send('\u0000\u0001 nonsense');
    a.send('INVITE sip:x SIP/2.0\r\nVia: broken\r\n\r\n');
    a.send(a.request('OPTIONS'));
    await a.nextResponse(200, 'OPTIONS');
    assert.equal(fixture.engine.stats().malformed, 3);
  });

  it('sends a REFER outside a dialog and takes the NOTIFYs in the dialog that it makes', async () => {
    const client = await fixture.raw(['invite']);
    const echo = await client.ask(
      'sip||',
      compose([`REFER sip:bob@127.0.0.1:${a.port} SIP/2.0`, 'Refer-To: <sip:carol@127.0.0.1>']),
    );
    const refer = await a.nextRequest('REFER');
    assert.equal(echo.sip, refer);
    assert.equal(headers(refer, 'Contact').length, 1);
    a.send(a.response(refer, 202, 'Accepted'));
    const accepted = await client.nextSip('SIP/2.0 202');
    a.send(
      a.inDialogAsUas(
        'NOTIFY',
        1,
        refer,
        'btag',
        ['Event: refer', 'Subscription-State: active', 'Content-Type: message/sipfrag'],
        'SIP/2.0 100 Trying',
      ),
    );
    const notify = await client.nextSip('NOTIFY');
    assert.equal(notify.tokens[9], accepted.tokens[9]);
    assert.notEqual(notify.tokens[9], '');
  });

  it('notes where a request behind NAT came from, and answers there', async () => {
    const invite = a.request('OPTIONS').replace(`127.0.0.1:${a.port};branch`, '192.168.1.5:9;branch');
    a.send(invite);
    const ok = await a.nextResponse(200, 'OPTIONS');
    assert.match(header(ok, 'Via'), /;received=127\.0\.0\.1/);
    assert.match(header(ok, 'Via'), new RegExp(`;rport=${a.port}`));
  });

  it('does not mistake the SDP of a MESSAGE without Content-Type', async () => {
    const client = await fixture.raw();
    await client.ask('sip||', compose([`MESSAGE sip:bob@127.0.0.1:${a.port} SIP/2.0`], SDP));
    assert.equal(header(await a.nextRequest('MESSAGE'), 'Content-Type'), 'application/sdp');
  });
});
