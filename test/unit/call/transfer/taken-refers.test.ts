import assert from 'node:assert/strict';
import { CallBench } from '../../../support/call/call-bench.js';
import { BOT, DESTINATIONS, makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';
import type { GroupDestination, ReferPolicy } from '../../../../src/call/project.js';

const DESK = { 'refer-to': '<sip:desk@relevo>', 'referred-by': '<sip:ana@carrier>' };

function bench(policies: { trunk?: ReferPolicy; bot?: ReferPolicy; pbx?: ReferPolicy } = {}): CallBench {
  const project = makeProject({ callerMediaTimeoutMs: 0 });
  const carrier = makeTrunk({ referPolicy: policies.trunk ?? 'terminate' });
  const pbx = makeTrunk({
    name: 'pbx',
    hosts: ['sip:10.0.0.7:5080'],
    referPolicy: policies.pbx ?? 'terminate',
  });
  const bots = { reception: { ...BOT, referPolicy: policies.bot ?? ('terminate' as const) } };
  const plan = makePlan(project, { bots, trunks: { carrier, pbx }, destinations: DESTINATIONS });
  return new CallBench({ project, plan, trunk: carrier }).withBot();
}
const frags = (made: CallBench, legId: string): string[] =>
  made.requests('NOTIFY', legId).map((one) => (one.body ?? '').trim());

describe('REFER of the caller side', () => {
  it('is terminated here: the target is dialled first, joined with the bot, then the referrer gets BYE', () => {
    const made = bench();
    const refer = made.request('c1.1', 'REFER', { headers: DESK });
    assert.equal(made.statusOf(refer), 202);
    const invite = made.sent('invite').at(-1)!;
    assert.equal(invite.uri, 'sip:201@10.0.0.7:5080');
    assert.equal(invite.from.user, '+5491155550000', 'it is from the number that was called');
    assert.equal(invite.headers['Referred-By'], '<sip:ana@carrier>');
    made.provisional('c1.3');
    assert.equal(made.sent('bye').length, 0);
    made.accepted('c1.3');
    assert.equal(made.hears('c1.3'), 'c1.2');
    assert.equal(made.hears('c1.2'), 'c1.3');
    assert.deepEqual(frags(made, 'c1.1'), ['SIP/2.0 100 Trying', 'SIP/2.0 180 Ringing', 'SIP/2.0 200 OK']);
    assert.equal(made.sent('bye', 'c1.1').length, 1);
    assert.equal(made.call.state, 'with_bot');
    assert.equal(made.result().outcome, 'completed');
    made.bye('c1.3');
    assert.equal(made.endRecord().endedBy, 'caller');
    made.assertOver();
  });

  it('gapMs is what the referrer was sent until it was let go, also where it hangs up by itself', () => {
    for (const leaves of [false, true]) {
      const made = bench();
      made.auto.gapMs = 35;
      made.request('c1.1', 'REFER', { headers: DESK });
      if (leaves) made.bye('c1.1');
      made.accepted('c1.3');
      assert.deepEqual(
        made.mediaCommands('startGap').map(({ legId }) => legId),
        ['c1.1'],
      );
      assert.equal(made.result().gapMs, 35, `leaves by itself: ${leaves}`);
      assert.equal(made.mediaCommands('stopGap').length, 1);
    }
  });

  it('that fails leaves the call as it was and is told so', () => {
    const made = bench();
    made.request('c1.1', 'REFER', { headers: DESK });
    made.rejected('c1.3', 486);
    assert.equal(frags(made, 'c1.1').at(-1), 'SIP/2.0 486 Busy Here');
    assert.equal(made.result().outcome, 'busy');
    assert.equal(made.hears('c1.1'), 'c1.2');
    assert.equal(made.call.state, 'with_bot');
    made.bye('c1.1');
    made.assertOver();
  });

  it('survives the early BYE of the referrer: the bot waits and is joined with the target', () => {
    const made = bench();
    made.request('c1.1', 'REFER', { headers: DESK });
    made.bye('c1.1');
    assert.equal(made.ended, 0);
    made.accepted('c1.3');
    assert.equal(made.hears('c1.2'), 'c1.3');
    assert.equal(made.result().outcome, 'completed');
    made.bye('c1.2');
    made.assertOver();
  });

  it('ends the call where the referrer left and the target cannot be reached', () => {
    const made = bench();
    made.request('c1.1', 'REFER', { headers: DESK });
    made.bye('c1.1');
    made.rejected('c1.3', 404);
    assert.equal(made.result().outcome, 'bad_destination');
    assert.match(made.endRecord().cause, /transfer_failed/);
    made.assertOver();
  });

  it('ends where the bot hangs up meanwhile: CANCEL to the target', () => {
    const made = bench();
    made.request('c1.1', 'REFER', { headers: DESK });
    made.provisional('c1.3');
    made.bye('c1.2');
    assert.equal(made.sent('cancel', 'c1.3').length, 1);
    assert.equal(made.result().outcome, 'failed');
    made.assertOver();
  });

  it('with Replaces goes out as INVITE with that Replaces', () => {
    const made = bench();
    const value = 'xyz%40pbx%3Bto-tag%3D1%3Bfrom-tag%3D2';
    made.request('c1.1', 'REFER', { headers: { 'refer-to': `<sip:desk@relevo?Replaces=${value}>` } });
    const invite = made.sent('invite').at(-1)!;
    assert.equal(invite.headers['Replaces'], 'xyz@pbx;to-tag=1;from-tag=2');
    assert.equal(invite.headers['Require'], 'replaces');
  });

  it('to a target that the project does not allow gets 603, before any SIP', () => {
    const made = bench();
    const refer = made.request('c1.1', 'REFER', { headers: { 'refer-to': '<sip:+1900@x>' } });
    assert.equal(made.statusOf(refer), 603);
    assert.equal(made.result().outcome, 'not_allowed');
    assert.equal(made.sent('invite').length, 1);
  });

  it('refer_policy reject: 603, and nothing else', () => {
    const made = bench({ trunk: 'reject' });
    assert.equal(made.statusOf(made.request('c1.1', 'REFER', { headers: DESK })), 603);
    assert.equal(made.results().length, 0);
  });

  it('refer_policy pass: the bot is asked to dial, its NOTIFYs are relayed, and both legs end', () => {
    const made = bench({ trunk: 'pass' });
    made.request('c1.1', 'REFER', { headers: DESK });
    const [refer] = made.requests('REFER', 'c1.2');
    assert.equal(refer?.headers['Refer-To'], '<sip:201@10.0.0.7:5080>');
    made.respond('REFER', 202);
    made.notify('c1.2', 'SIP/2.0 180 Ringing');
    made.notify('c1.2', 'SIP/2.0 200 OK', 'terminated');
    assert.deepEqual(frags(made, 'c1.1'), ['SIP/2.0 100 Trying', 'SIP/2.0 180 Ringing', 'SIP/2.0 200 OK']);
    assert.equal(made.result().outcome, 'completed');
    made.bye('c1.1');
    made.assertOver();
  });

  it('Refer-Sub: false (RFC 4488) gets no NOTIFY', () => {
    const made = bench();
    made.request('c1.1', 'REFER', { headers: { ...DESK, 'refer-sub': 'false' } });
    made.accepted('c1.3');
    assert.equal(made.requests('NOTIFY').length, 0);
    assert.equal(made.sent('respond').at(-1)?.headers['Refer-Sub'], 'false');
  });
});

describe('REFER of the bot and of the person, by policy', () => {
  it('of the bot, passed: the caller side is asked by REFER, and the bot is told by NOTIFY', () => {
    const made = bench({ bot: 'pass' });
    made.request('c1.2', 'REFER', {
      headers: { 'refer-to': '<sip:desk@x?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>' },
    });
    const [refer] = made.requests('REFER', 'c1.1');
    assert.match(
      String(refer?.headers['Refer-To']),
      /^<sip:201@10\.0\.0\.7:5080\?Replaces=a%40b%3Bto-tag%3D1/,
    );
    made.respond('REFER', 202);
    made.notify('c1.1', 'SIP/2.0 200 OK', 'terminated');
    assert.equal(frags(made, 'c1.2').at(-1), 'SIP/2.0 200 OK');
    assert.equal(made.result().outcome, 'completed');
    made.bye('c1.1');
    made.assertOver();
  });

  it('of the bot, passed and refused by the caller side: the bot is told and goes on, nobody is dialled', () => {
    const made = bench({ bot: 'pass' });
    made.request('c1.2', 'REFER', { headers: DESK });
    made.respond('REFER', 405);
    assert.equal(made.result().outcome, 'refer_rejected');
    assert.equal(made.sent('invite').length, 1);
    assert.equal(frags(made, 'c1.2').at(-1), 'SIP/2.0 503 Service Unavailable');
    assert.equal(made.hears('c1.1'), 'c1.2');
    made.bye('c1.1');
    made.assertOver();
  });

  it('of the bot, rejected: 603', () => {
    const made = bench({ bot: 'reject' });
    assert.equal(made.statusOf(made.request('c1.2', 'REFER', { headers: DESK })), 603);
  });

  it('of the person follows the trunk that the person was dialled by', () => {
    const made = bench({ pbx: 'reject' });
    made.transfer();
    made.accepted('c1.3');
    assert.equal(made.statusOf(made.request('c1.3', 'REFER', { headers: DESK })), 603);
  });

  it('of the person moves the caller to a second person; a third may follow', () => {
    const made = bench();
    made.transfer();
    made.accepted('c1.3');
    for (const [from, to, legId] of [
      ['c1.3', 'second', 'c1.4'],
      ['c1.4', 'desk', 'c1.5'],
    ] as const) {
      made.request(from, 'REFER', { headers: { 'refer-to': `<sip:${to}@relevo>` } });
      made.accepted(legId);
      assert.equal(made.hears('c1.1'), legId);
      assert.equal(made.sent('bye', from).length, 1);
    }
    assert.deepEqual(
      made.results().map((one) => one.outcome),
      ['completed', 'completed', 'completed'],
    );
    made.bye('c1.1');
    made.assertOver();
  });

  it('with a Replaces that names a dialog of this very call is declined: nobody is joined with itself', () => {
    const made = bench();
    made.transfer();
    made.accepted('c1.3');
    const value = encodeURIComponent('abc@carrier;to-tag=us;from-tag=them');
    const headers = { 'refer-to': `<sip:desk@relevo?Replaces=${value}>` };
    assert.equal(made.statusOf(made.request('c1.3', 'REFER', { headers })), 603);
    assert.equal(made.hears('c1.1'), 'c1.3');
  });

  it('of the caller side while a person has the call joins that person with the target', () => {
    const made = bench();
    made.transfer();
    made.accepted('c1.3');
    made.request('c1.1', 'REFER', { headers: { 'refer-to': '<sip:second@relevo>' } });
    made.accepted('c1.4');
    assert.equal(made.hears('c1.3'), 'c1.4');
    assert.equal(made.call.state, 'with_agent');
    made.bye('c1.3');
    made.assertOver();
  });
});

describe('REFER of ours without a subscription (RFC 4488)', () => {
  it('refer_sub: false asks for no NOTIFY; the 202 is all that comes', () => {
    const project = makeProject({}, { method: 'refer' });
    const made = new CallBench({ project, trunk: makeTrunk({ referSub: false }) }).withBot();
    made.transfer();
    const [refer] = made.requests('REFER', 'c1.1');
    assert.equal(refer?.headers['Refer-Sub'], 'false');
    assert.equal(refer.headers['Supported'], 'norefersub');
    made.respond('REFER', 202, { 'refer-sub': 'false' });
    assert.equal(made.result().outcome, 'completed_unconfirmed');
    made.bye('c1.1');
    made.assertOver();
  });
});

describe('a simultaneous group: two answers race', () => {
  const group: GroupDestination = {
    name: 'team',
    ringTimeoutMs: null,
    type: 'group',
    strategy: 'simultaneous',
    members: ['desk', 'second'],
    hours: null,
    maxConcurrent: null,
    overflow: [],
  };
  function ringing(acceptDigit: string | null): CallBench {
    const project = makeProject({}, { to: 'team', acceptDigit });
    const plan = makePlan(project, { destinations: { ...DESTINATIONS, team: group } });
    const made = new CallBench({ project, plan }).withBot();
    made.auto.cancels = false;
    made.transfer();
    made.provisional('c1.3');
    made.provisional('c1.4');
    return made;
  }

  it('the 200 of the loser crosses our CANCEL: ACK and BYE, one attempt record each', () => {
    const made = ringing(null);
    made.accepted('c1.4');
    assert.equal(made.sent('cancel', 'c1.3').length, 1);
    made.accepted('c1.3');
    assert.equal(made.sent('bye', 'c1.3').length, 1);
    assert.equal(made.hears('c1.1'), 'c1.4');
    const { attempts } = made.result();
    assert.deepEqual(
      attempts.map((one) => [one.destination, one.sipStatus, one.endedBy]),
      [
        ['desk', null, 'relevo'],
        ['second', 200, null],
      ],
    );
    made.bye('c1.1');
    made.assertOver();
  });

  it('both are at the accept gate: the one who presses first has the call, the other gets BYE', () => {
    const made = ringing('1');
    made.accepted('c1.3');
    made.accepted('c1.4');
    made.media({ kind: 'dtmf', legId: 'c1.3', digit: '1', durationMs: 100 });
    made.media({ kind: 'dtmf', legId: 'c1.4', digit: '1', durationMs: 100 });
    assert.equal(made.hears('c1.1'), 'c1.3');
    assert.equal(made.sent('bye', 'c1.4').length, 1);
    assert.equal(made.result().attempts.length, 2);
    made.bye('c1.1');
    made.assertOver();
  });
});
