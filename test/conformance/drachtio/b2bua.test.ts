import assert from 'node:assert/strict';
import { deferred } from './support/deferred.js';
import { Fixture } from './support/fixture.js';
import type { RawUa } from './support/raw-ua.js';
import type { SrfDialog } from './support/srf-types.js';
import { until } from './support/until.js';
import { body, branch, header, headers, SDP, startLine, tag, uri } from './support/sip-text.js';

describe('drachtio-srf B2BUA on the embedded engine', () => {
  let fixture: Fixture;
  let a: RawUa;
  let b: RawUa;

  beforeEach(async () => {
    fixture = await Fixture.start();
    a = await fixture.ua();
    b = await fixture.ua();
  });
  afterEach(() => fixture.close());

  async function bridge(): Promise<{ dialogs: Promise<{ uas: SrfDialog; uac: SrfDialog }> }> {
    const dialogs = deferred<{ uas: SrfDialog; uac: SrfDialog }>();
    dialogs.promise.catch(() => undefined);
    await fixture.srf((srf) => {
      srf.invite((req, res) => {
        srf.createB2BUA(req, res, `sip:bob@127.0.0.1:${b.port}`, {}).then(dialogs.resolve, dialogs.reject);
      });
    });
    return { dialogs: dialogs.promise };
  }

  it('carries INVITE, 180, 200, ACK and BYE between two legs', async () => {
    const { dialogs } = await bridge();
    const invite = a.invite();
    a.send(invite);
    const trying = await a.nextResponse(100, 'INVITE');
    assert.equal(tag(header(trying, 'To')), undefined);
    assert.match(header(trying, 'Via'), new RegExp(`;rport=${a.port}`));

    const inviteB = await b.nextRequest('INVITE');
    assert.equal(startLine(inviteB), `INVITE sip:bob@127.0.0.1:${b.port} SIP/2.0`);
    assert.match(
      header(inviteB, 'Via'),
      new RegExp(`^SIP/2.0/UDP 127.0.0.1:${fixture.udpPort};rport;branch=z9hG4bK`),
    );
    assert.equal(uri(header(inviteB, 'From')), `sip:A@127.0.0.1:${fixture.udpPort}`);
    assert.ok(tag(header(inviteB, 'From')));
    assert.equal(header(inviteB, 'To'), `<sip:bob@127.0.0.1:${b.port}>`);
    assert.equal(header(inviteB, 'Contact'), `<sip:A@127.0.0.1:${fixture.udpPort}>`);
    assert.equal(header(inviteB, 'Max-Forwards'), '70');
    assert.equal(header(inviteB, 'Content-Type'), 'application/sdp');
    assert.equal(body(inviteB), SDP);

    b.send(b.response(inviteB, 180, 'Ringing'));
    const ringing = await a.nextResponse(180, 'INVITE');
    b.send(b.response(inviteB, 200, 'OK', 'btag', [], SDP));
    const ok = await a.nextResponse(200, 'INVITE');
    assert.equal(tag(header(ringing, 'To')), tag(header(ok, 'To')), 'all responses carry one To tag');
    assert.equal(header(ok, 'Contact'), `<sip:127.0.0.1:${fixture.udpPort}>`);
    assert.equal(header(ok, 'Via'), header(trying, 'Via'));

    const ackB = await b.nextRequest('ACK');
    assert.equal(startLine(ackB), `ACK sip:B@127.0.0.1:${b.port} SIP/2.0`);
    assert.equal(header(ackB, 'CSeq'), header(inviteB, 'CSeq').replace('INVITE', 'ACK'));
    assert.notEqual(branch(ackB), branch(inviteB));
    assert.equal(tag(header(ackB, 'To')), 'btag');

    a.send(a.inDialog('ACK', 1, ok));
    await dialogs;
    a.send(a.inDialog('BYE', 2, ok));
    await a.nextResponse(200, 'BYE');
  });

  it('ends the other leg when the application says so, from either side', async () => {
    const { dialogs } = await bridge();
    a.send(a.invite());
    const inviteB = await b.nextRequest('INVITE');
    b.send(b.response(inviteB, 200, 'OK', 'btag', [], SDP));
    const ok = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, ok));
    await b.nextRequest('ACK');
    const { uas, uac } = await dialogs;
    const destroyed = deferred<unknown>();
    uac.on('destroy', destroyed.resolve);
    b.send(b.inDialogAsUas('BYE', 1, inviteB, 'btag'));
    await b.nextResponse(200, 'BYE');
    await destroyed.promise;
    const ended = uas.destroy();
    const bye = await a.nextRequest('BYE');
    assert.equal(startLine(bye), `BYE sip:A@127.0.0.1:${a.port} SIP/2.0`);
    assert.equal(header(bye, 'From'), header(ok, 'To'));
    assert.equal(header(bye, 'To'), header(ok, 'From'));
    assert.equal(header(bye, 'CSeq'), '1 BYE');
    assert.deepEqual(headers(bye, 'Contact'), []);
    a.send(a.response(bye, 200, 'OK'));
    await ended;
    await until(() => fixture.engine.stats().dialogs === 0);
  });
});
