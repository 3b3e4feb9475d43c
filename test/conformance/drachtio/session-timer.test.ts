import assert from 'node:assert/strict';
import { VirtualClock } from '../../support/virtual-clock.js';
import { deferred } from './support/deferred.js';
import { Fixture } from './support/fixture.js';
import type { RawUa } from './support/raw-ua.js';
import type { SrfDialog } from './support/srf-types.js';
import { body, header, headers, SDP } from './support/sip-text.js';

const UPDATE_ALLOWED = 'Allow: INVITE, ACK, BYE, UPDATE';

describe('session timers of the embedded engine (RFC 4028)', () => {
  let clock: VirtualClock;
  let fixture: Fixture;
  let a: RawUa;

  const start = async (sessionTimer = {}): Promise<void> => {
    clock = new VirtualClock();
    fixture = await Fixture.start({ sessionTimer }, clock);
    a = await fixture.ua();
  };
  afterEach(() => fixture.close());

  /** All that `a` has sent so far is taken in. */
  const takenIn = async (): Promise<void> => {
    a.send(a.request('OPTIONS'));
    await a.nextResponse(200, 'OPTIONS');
  };

  /** A call from `a`, answered by drachtio-srf. */
  const answered = async (extra: readonly string[]): Promise<{ ok: string; dialog: SrfDialog }> => {
    const made = deferred<SrfDialog>();
    await fixture.srf((app) => {
      app.invite((req, res) => {
        app.createUAS(req, res, { localSdp: SDP }).then(made.resolve, made.reject);
      });
    });
    a.send(a.invite(extra));
    const ok = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, ok));
    await takenIn();
    return { ok, dialog: await made.promise };
  };

  it('UAS: takes the refresher that the UAC names, and ends the call that nobody refreshed', async () => {
    await start();
    const { ok, dialog } = await answered(['Supported: timer', 'Session-Expires: 90;refresher=uac']);
    assert.equal(header(ok, 'Session-Expires'), '90;refresher=uac');
    assert.equal(header(ok, 'Require'), 'timer');
    const destroyed = deferred<string>();
    dialog.on('destroy', (_bye, reason) => {
      destroyed.resolve(String(reason));
    });
    clock.advance(89_000);
    assert.equal(
      a.count((message) => message.startsWith('BYE')),
      0,
    );
    clock.advance(1_500);
    const bye = await a.nextRequest('BYE');
    assert.match(header(bye, 'Reason'), /Session timer expired/);
    a.send(a.response(bye, 200, 'OK'));
    assert.equal(await destroyed.promise, 'Session timer expired');
  });

  it('UAS: refuses an interval below Min-SE with 422 before the application hears of it', async () => {
    await start();
    const { ok } = await answered(['Supported: timer', 'Session-Expires: 90;refresher=uac']);
    a.send(a.inDialog('UPDATE', 2, ok, ['Supported: timer', 'Session-Expires: 30;refresher=uac']));
    assert.equal(header(await a.nextResponse(422, 'UPDATE'), 'Min-SE'), '90');
    a.send(a.invite(['Supported: timer', 'Session-Expires: 30']));
    assert.equal(header(await a.nextResponse(422, 'INVITE'), 'Min-SE'), '90');
  });

  it('UAS: a refresh by the peer keeps the call', async () => {
    await start();
    const { ok, dialog } = await answered(['Supported: timer', 'Session-Expires: 90;refresher=uac']);
    dialog.on('modify', (_req, res) => {
      res.send(200, { body: SDP });
    });
    clock.advance(80_000);
    a.send(a.inDialog('INVITE', 2, ok, ['Supported: timer', 'Session-Expires: 90;refresher=uac'], SDP));
    const refreshed = await a.nextResponse(200, 'INVITE');
    assert.equal(header(refreshed, 'Session-Expires'), '90;refresher=uac');
    a.send(a.inDialog('ACK', 2, refreshed));
    await takenIn();
    clock.advance(80_000);
    assert.equal(
      a.count((message) => message.startsWith('BYE')),
      0,
    );
  });

  it('UAS as refresher: sends UPDATE at half the interval, unseen by the application', async () => {
    await start();
    const { dialog } = await answered([
      'Supported: timer',
      'Session-Expires: 120;refresher=uas',
      UPDATE_ALLOWED,
    ]);
    const heard: string[] = [];
    for (const event of ['modify', 'refresh', 'update', 'destroy']) dialog.on(event, () => heard.push(event));
    for (let round = 0; round < 3; round++) {
      clock.advance(60_100);
      const update = await a.nextRequest('UPDATE');
      assert.equal(header(update, 'Session-Expires'), '120;refresher=uac');
      assert.match(header(update, 'Supported'), /timer/);
      assert.equal(body(update), '');
      a.send(a.response(update, 200, 'OK', '', ['Session-Expires: 120;refresher=uac', 'Require: timer']));
      await takenIn();
      await fixture.settled();
    }
    assert.deepEqual(heard, []);
  });

  it('UAS as refresher: re-INVITEs with the same SDP where the peer takes no UPDATE, and ACKs by itself', async () => {
    await start();
    await answered(['Supported: timer', 'Session-Expires: 120;refresher=uas']);
    clock.advance(60_100);
    const invite = await a.nextRequest('INVITE');
    assert.equal(body(invite), SDP);
    a.send(a.response(invite, 200, 'OK', '', ['Session-Expires: 120;refresher=uac'], SDP));
    assert.equal(header(await a.nextRequest('ACK'), 'CSeq'), header(invite, 'CSeq').replace('INVITE', 'ACK'));
  });

  it('falls back to re-INVITE when UPDATE is refused with 405', async () => {
    await start();
    await answered(['Supported: timer', 'Session-Expires: 120;refresher=uas', UPDATE_ALLOWED]);
    clock.advance(60_100);
    a.send(a.response(await a.nextRequest('UPDATE'), 405, 'Method Not Allowed'));
    await a.nextRequest('INVITE');
  });

  it('a refresh that meets 481 ends the call', async () => {
    await start();
    await answered(['Supported: timer', 'Session-Expires: 120;refresher=uas', UPDATE_ALLOWED]);
    clock.advance(60_100);
    a.send(a.response(await a.nextRequest('UPDATE'), 481, 'Call/Transaction Does Not Exist'));
    assert.match(header(await a.nextRequest('BYE'), 'Reason'), /Session timer expired/);
  });

  it('UAC: offers no timer by itself', async () => {
    await start();
    const app = await fixture.srf();
    app.createUAC(`sip:b@127.0.0.1:${a.port}`, { localSdp: SDP }).catch(() => undefined);
    const invite = await a.nextRequest('INVITE');
    assert.deepEqual(headers(invite, 'Session-Expires'), []);
    assert.deepEqual(headers(invite, 'Supported'), []);
    a.send(a.response(invite, 486, 'Busy Here'));
  });

  it('UAC: with "offer" asks, raises the interval once after 422, and refreshes where the peer leaves it to us', async () => {
    await start({ offer: true, defaultS: 300 });
    const app = await fixture.srf();
    const made = app.createUAC(`sip:b@127.0.0.1:${a.port}`, { localSdp: SDP });
    const first = await a.nextRequest('INVITE');
    assert.equal(header(first, 'Session-Expires'), '300');
    a.send(a.response(first, 422, 'Session Interval Too Small', 'x', ['Min-SE: 600']));
    await a.nextRequest('ACK');
    const second = await a.nextRequest('INVITE');
    assert.equal(header(second, 'Call-ID'), header(first, 'Call-ID'));
    assert.equal(header(second, 'From'), header(first, 'From'));
    assert.equal(parseInt(header(second, 'CSeq')), parseInt(header(first, 'CSeq')) + 1);
    assert.equal(header(second, 'Session-Expires'), '600');
    assert.equal(header(second, 'Min-SE'), '600');
    a.send(
      a.response(
        second,
        200,
        'OK',
        'y',
        ['Session-Expires: 600;refresher=uac', 'Require: timer', UPDATE_ALLOWED],
        SDP,
      ),
    );
    await made;
    await a.nextRequest('ACK');
    await takenIn();
    clock.advance(300_500);
    assert.equal(header(await a.nextRequest('UPDATE'), 'Session-Expires'), '600;refresher=uac');
  });

  it("holds the application's re-INVITE until the engine's own is over", async () => {
    await start();
    const { dialog } = await answered(['Supported: timer', 'Session-Expires: 120;refresher=uas']);
    clock.advance(60_100);
    const own = await a.nextRequest('INVITE');
    const modified = dialog.modify(SDP);
    await fixture.settled();
    assert.equal(
      a.count((message) => message.startsWith('INVITE')),
      1,
    );
    a.send(a.response(own, 200, 'OK', '', ['Session-Expires: 120;refresher=uac'], SDP));
    await a.nextRequest('ACK');
    const theirs = await a.nextRequest('INVITE');
    assert.equal(header(theirs, 'Session-Expires'), '120;refresher=uac');
    a.send(a.response(theirs, 200, 'OK', '', ['Session-Expires: 120;refresher=uac'], SDP));
    await modified;
  });
});
