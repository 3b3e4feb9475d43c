import assert from 'node:assert/strict';
import { Fixture } from './support/fixture.js';
import type { RawUa } from './support/raw-ua.js';
import { compose, header, headers, startLine, tag } from './support/sip-text.js';

const EVENT = 'Event: presence';

describe('subscriptions on the embedded engine (recording 12)', () => {
  let fixture: Fixture;
  let a: RawUa;

  beforeEach(async () => {
    fixture = await Fixture.start();
    a = await fixture.ua();
  });
  afterEach(() => fixture.close());

  it('a SUBSCRIBE that comes in makes a dialog, in which the application sends NOTIFY until the last', async () => {
    const app = await fixture.raw(['subscribe']);
    a.send(a.request('SUBSCRIBE', [EVENT, 'Expires: 3600']));
    const { tokens } = await app.nextSip('SUBSCRIBE');
    const echo = await app.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 202 Accepted', 'expires: 3600']));
    const accepted = await a.nextResponse(202, 'SUBSCRIBE');
    assert.equal(header(accepted, 'Contact'), `<sip:127.0.0.1:${fixture.udpPort}>`);
    const dialogId = echo.tokens[11]!;
    assert.equal(dialogId, `${header(accepted, 'Call-ID')};from-tag=${tag(header(accepted, 'From'))!}`);
    for (const state of ['active', 'terminated']) {
      await app.ask(
        `sip||${dialogId}`,
        compose(['NOTIFY sip:placeholder SIP/2.0', EVENT, `Subscription-State: ${state}`]),
      );
      const notify = await a.nextRequest('NOTIFY');
      assert.equal(startLine(notify), `NOTIFY sip:A@127.0.0.1:${a.port} SIP/2.0`);
      assert.equal(header(notify, 'From'), header(accepted, 'To'));
      assert.deepEqual(headers(notify, 'Subscription-State'), [state]);
      a.send(a.response(notify, 200, 'OK'));
      await app.nextSip('SIP/2.0 200');
    }
    assert.equal(fixture.engine.stats().dialogs, 0, 'the last NOTIFY ends it');
  });

  it('NOTIFY in a subscription of the application reaches it, the one that ends it too', async () => {
    const app = await fixture.raw();
    await app.ask(
      'sip||',
      compose([`SUBSCRIBE sip:bob@127.0.0.1:${a.port} SIP/2.0`, EVENT, 'Expires: 3600']),
    );
    const subscribe = await a.nextRequest('SUBSCRIBE');
    a.send(a.response(subscribe, 202, 'Accepted', 'btag', ['Expires: 3600']));
    const { tokens } = await app.nextSip('SIP/2.0 202');
    for (const [cseq, state] of [
      [101, 'active'],
      [102, 'terminated;reason=timeout'],
    ] as const) {
      a.send(a.inDialogAsUas('NOTIFY', cseq, subscribe, 'btag', [EVENT, `Subscription-State: ${state}`]));
      const notify = await app.nextSip('NOTIFY');
      assert.equal(notify.tokens[9], tokens[9]);
      await app.ask(`sip|${notify.tokens[8]!}|`, compose(['SIP/2.0 200 OK']));
      await a.nextResponse(200, 'NOTIFY');
    }
    assert.equal(fixture.engine.stats().dialogs, 0, 'the last NOTIFY ends it');
  });
});
