import assert from 'node:assert/strict';
import { CallBench, sdp } from '../../support/call/call-bench.js';
import { BOT, makePlan, makeProject } from '../../support/call/call-plan.js';

describe('a basic call', () => {
  it('invites the bot with the caller in From, passes its 180 and answers when it answers', () => {
    const bench = new CallBench();
    bench.incoming();
    const [invite] = bench.sent('invite');
    assert.equal(invite?.uri, BOT.uri);
    assert.deepEqual(invite.from, { user: '+5491144440000', displayName: 'Ana' });
    assert.equal(invite.headers['Max-Forwards'], '69');
    bench.provisional('c1.2');
    assert.deepEqual(
      bench.sent('provisional', 'c1.1').map((one) => [one.status, one.sdp]),
      [[180, null]],
    );
    assert.equal(bench.call.state, 'early');
    bench.accepted('c1.2');
    assert.equal(bench.sent('accept', 'c1.1').length, 1);
    assert.equal(bench.call.state, 'with_bot');
    assert.equal(bench.hears('c1.1'), 'c1.2');
    assert.equal(bench.hears('c1.2'), 'c1.1');
  });

  it("passes the bot's early media as 183 with our SDP", () => {
    const bench = new CallBench();
    bench.incoming();
    bench.provisional('c1.2', 183, sdp());
    const [progress] = bench.sent('provisional', 'c1.1');
    assert.equal(progress?.status, 183);
    assert.ok(progress.sdp);
    assert.equal(bench.hears('c1.1'), 'c1.2');
  });

  it('ends the other leg, the media and the call when the caller sends BYE, and carries Reason', () => {
    const bench = new CallBench().withBot();
    bench.bye('c1.1', { reason: 'Q.850;cause=16' });
    assert.deepEqual(
      bench.sent('bye').map((one) => [one.legId, one.headers['Reason']]),
      [['c1.2', ['Q.850;cause=16']]],
    );
    assert.equal(bench.endRecord().endedBy, 'caller');
    bench.assertOver();
  });

  it('ends the call when the bot sends BYE', () => {
    const bench = new CallBench().withBot();
    bench.bye('c1.2');
    assert.deepEqual(
      bench.sent('bye').map((one) => one.legId),
      ['c1.1'],
    );
    assert.equal(bench.endRecord().endedBy, 'bot');
    bench.assertOver();
  });

  it('cancels the bot when the caller cancels', () => {
    const bench = new CallBench();
    bench.incoming();
    bench.provisional('c1.2');
    bench.signal({ kind: 'cancelled', legId: 'c1.1' });
    assert.equal(bench.sent('cancel', 'c1.2').length, 1);
    assert.equal(bench.endRecord().sipStatus, 487);
    bench.assertOver();
  });

  it('sends BYE to a bot whose 200 crossed our CANCEL', () => {
    const bench = new CallBench();
    bench.auto.cancels = false;
    bench.incoming();
    bench.provisional('c1.2');
    bench.signal({ kind: 'cancelled', legId: 'c1.1' });
    assert.equal(bench.ended, 0);
    bench.accepted('c1.2');
    assert.equal(bench.sent('bye', 'c1.2').length, 1);
    bench.assertOver();
  });

  it('does not send BYE before the ACK of our 200', () => {
    const bench = new CallBench();
    bench.auto.acks = false;
    bench.withBot();
    bench.bye('c1.2');
    assert.equal(bench.sent('bye', 'c1.1').length, 0);
    bench.signal({ kind: 'acked', legId: 'c1.1', requestId: null, sdp: null });
    assert.equal(bench.sent('bye', 'c1.1').length, 1);
    bench.assertOver();
  });

  it('answers an offerless INVITE with an offer and takes the answer from the ACK', () => {
    const bench = new CallBench();
    bench.auto.acks = false;
    bench.incoming({ sdp: null });
    bench.provisional('c1.2', 183, sdp());
    assert.equal(bench.sent('provisional', 'c1.1')[0]?.sdp, null);
    bench.accepted('c1.2');
    assert.match(bench.sent('accept', 'c1.1')[0]?.sdp ?? '', /offer/);
    assert.notEqual(bench.call.state, 'with_bot');
    bench.signal({ kind: 'acked', legId: 'c1.1', requestId: null, sdp: sdp() });
    assert.equal(bench.mediaCommands('takeAnswer', 'c1.1').length, 1);
    assert.equal(bench.call.state, 'with_bot');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('ends the call when the ACK of an offerless INVITE brings no answer', () => {
    const bench = new CallBench();
    bench.incoming({ sdp: null });
    bench.accepted('c1.2');
    assert.equal(bench.sent('bye', 'c1.1').length, 1);
    bench.assertOver();
  });

  for (const [status, told] of [
    [486, 486],
    [404, 404],
    [603, 603],
    [500, 503],
    [401, 503],
    [302, 503],
  ] as const) {
    it(`answers the caller ${told} when the bot answers ${status} and no destination takes over`, () => {
      const bench = new CallBench();
      bench.incoming();
      bench.rejected('c1.2', status);
      assert.equal(bench.sent('reject', 'c1.1')[0]?.status, told);
      assert.equal(bench.endRecord().sipStatus, told);
      bench.assertOver();
    });
  }

  it('gives up on a bot that does not answer in time: CANCEL, and the status of the project', () => {
    const bench = new CallBench();
    bench.incoming();
    bench.provisional('c1.2');
    bench.clock.advance(5_000);
    assert.equal(bench.sent('cancel', 'c1.2').length, 1);
    assert.equal(bench.sent('reject', 'c1.1')[0]?.status, 503);
    bench.assertOver();
  });

  it("hands an unanswered caller to the project's fallback by a bridged INVITE", () => {
    const bench = new CallBench({ project: makeProject({ botFailure: { to: 'desk', status: 503 } }) });
    bench.incoming();
    bench.rejected('c1.2', 503);
    assert.equal(bench.questions[0]?.question.event.kind, 'bot_unreachable');
    const agent = bench.sent('invite')[1]?.legId ?? '';
    assert.equal(agent, 'c1.3');
    bench.provisional(agent);
    assert.equal(bench.sent('provisional', 'c1.1').at(-1)?.status, 180);
    bench.accepted(agent);
    assert.equal(bench.sent('accept', 'c1.1').length, 1);
    assert.equal(bench.hears('c1.1'), agent);
    assert.equal(bench.call.state, 'with_agent');
    assert.equal(bench.result().outcome, 'completed');
    assert.equal(bench.result().reason, 'bot_failure');
    bench.bye(agent);
    bench.assertOver();
  });

  it('fails the call with the status of the project when the fallback is busy too', () => {
    const bench = new CallBench({ project: makeProject({ botFailure: { to: 'desk', status: 480 } }) });
    bench.incoming();
    bench.rejected('c1.2', 503);
    bench.rejected('c1.3', 486);
    assert.equal(bench.sent('reject', 'c1.1')[0]?.status, 480);
    assert.equal(bench.result().outcome, 'busy');
    bench.assertOver();
  });

  it('hands an answered caller to the fallback when the bot breaks down, with music meanwhile', () => {
    const bench = new CallBench({
      project: makeProject({ botFailure: { to: 'desk', status: 503 } }),
    }).withBot();
    bench.bye('c1.2', { Reason: 'SIP;cause=500;text="crashed"' });
    assert.equal(bench.hears('c1.1'), 'music');
    bench.accepted('c1.3');
    assert.equal(bench.hears('c1.1'), 'c1.3');
    assert.equal(bench.call.state, 'with_agent');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('counts a bot that sends no audio as dead', () => {
    const project = makeProject();
    const plan = makePlan(project, { bots: { reception: { ...BOT, mediaTimeoutMs: 4_000 } } });
    const bench = new CallBench({ project, plan }).withBot();
    assert.equal(bench.mediaCommands('watch', 'c1.2').length, 1);
    bench.media({ kind: 'mediaTimeout', legId: 'c1.2', silentMs: 4_000 });
    assert.equal(bench.sent('bye', 'c1.2').length, 1);
    assert.equal(bench.sent('bye', 'c1.1').length, 1);
    bench.assertOver();
  });

  it('ends the call when the caller sends no audio for too long, and after its longest duration', () => {
    const quiet = new CallBench({ project: makeProject({ callerMediaTimeoutMs: 30_000 }) }).withBot();
    quiet.media({ kind: 'mediaTimeout', legId: 'c1.1', silentMs: 30_000 });
    assert.equal(quiet.endRecord().cause, 'caller_media_timeout');
    quiet.assertOver();
    const long = new CallBench({ project: makeProject({ maxDurationMs: 60_000 }) }).withBot();
    long.clock.advance(60_000);
    assert.equal(long.endRecord().cause, 'max_duration');
    long.assertOver();
  });

  it('refuses a caller whose offer has no codec of ours with 488', () => {
    const bench = new CallBench();
    bench.incoming({ sdp: sdp('sendrecv', 'bad') });
    assert.equal(bench.sent('reject', 'c1.1')[0]?.status, 488);
    bench.assertOver();
  });

  it('refuses an INVITE that has no hop left with 483', () => {
    const bench = new CallBench();
    bench.incoming({ headers: { 'max-forwards': '0' } });
    assert.equal(bench.sent('reject', 'c1.1')[0]?.status, 483);
    assert.equal(bench.sent('invite').length, 0);
    bench.assertOver();
  });

  it('carries identity and context to the bot and hides routing and credentials', () => {
    const bench = new CallBench({
      project: makeProject({ carryHeaders: ['Geolocation-Routing', 'Via', 'Authorization'] }),
    });
    bench.incoming({
      headers: {
        'max-forwards': '20',
        'x-tier': 'gold',
        'p-asserted-identity': '<sip:ana@example.net>',
        'session-id': `${'a'.repeat(32)};remote=${'0'.repeat(32)}`,
        'geolocation-routing': 'yes',
        via: 'SIP/2.0/UDP sbc',
        'record-route': '<sip:sbc>',
        authorization: 'Digest secret',
        'user-agent': 'sbc',
        contact: '<sip:sbc>',
      },
    });
    const headers = bench.sent('invite')[0]!.headers;
    assert.equal(headers['X-Tier'], 'gold');
    assert.equal(headers['P-Asserted-Identity'], '<sip:ana@example.net>');
    assert.equal(headers['Geolocation-Routing'], 'yes');
    assert.equal(headers['Max-Forwards'], '19');
    assert.match(String(headers['Session-ID']), /^a{32}/);
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    for (const hidden of ['via', 'record-route', 'authorization', 'user-agent', 'contact']) {
      assert.equal(names.includes(hidden), false, hidden);
    }
  });

  it('ends on the order of an operator, and answers later orders with call_ending', () => {
    const bench = new CallBench();
    bench.auto.byes = false;
    bench.withBot();
    assert.deepEqual(bench.order({ kind: 'hangup', cause: 'operator' }), { accepted: true });
    const late = bench.order({ kind: 'hangup', cause: 'again' });
    assert.equal(late.accepted ? '' : late.code, 'call_ending');
    assert.equal(bench.ended, 0);
    bench.signal({ kind: 'gone', legId: 'c1.1' });
    bench.signal({ kind: 'gone', legId: 'c1.2' });
    bench.assertOver();
  });

  it('ends by force when the far side of a BYE is never heard of again', () => {
    const bench = new CallBench();
    bench.auto.byes = false;
    bench.withBot();
    bench.bye('c1.1');
    bench.clock.advance(35_000);
    assert.equal(bench.ended, 1);
    assert.deepEqual(bench.pendingTimers, []);
  });

  it('survives both sides hanging up at once', () => {
    const bench = new CallBench();
    bench.auto.byes = false;
    bench.withBot();
    bench.bye('c1.1');
    bench.bye('c1.2');
    bench.assertOver();
  });
});
