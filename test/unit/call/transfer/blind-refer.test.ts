import assert from 'node:assert/strict';
import { CallBench } from '../../../support/call/call-bench.js';
import { makeProject } from '../../../support/call/call-plan.js';
import type { TransferSettings } from '../../../../src/call/project.js';

function referring(more: Partial<TransferSettings> = {}): CallBench {
  const bench = new CallBench({
    project: makeProject({}, { method: 'refer', waiting: 'bot', ...more }),
  }).withBot();
  bench.transfer();
  return bench;
}

describe('a blind transfer by REFER', () => {
  it('asks the caller side, keeps the bot until a NOTIFY says 200, and waits for the BYE', () => {
    const bench = referring();
    const [refer] = bench.requests('REFER', 'c1.1');
    assert.match(String(refer?.headers['Refer-To']), /^<sip:201@10\.0\.0\.7:5080/);
    assert.ok(refer?.headers['Referred-By']);
    assert.equal(bench.hears('c1.1'), 'c1.2');
    bench.respond('REFER', 202);
    assert.equal(bench.sent('bye').length, 0, 'accepted is not success');
    assert.equal(bench.statusOf(bench.notify('c1.1', 'SIP/2.0 100 Trying')), 200);
    bench.notify('c1.1', 'SIP/2.0 180 Ringing');
    assert.equal(bench.sent('bye').length, 0);
    bench.notify('c1.1', 'SIP/2.0 200 OK\r\nX-Extra: yes', 'terminated;reason=noresource');
    assert.deepEqual(
      bench.sent('bye').map((one) => one.legId),
      ['c1.2'],
    );
    assert.equal(bench.result().outcome, 'completed');
    assert.ok(bench.result().humanConnectedAt);
    bench.bye('c1.1');
    assert.equal(bench.endRecord().cause, 'transferred');
    bench.assertOver();
  });

  it('sends BYE itself when the peer does not within the grace period', () => {
    const bench = referring();
    bench.respond('REFER', 202);
    bench.notify('c1.1', 'SIP/2.0 200', 'terminated');
    bench.clock.advance(3_000);
    assert.equal(bench.sent('bye', 'c1.1').length, 1);
    bench.assertOver();
  });

  for (const status of [405, 420, 501, 603, 403, 503, 408]) {
    it(`${status} to REFER is refer_rejected; call and bot stay as they were`, () => {
      const bench = referring();
      bench.respond('REFER', status);
      assert.equal(bench.result().outcome, 'refer_rejected');
      assert.equal(bench.result().attempts[0]?.sipStatus, status);
      assert.equal(bench.hears('c1.1'), 'c1.2');
      assert.equal(bench.call.state, 'with_bot');
      bench.bye('c1.1');
      bench.assertOver();
    });
  }

  it('481 to REFER: finds out by OPTIONS whether the dialog lives', () => {
    const alive = referring();
    alive.respond('REFER', 481);
    assert.equal(alive.requests('OPTIONS', 'c1.1').length, 1);
    assert.equal(alive.result().outcome, 'refer_rejected');
    const gone = referring();
    gone.auto.requests = false;
    gone.respond('REFER', 481);
    gone.respond('OPTIONS', 481);
    assert.equal(gone.result().outcome, 'caller_gone');
    gone.assertOver();
  });

  it('gives up where REFER is never answered', () => {
    const bench = referring();
    bench.clock.advance(5_000);
    assert.equal(bench.result().outcome, 'refer_rejected');
  });

  it('auto falls back to a bridged INVITE when REFER is refused, and remembers the trunk', () => {
    const bench = referring({ method: 'auto' });
    bench.respond('REFER', 405);
    assert.equal(bench.sent('invite').length, 2);
    bench.accepted('c1.3');
    assert.deepEqual(
      bench.result().attempts.map((one) => [one.method, one.sipStatus]),
      [
        ['refer', 405],
        ['invite', 200],
      ],
    );
    assert.equal(bench.directory.methods.mayRefer('carrier', bench.clock.now()), false);
  });

  it('auto goes straight to INVITE where Allow has no REFER', () => {
    const bench = new CallBench({ project: makeProject({}, { method: 'auto' }) });
    bench.withBot({ peer: { allow: ['INVITE', 'BYE'], supported: null, userAgent: null } });
    bench.transfer();
    assert.equal(bench.requests('REFER').length, 0);
    assert.equal(bench.sent('invite').length, 2);
  });

  it('no NOTIFY at all is timeout: INVITE only where the project says so and nothing rang', () => {
    const keeps = referring();
    keeps.respond('REFER', 202);
    keeps.clock.advance(10_000);
    assert.equal(keeps.result().outcome, 'timeout');
    assert.equal(keeps.hears('c1.1'), 'c1.2');
    const invites = referring({ method: 'auto', onNoNotify: 'invite' });
    invites.respond('REFER', 202);
    invites.clock.advance(10_000);
    assert.equal(invites.sent('invite').length, 2);
    const rang = referring({ method: 'auto', onNoNotify: 'invite' });
    rang.respond('REFER', 202);
    rang.notify('c1.1', 'SIP/2.0 180 Ringing');
    rang.clock.advance(10_000);
    assert.equal(rang.sent('invite').length, 1, 'the phone must not ring twice');
    assert.equal(rang.result().outcome, 'timeout');
    const hangs = referring({ onNoNotify: 'hangup' });
    hangs.respond('REFER', 202);
    hangs.clock.advance(10_000);
    hangs.assertOver();
  });

  it('a provisional NOTIFY gives the next one its full time again', () => {
    const bench = referring();
    bench.respond('REFER', 202);
    bench.clock.advance(9_000);
    bench.notify('c1.1', 'SIP/2.0 180 Ringing');
    bench.clock.advance(9_000);
    assert.equal(bench.results().length, 0);
  });

  it('a final failure in a NOTIFY is mapped, and terminated without one is no_outcome', () => {
    const busy = referring();
    busy.respond('REFER', 202);
    busy.notify('c1.1', 'SIP/2.0 486 Busy Here', 'terminated');
    assert.equal(busy.result().outcome, 'busy');
    assert.equal(busy.hears('c1.1'), 'c1.2');
    const silent = referring();
    silent.respond('REFER', 202);
    silent.notify('c1.1', 'SIP/2.0 100 Trying', 'terminated;reason=timeout');
    assert.equal(silent.result().outcome, 'no_outcome');
  });

  it('takes a NOTIFY that overtakes the 202', () => {
    const bench = referring();
    bench.notify('c1.1', 'SIP/2.0 200 OK', 'terminated');
    assert.equal(bench.result().outcome, 'completed');
    bench.respond('REFER', 202);
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('BYE after 202: waits for the last NOTIFY, then completed_unconfirmed', () => {
    const bench = referring();
    bench.respond('REFER', 202);
    bench.bye('c1.1');
    assert.equal(bench.results().length, 0);
    bench.clock.advance(999);
    assert.equal(bench.results().length, 0);
    bench.clock.advance(1);
    assert.equal(bench.result().outcome, 'completed_unconfirmed');
    bench.assertOver();
  });

  it('BYE after 202: the NOTIFY that raced it still counts', () => {
    for (const [line, outcome] of [
      ['SIP/2.0 200 OK', 'completed'],
      ['SIP/2.0 486 Busy Here', 'busy'],
    ] as const) {
      const bench = referring();
      bench.respond('REFER', 202);
      bench.bye('c1.1');
      assert.equal(bench.statusOf(bench.notify('c1.1', line, 'terminated')), 200);
      assert.equal(bench.result().outcome, outcome);
      bench.assertOver();
    }
  });

  it('BYE before the reply to REFER is caller_gone', () => {
    const bench = referring();
    bench.bye('c1.1');
    assert.equal(bench.result().outcome, 'caller_gone');
    bench.assertOver();
  });

  it('Refer-Sub: false in the 202 is completed_unconfirmed', () => {
    const bench = referring();
    bench.respond('REFER', 202, { 'refer-sub': 'false' });
    assert.equal(bench.result().outcome, 'completed_unconfirmed');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('matches the id of a NOTIFY: a late one of an ended REFER gets 200 and does nothing, a stranger gets 481', () => {
    const bench = referring();
    bench.respond('REFER', 202, { cseq: '7 REFER' });
    bench.notify('c1.1', 'SIP/2.0 486 Busy', 'terminated', 'refer;id=7');
    assert.equal(bench.results().length, 1);
    bench.transfer({ transferId: 't2' });
    bench.respond('REFER', 202, { cseq: '9 REFER' });
    assert.equal(bench.statusOf(bench.notify('c1.1', 'SIP/2.0 200 OK', 'terminated', 'refer;id=7')), 200);
    assert.equal(bench.results().length, 1, 'the old subscription says nothing of the new transfer');
    assert.equal(bench.statusOf(bench.notify('c1.1', 'SIP/2.0 200 OK', 'terminated', 'refer;id=99')), 481);
    bench.notify('c1.1', 'SIP/2.0 200 OK', 'terminated', 'refer;id=9');
    assert.equal(bench.results().at(-1)?.outcome, 'completed');
  });

  it('a NOTIFY outside any subscription gets 481', () => {
    const bench = new CallBench().withBot();
    assert.equal(bench.statusOf(bench.notify('c1.1', 'SIP/2.0 200 OK')), 481);
  });

  it('survives the end of the bot while the peer is dialling', () => {
    const bench = referring();
    bench.respond('REFER', 202);
    bench.bye('c1.2');
    assert.equal(bench.hears('c1.1'), 'music');
    bench.notify('c1.1', 'SIP/2.0 200 OK', 'terminated');
    bench.bye('c1.1');
    assert.equal(bench.result().outcome, 'completed');
    bench.assertOver();
  });
});
