import assert from 'node:assert/strict';
import type { CallRecord } from '../../../../src/call/call-record.js';
import { nextListenerState } from '../../../../src/call/listen/listener-state.js';
import type { GroupDestination, ListenSettings, Project } from '../../../../src/call/project.js';
import { CallBench, sdp, type BenchOptions } from '../../../support/call/call-bench.js';
import { DESTINATIONS, makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';
import { replacingInvite } from '../../../support/call/replacing-invite.js';

const [CALLER, BOT, OPERATOR, NEXT] = ['c1.1', 'c1.2', 'c1.3', 'c1.4'] as const;
const LISTEN: ListenSettings = {
  allow: [{ to: 'sip:*@10.0.0.0/8', trunk: 'pbx' }],
  max: 2,
  ringTimeoutMs: 20_000,
  notice: 'none',
};
const TEAM: GroupDestination = {
  name: 'team',
  ringTimeoutMs: null,
  type: 'group',
  strategy: 'sequential',
  members: ['desk', 'second'],
  hours: null,
  maxConcurrent: null,
  overflow: [],
};

function withBot(
  more: Partial<Omit<Project, 'transfer'>> = {},
  transfer: Parameters<typeof makeProject>[1] = {},
  options: BenchOptions = {},
): CallBench {
  const project = makeProject({ listen: LISTEN, ...more }, transfer);
  const plan = makePlan(project, { destinations: { ...DESTINATIONS, team: TEAM } });
  return new CallBench({ project, plan, ...options }).withBot();
}
function listening(bench: CallBench, legId: string = OPERATOR, id = 'l1'): CallBench {
  assert.deepEqual(bench.listen('second', id), { accepted: true });
  bench.accepted(legId);
  return bench;
}
const events = (bench: CallBench): Extract<CallRecord, { kind: 'call.event' }>[] =>
  bench.records.filter((one) => one.kind === 'call.event').filter(({ name }) => name.startsWith('listener_'));
const names = (bench: CallBench): string[] => events(bench).map(({ name }) => name);
const lastDetail = (bench: CallBench) => events(bench).at(-1)!.detail;
const refusal = (bench: CallBench, to = 'second', id = 'l1'): string => {
  const result = bench.listen(to, id);
  return result.accepted ? 'accepted' : result.code;
};

describe('an operator who listens', () => {
  it('is called, hears caller and bot, and is told of in the events, with who asked', () => {
    const bench = withBot();
    assert.deepEqual(bench.listen(), { accepted: true });
    bench.provisional(OPERATOR);
    bench.provisional(OPERATOR, 183);
    assert.equal(bench.hears(OPERATOR), null);
    bench.accepted(OPERATOR);
    assert.equal(bench.hears(OPERATOR), `tap ${CALLER}`);
    assert.deepEqual(names(bench), ['listener_calling', 'listener_ringing', 'listener_started']);
    const { listener, to, by, destination, leg } = lastDetail(bench);
    assert.deepEqual([listener, to, by, destination, leg], ['l1', 'second', 'ana', 'second', OPERATOR]);
    assert.deepEqual([bench.hears(CALLER), bench.hears(BOT)], [BOT, CALLER]);
    assert.equal(bench.requests('INVITE').length, 0, 'nobody is asked for anything');
    const legs = bench.call.legs().map(({ legId, party }) => `${legId} ${party}`);
    assert.deepEqual(legs, [`${CALLER} caller`, `${BOT} bot`, `${OPERATOR} operator`]);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('is offered sendrecv in G.711, and told which call it is, but not by the identity of the caller', () => {
    const bench = withBot({ codecs: ['opus', 'PCMA', 'PCMU'] }, {}, { trunk: makeTrunk() });
    bench.listen();
    const [invite] = bench.sent('invite', OPERATOR);
    const offer = bench.mediaCommands('makeOffer', OPERATOR)[0]!;
    assert.ok(offer.kind === 'makeOffer');
    assert.deepEqual([offer.direction, offer.codecs], ['sendrecv', ['PCMA', 'PCMU']]);
    assert.equal(invite?.from.displayName, 'Listening: +5491144440000 to +5491155550000');
    assert.equal(invite.headers['Subject'], 'Listening: +5491144440000 to +5491155550000');
    assert.equal(invite.headers['X-Relevo-Call-Id'], 'c1');
    assert.equal(invite.headers['X-Relevo-Listener'], 'l1');
    assert.equal(invite.headers['X-Relevo-Project'], 'acme');
    assert.equal(invite.headers['P-Asserted-Identity'], undefined);
  });

  it('does not learn the number of a caller who withholds it', () => {
    const bench = withBot({});
    const hidden = new CallBench({
      project: makeProject({ listen: LISTEN }),
    }).withBot({ headers: { 'max-forwards': '70', privacy: 'id' } });
    hidden.listen();
    const [invite] = hidden.sent('invite', OPERATOR);
    assert.doesNotMatch(JSON.stringify([invite?.from, invite?.headers]), /5491144440000/);
    bench.bye(CALLER);
  });

  it('follows the call to the person, whom it hears with the caller', () => {
    const bench = listening(withBot());
    bench.transfer({ to: 'desk' });
    bench.accepted(NEXT);
    assert.equal(bench.call.state, 'with_agent');
    // What the caller hears is what the operator hears: nothing is switched for it.
    assert.equal(bench.hears(OPERATOR), `tap ${CALLER}`);
    assert.equal(bench.hears(CALLER), NEXT);
    assert.equal(bench.mediaCommands('hear', OPERATOR).length, 1);
    bench.bye(NEXT);
    assert.equal(bench.sent('bye', OPERATOR).length, 1);
    bench.assertOver();
  });

  it('hears the consultation end and three talk, from where the caller is', () => {
    const threeWay = { durationMs: 8_000, digit: '#' };
    const bench = listening(withBot({}, { mode: 'attended', acceptDigit: '1', threeWay }));
    bench.transfer({ to: 'desk' });
    bench.accepted(NEXT);
    bench.media({ kind: 'dtmf', legId: NEXT, digit: '1', durationMs: 100 });
    assert.equal(bench.hears(CALLER), `${BOT}+${NEXT}`);
    assert.equal(bench.hears(OPERATOR), `tap ${CALLER}`);
    bench.bye(NEXT);
    assert.equal(bench.call.state, 'with_bot');
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('hears the new phone of a caller who was replaced', () => {
    const bench = listening(withBot());
    const legId = 'c1.1001';
    bench.adopt(legId);
    bench.signal({
      kind: 'incomingReplaces',
      legId,
      replacesLegId: CALLER,
      earlyOnly: false,
      invite: {
        sourceAddress: '198.51.100.8',
        sourcePort: 5060,
        transport: 'udp',
        requestUri: 'sip:relevo',
        called: 'relevo',
        caller: '+5491144440000',
        callerDisplayName: null,
        sipCallId: 'second@carrier',
        headers: {},
        sdp: sdp(),
        peer: { allow: null, supported: null, userAgent: null },
      },
    });
    assert.equal(bench.hears(OPERATOR), `tap ${legId}`);
    bench.bye(legId);
    bench.assertOver();
  });

  it('hears whoever stays while the caller side hands itself over, then who comes', () => {
    const bench = listening(withBot());
    bench.request(CALLER, 'REFER', { headers: { 'refer-to': '<sip:desk@relevo>' } });
    bench.bye(CALLER);
    assert.equal(bench.hears(OPERATOR), `tap ${BOT}`);
    bench.accepted(NEXT);
    assert.equal(bench.hears(OPERATOR), `tap ${NEXT}`);
    bench.bye(NEXT);
    bench.assertOver();
  });

  it('is let go where the call leaves this node by REFER', () => {
    const bench = listening(withBot({}, { method: 'refer' }));
    bench.transfer({ to: 'desk' });
    bench.respond('REFER', 202);
    bench.notify(CALLER, 'SIP/2.0 200 OK', 'terminated');
    bench.bye(CALLER);
    const [bye] = bench.sent('bye', OPERATOR);
    assert.match(String(bye?.headers['Reason']), /Call transferred|caller hung up/);
    assert.equal(lastDetail(bench)['reason'], 'call_ended');
    bench.assertOver();
  });

  it('hangs up, and the call goes on', () => {
    const bench = listening(withBot());
    bench.bye(OPERATOR);
    assert.equal(bench.call.state, 'with_bot');
    assert.equal(lastDetail(bench)['reason'], 'hung_up');
    assert.equal(bench.sent('bye').length, 0);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('may hold and resume, and press keys: nobody else hears of it', () => {
    const bench = listening(withBot());
    const before = bench.commands.length;
    const hold = bench.request(OPERATOR, 'INVITE', { body: sdp('sendonly') });
    bench.signal({ kind: 'acked', legId: OPERATOR, requestId: hold, sdp: null });
    const resume = bench.request(OPERATOR, 'INVITE', { body: sdp('sendrecv') });
    bench.signal({ kind: 'acked', legId: OPERATOR, requestId: resume, sdp: null });
    const refresh = bench.request(OPERATOR, 'UPDATE');
    assert.deepEqual(
      [hold, resume, refresh].map((id) => bench.statusOf(id)),
      [200, 200, 200],
    );
    bench.media({ kind: 'dtmf', legId: OPERATOR, digit: '0', durationMs: 90 });
    const info = bench.request(OPERATOR, 'INFO', {
      contentType: 'application/dtmf-relay',
      body: 'Signal=0\r\nDuration=160\r\n',
    });
    assert.equal(bench.statusOf(info), 200);
    const said = bench.commands
      .slice(before)
      .filter(({ port }) => port === 'signalling' || port === 'media' || port === 'policy')
      .filter((one) => !JSON.stringify(one).includes(OPERATOR));
    assert.deepEqual(said, []);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('may neither hand the call on nor speak into it by requests', () => {
    const bench = listening(withBot());
    const refer = bench.request(OPERATOR, 'REFER', { headers: { 'refer-to': '<sip:desk@relevo>' } });
    const notify = bench.notify(OPERATOR, 'SIP/2.0 200 OK');
    const info = bench.info(OPERATOR, { event: 'hangup' });
    const message = bench.request(OPERATOR, 'MESSAGE', { body: 'hi', contentType: 'text/plain' });
    assert.deepEqual(
      [refer, notify, info, message].map((id) => bench.statusOf(id)),
      [603, 481, 415, 415],
    );
    assert.equal(bench.call.state, 'with_bot');
  });

  it('cannot be replaced by another phone', () => {
    const bench = listening(withBot());
    const legId = 'c1.1001';
    bench.adopt(legId);
    const invite = replacingInvite(sdp());
    bench.signal({ kind: 'incomingReplaces', legId, replacesLegId: OPERATOR, earlyOnly: false, invite });
    assert.equal(bench.sent('reject', legId)[0]?.status, 603);
    bench.bye(OPERATOR);
    assert.equal(lastDetail(bench)['reason'], 'hung_up');
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('dials on where its destination has digits after the answer', () => {
    const project = makeProject({ listen: LISTEN });
    const second = { ...DESTINATIONS['second']!, thenDial: '42p7' } as (typeof DESTINATIONS)[string];
    const plan = makePlan(project, { destinations: { ...DESTINATIONS, second } });
    const bench = listening(new CallBench({ project, plan }).withBot());
    bench.clock.advance(5_000);
    const sent = bench
      .mediaCommands('sendDtmf', OPERATOR)
      .map((one) => (one.kind === 'sendDtmf' ? one.digits : ''));
    assert.deepEqual(sent, ['42', '7']);
  });

  it('is told of new ports after a media worker was lost, and let go where it will not have them', () => {
    const bench = listening(withBot());
    bench.media({ kind: 'mediaMoved', legId: OPERATOR });
    assert.equal(bench.requests('INVITE', OPERATOR).length, 1);
    assert.equal(bench.call.state, 'with_bot');
    bench.auto.requests = false;
    bench.media({ kind: 'mediaMoved', legId: OPERATOR });
    bench.respond('INVITE', 488);
    assert.deepEqual([lastDetail(bench)['reason'], bench.call.state], ['lost', 'with_bot']);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('is let go alone where its media is lost for good, and a muted one is no trouble', () => {
    const bench = listening(withBot());
    bench.media({ kind: 'oneWayAudio', legId: OPERATOR, missing: 'received', forMs: 10_000 });
    assert.equal(bench.eventNames().includes('one_way_audio'), false);
    bench.media({ kind: 'mediaLost', legId: OPERATOR, detail: 'gone' });
    assert.equal(lastDetail(bench)['reason'], 'lost');
    assert.equal(bench.call.state, 'with_bot');
  });
});

describe('a listener who is not reached', () => {
  for (const [status, reason] of [
    [486, 'busy'],
    [603, 'declined'],
    [404, 'bad_destination'],
    [503, 'unavailable'],
    [302, 'unavailable'],
    [499, 'failed'],
  ] as const)
    it(`ends with ${status} as ${reason}, and the call goes on`, () => {
      const bench = withBot();
      bench.listen();
      bench.rejected(OPERATOR, status);
      assert.deepEqual([lastDetail(bench)['status'], lastDetail(bench)['reason']], [status, reason]);
      assert.equal(bench.call.state, 'with_bot');
      assert.equal(bench.sent('invite').length, 2, 'nobody else is called, also not by a redirection');
      bench.bye(CALLER);
      bench.assertOver();
    });

  it('gets CANCEL after ring_timeout; an answer that crosses it gets BYE', () => {
    const bench = withBot();
    bench.auto.cancels = false;
    bench.listen();
    bench.provisional(OPERATOR);
    bench.clock.advance(20_000);
    assert.equal(bench.sent('cancel', OPERATOR).length, 1);
    assert.equal(lastDetail(bench)['reason'], 'no_answer');
    bench.accepted(OPERATOR);
    assert.equal(bench.sent('bye', OPERATOR).length, 1);
    assert.equal(bench.hears(OPERATOR), null);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('is followed by the next one of its group', () => {
    const bench = withBot();
    bench.listen('team');
    bench.provisional(OPERATOR);
    bench.rejected(OPERATOR, 486);
    assert.equal(bench.sent('invite', NEXT)[0]?.uri, 'sip:202@10.0.0.7:5080');
    bench.provisional(NEXT);
    bench.accepted(NEXT);
    assert.equal(bench.hears(NEXT), `tap ${CALLER}`);
    assert.deepEqual(names(bench), [
      'listener_calling',
      'listener_ringing',
      'listener_not_reached',
      'listener_calling',
      'listener_ringing',
      'listener_started',
    ]);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('whose answer cannot be used is let go with BYE', () => {
    const bench = withBot();
    bench.listen();
    bench.accepted(OPERATOR, sdp('sendrecv', 'bad'));
    assert.equal(bench.sent('bye', OPERATOR).length, 1);
    assert.equal(lastDetail(bench)['reason'], 'media_failed');
    bench.bye(CALLER);
    bench.assertOver();
  });
});

describe('listening that is stopped', () => {
  const stop = (bench: CallBench, listenerId = 'l1') => bench.order({ kind: 'stopListening', listenerId });

  it('while it rings: CANCEL; a 200 that crosses it: BYE, and nothing is heard', () => {
    const bench = withBot();
    bench.auto.cancels = false;
    bench.listen();
    bench.provisional(OPERATOR);
    assert.deepEqual(stop(bench), { accepted: true });
    assert.equal(bench.sent('cancel', OPERATOR).length, 1);
    bench.accepted(OPERATOR);
    assert.equal(bench.sent('bye', OPERATOR).length, 1);
    assert.equal(bench.hears(OPERATOR), null);
    assert.deepEqual(names(bench), ['listener_calling', 'listener_ringing', 'listener_ended']);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('while it is heard: BYE with a Reason; a second order finds nobody', () => {
    const bench = listening(withBot());
    stop(bench);
    assert.match(String(bench.sent('bye', OPERATOR)[0]?.headers['Reason']), /Listening was stopped/);
    const again = stop(bench);
    assert.equal(again.accepted ? '' : again.code, 'unknown_listener');
    assert.equal(lastDetail(bench)['reason'], 'stopped');
    assert.equal(bench.call.state, 'with_bot');
  });

  it('one of two: the other one goes on', () => {
    const bench = listening(listening(withBot()), NEXT, 'l2');
    stop(bench, 'l1');
    assert.equal(bench.sent('bye', NEXT).length, 0);
    assert.equal(bench.hears(NEXT), `tap ${CALLER}`);
    bench.bye(CALLER);
    assert.equal(bench.sent('bye', NEXT).length, 1);
    bench.assertOver();
  });

  it('by the end of the call while it rings: CANCEL, and the call waits for nobody but its legs', () => {
    const bench = withBot();
    bench.listen();
    bench.provisional(OPERATOR);
    bench.bye(CALLER);
    assert.match(String(bench.sent('cancel', OPERATOR)[0]?.headers['Reason']), /caller hung up/);
    bench.assertOver();
    const order = bench.records.map((one) => (one.kind === 'call.event' ? one.name : one.kind));
    assert.ok(order.indexOf('listener_ended') < order.indexOf('call.ended'));
  });
});

describe('a notice to those who are heard', () => {
  const beeps = (bench: CallBench, legId: string): number => bench.mediaCommands('beep', legId).length;
  const counts = (bench: CallBench): number[] =>
    [CALLER, BOT, 'c1.3', 'c1.4'].map((leg) => beeps(bench, leg));

  it('comes when listening begins and every 15 s, to caller and person, while anybody listens', () => {
    const bench = withBot({ listen: { ...LISTEN, notice: 'beep' } });
    bench.listen();
    bench.clock.advance(3_000);
    assert.deepEqual(counts(bench), [0, 0, 0, 0], 'nobody listens yet');
    bench.accepted(OPERATOR);
    assert.deepEqual(counts(bench), [1, 0, 0, 0]);
    listening(bench, NEXT, 'l2');
    assert.deepEqual(counts(bench), [1, 0, 0, 0], 'one more listener is no news');
    bench.clock.advance(15_000);
    assert.deepEqual(counts(bench), [2, 0, 0, 0]);
    bench.transfer({ to: 'desk' });
    bench.accepted('c1.5');
    bench.bye(OPERATOR);
    bench.clock.advance(15_000);
    assert.deepEqual(counts(bench), [3, 0, 0, 0]);
    assert.equal(beeps(bench, 'c1.5'), 1);
    bench.bye(NEXT);
    bench.clock.advance(60_000);
    assert.deepEqual(counts(bench), [3, 0, 0, 0], 'nobody listens any more');
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('does not come unless the project wants it', () => {
    const bench = listening(withBot());
    bench.clock.advance(60_000);
    assert.deepEqual(counts(bench), [0, 0, 0, 0]);
  });
});

describe('listening that is refused', () => {
  it('where the project has no `listen`', () => {
    assert.equal(refusal(withBot({ listen: null })), 'listen_off');
  });

  it('where the media cannot mix', () => {
    assert.equal(refusal(withBot({}, {}, { mixes: false })), 'listen_unsupported');
  });

  it('for a target that is neither a destination nor allowed; transfer.allow does not count', () => {
    const transfer = { allow: [{ to: 'sip:*@192.0.2.0/24', trunk: 'pbx' }] };
    const bench = withBot({}, transfer);
    assert.equal(refusal(bench, 'sip:boss@192.0.2.7'), 'listener_not_allowed');
    assert.equal(refusal(bench, '+18005550100'), 'listener_not_allowed');
    assert.equal(refusal(bench, 'sip:boss@10.1.2.3:5066'), 'accepted');
    assert.equal(bench.sent('invite', OPERATOR)[0]?.uri, 'sip:boss@10.1.2.3:5066');
  });

  it('for a number that its trunk denies', () => {
    const project = makeProject({ listen: LISTEN });
    const plan = makePlan(project, {
      trunks: { carrier: makeTrunk({ deny: ['+549*'] }), pbx: makeTrunk({ name: 'pbx' }) },
    });
    assert.equal(refusal(new CallBench({ project, plan }).withBot(), 'front'), 'listener_not_allowed');
  });

  it('beyond `max`, until one has ended; the same id again is the same request', () => {
    const bench = listening(listening(withBot()), NEXT, 'l2');
    assert.equal(refusal(bench, 'second', 'l3'), 'too_many_listeners');
    assert.equal(refusal(bench, 'second', 'l2'), 'accepted');
    assert.equal(bench.sent('invite').length, 4 - 1);
    bench.bye(OPERATOR);
    assert.equal(refusal(bench, 'second', 'l3'), 'accepted');
  });

  it('where no session of the trunk is free; what was taken is given back in every case', () => {
    const taken: string[] = [];
    let room = 1;
    const sessions = {
      take: (trunk: string) => {
        if (room === 0) return 'trunk_call_limit';
        room -= 1;
        taken.push(trunk);
        return null;
      },
      release: (trunk: string) => {
        room += 1;
        taken.splice(taken.indexOf(trunk), 1);
      },
    };
    const bench = withBot({}, {}, { sessions });
    assert.equal(refusal(bench), 'accepted');
    assert.deepEqual(taken, ['pbx']);
    assert.equal(refusal(bench, 'second', 'l2'), 'trunk_full');
    bench.rejected(OPERATOR, 486);
    assert.deepEqual(taken, []);
    assert.equal(refusal(bench, 'second', 'l3'), 'accepted');
    bench.bye(CALLER);
    assert.deepEqual(taken, []);
    bench.assertOver();
  });

  it('once the call is ending', () => {
    const bench = withBot();
    bench.auto.byes = false;
    bench.order({ kind: 'hangup', cause: 'x' });
    assert.equal(refusal(bench), 'call_ending');
  });
});

describe('the states of a listener', () => {
  it('lead from calling to the end, and never back from it', () => {
    assert.equal(nextListenerState('calling', 'answer'), 'listening');
    assert.equal(nextListenerState('ringing', 'next'), 'calling');
    for (const trigger of ['ring', 'answer', 'next', 'end'] as const)
      assert.equal(nextListenerState('ended', trigger), null);
    assert.equal(nextListenerState('listening', 'ring'), null);
  });
});
