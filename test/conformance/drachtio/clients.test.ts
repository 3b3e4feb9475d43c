import assert from 'node:assert/strict';
import { Fixture } from './support/fixture.js';
import type { RawUa } from './support/raw-ua.js';
import { compose, header, SDP } from './support/sip-text.js';
import { until } from './support/until.js';

const ok = compose(['SIP/2.0 200 OK'], SDP);

describe('several applications on the embedded engine', () => {
  let fixture: Fixture;
  let a: RawUa;

  beforeEach(async () => {
    fixture = await Fixture.start();
    a = await fixture.ua();
  });
  afterEach(() => fixture.close());

  it('shares new calls by turns, and keeps a dialog with the application that answered', async () => {
    const clients = [await fixture.raw(['invite']), await fixture.raw(['invite'])];
    for (const client of [...clients, ...clients]) {
      a.send(a.invite());
      const { tokens } = await client.nextSip('INVITE');
      await client.ask(`sip|${tokens[8]!}|`, ok);
      const answer = await a.nextResponse(200, 'INVITE');
      a.send(a.inDialog('ACK', 1, answer));
      await client.nextSip('ACK');
      a.send(a.inDialog('INFO', 2, answer));
      const info = await client.nextSip('INFO');
      await client.ask(`sip|${info.tokens[8]!}|`, compose(['SIP/2.0 200 OK']));
      await a.nextResponse(200, 'INFO');
    }
  });

  it('lets the call of an application that has gone end, and refuses all else in it', async () => {
    const client = await fixture.raw(['invite']);
    a.send(a.invite());
    const { tokens } = await client.nextSip('INVITE');
    await client.ask(`sip|${tokens[8]!}|`, ok);
    const answer = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, answer));
    await client.nextSip('ACK');
    client.close();
    await until(() => fixture.engine.stats().clients === 0);
    assert.equal(fixture.engine.stats().dialogs, 1, 'the call stays');
    a.send(a.inDialog('INFO', 2, answer));
    await a.nextResponse(503, 'INFO');
    a.send(a.inDialog('BYE', 3, answer));
    await a.nextResponse(200, 'BYE');
    assert.equal(fixture.engine.stats().dialogs, 0);
    a.send(a.invite());
    await a.nextResponse(503, 'INVITE');
  });

  it('gives new calls to the application that is left', async () => {
    const gone = await fixture.raw(['invite']);
    const left = await fixture.raw(['invite']);
    gone.close();
    await until(() => fixture.engine.stats().clients === 1);
    for (let call = 0; call < 3; call++) {
      a.send(a.invite());
      await left.nextSip('INVITE');
    }
  });

  it('refuses the ringing call of an application that goes, and cancels the one it was making', async () => {
    const b = await fixture.ua();
    const client = await fixture.raw(['invite']);
    a.send(a.invite());
    await client.nextSip('INVITE');
    await client.ask('sip||', compose([`INVITE sip:bob@127.0.0.1:${b.port} SIP/2.0`], SDP));
    const outgoing = await b.nextRequest('INVITE');
    b.send(b.response(outgoing, 180, 'Ringing'));
    await client.nextSip('SIP/2.0 180');
    client.close();
    await a.nextResponse(503, 'INVITE');
    const cancel = await b.nextRequest('CANCEL');
    b.send(b.response(cancel, 200, 'OK'));
    b.send(b.response(outgoing, 487, 'Request Terminated'));
    await b.nextRequest('ACK');
    await until(() => fixture.engine.stats().dialogs === 0 && fixture.engine.stats().outgoingPending === 0);
  });

  it('acknowledges and ends a call that is answered after its application has gone', async () => {
    const b = await fixture.ua();
    const client = await fixture.raw();
    await client.ask('sip||', compose([`INVITE sip:bob@127.0.0.1:${b.port} SIP/2.0`], SDP));
    const outgoing = await b.nextRequest('INVITE');
    client.close();
    await until(() => fixture.engine.stats().clients === 0);
    b.send(b.response(outgoing, 200, 'OK', 'btag', [], SDP));
    assert.equal(
      header(await b.nextRequest('ACK'), 'CSeq'),
      header(outgoing, 'CSeq').replace('INVITE', 'ACK'),
    );
    b.send(b.response(await b.nextRequest('BYE'), 200, 'OK'));
    await until(() => fixture.engine.stats().dialogs === 0);
  });
});
