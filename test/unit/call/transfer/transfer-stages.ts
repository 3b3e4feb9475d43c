import assert from 'node:assert/strict';
import { TRANSFER_OUTCOMES } from '../../../../src/call/vocabulary.js';
import { CallBench, sdp } from '../../../support/call/call-bench.js';
import type { Destination } from '../../../../src/call/project.js';
import { DESTINATIONS, makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';

/** A state of a transfer, and how a fresh call gets there. */
export interface Stage {
  readonly name: string;
  readonly reach: () => CallBench;
}

const GROUP = {
  type: 'group',
  ringTimeoutMs: null,
  hours: null,
  maxConcurrent: 5,
  overflow: [],
} as const;

function bench(...settings: Parameters<typeof unanswered>): CallBench {
  return unanswered(...settings).withBot();
}

function unanswered(transfer: Parameters<typeof makeProject>[1], trunk = makeTrunk()): CallBench {
  const project = makeProject({ botFailure: { to: 'second', status: 503 } }, transfer);
  const onward = { ...DESTINATIONS['desk']!, name: 'onward', thenDial: 'p201' } as Destination;
  const group = { ...GROUP, members: ['desk', 'second'] };
  const together = { ...group, name: 'together', strategy: 'simultaneous' } as const;
  const chain = { ...group, name: 'chain', strategy: 'sequential' } as const;
  const plan = makePlan(project, { destinations: { ...DESTINATIONS, onward, together, chain } });
  const made = new CallBench({ project, plan, trunk });
  made.auto.requests = false;
  return made;
}

/** The bot fails before it has answered: the caller rings until a person is there. */
function botFailed(): CallBench {
  const made = unanswered({ method: 'invite' });
  made.incoming();
  made.rejected('c1.2', 503);
  return made;
}

/** Somebody else than the caller's side asks for the transfer. */
function asked(made: CallBench, leg: string, to: string): CallBench {
  made.request(leg, 'REFER', { headers: { 'refer-to': `<sip:${to}@relevo>` } });
  return made;
}
function after(made: CallBench, ...steps: ((made: CallBench) => void)[]): CallBench {
  made.transfer();
  for (const step of steps) step(made);
  return made;
}
function referred(
  step?: (made: CallBench) => void,
  referPolicy: 'terminate' | 'pass' = 'terminate',
): CallBench {
  const made = bench({}, makeTrunk({ referPolicy }));
  made.request('c1.1', 'REFER', { headers: { 'refer-to': '<sip:desk@relevo>' } });
  step?.(made);
  return made;
}
const press = (made: CallBench): void => {
  made.media({ kind: 'dtmf', legId: 'c1.3', digit: '1', durationMs: 100 });
};
const ring = (made: CallBench): void => made.provisional('c1.3');
const take = (made: CallBench): void => made.accepted('c1.3');
const reply = (made: CallBench): void => made.respond('REFER', 202);
const threeWay = { durationMs: 5_000, digit: '1' };
const attended = { mode: 'attended', acceptDigit: '1' } as const;

export const STAGES: readonly Stage[] = [
  { name: 'REFER sent', reach: () => after(bench({ method: 'refer' })) },
  {
    name: 'REFER probed',
    reach: () => after(bench({ method: 'refer' }), (made) => made.respond('REFER', 481)),
  },
  { name: 'REFER accepted', reach: () => after(bench({ method: 'refer' }), reply) },
  {
    name: 'REFER ringing',
    reach: () =>
      after(bench({ method: 'refer' }), reply, (made) => made.notify('c1.1', 'SIP/2.0 180 Ringing')),
  },
  {
    name: 'REFER done',
    reach: () =>
      after(bench({ method: 'refer' }), reply, (made) => made.notify('c1.1', 'SIP/2.0 200 OK', 'terminated')),
  },
  { name: 'INVITE sent', reach: () => after(bench({ method: 'invite' })) },
  { name: 'INVITE ringing', reach: () => after(bench({ method: 'invite' }), ring) },
  { name: 'INVITE joined', reach: () => after(bench({ method: 'invite' }), ring, take) },
  {
    name: 'announcing',
    reach: () =>
      after(
        bench({ method: 'invite', onFailure: ['announce', 'resume-bot'], announceFile: 'a.wav' }),
        (made) => made.rejected('c1.3', 486),
      ),
  },
  { name: 'consultation ringing', reach: () => after(bench(attended), ring) },
  { name: 'consultation at the gate', reach: () => after(bench(attended), take) },
  {
    name: 'consultation briefed',
    reach: () => after(bench({ ...attended, brief: 'audio', briefFile: 'b.wav' }), take),
  },
  { name: 'bot briefing', reach: () => after(bench({ ...attended, brief: 'bot' }), take) },
  {
    name: 'completing by Replaces',
    reach: () => after(bench({ ...attended, method: 'replaces' }), take, press),
  },
  { name: 'completing by REFER', reach: () => after(bench({ ...attended, method: 'refer' }), take, press) },
  { name: 'three talk', reach: () => after(bench({ ...attended, threeWay }), take, press) },
  {
    name: 'three talk, the agent holds',
    reach: () =>
      after(bench({ ...attended, threeWay }), take, press, (made) =>
        made.request('c1.3', 'INVITE', { body: sdp('sendonly') }),
      ),
  },
  {
    name: 'three talked, completing by Replaces',
    reach: () =>
      after(bench({ ...attended, threeWay, method: 'replaces' }), take, press, (made) =>
        made.info('c1.2', { event: 'done' }),
      ),
  },
  {
    name: 'three talked, the bot left, completing by REFER',
    reach: () =>
      after(bench({ ...attended, threeWay, method: 'refer' }), take, press, (made) => made.bye('c1.2')),
  },
  {
    name: 'the agent left the three',
    reach: () => after(bench({ ...attended, threeWay }), take, press, (made) => made.bye('c1.3')),
  },
  {
    name: 'the caller left the consultation: notice',
    reach: () => after(bench(attended), take, (made) => made.bye('c1.1')),
  },
  {
    name: 'the caller left the three: notice',
    reach: () => after(bench({ ...attended, threeWay }), take, press, (made) => made.bye('c1.1')),
  },
  {
    name: 'bot finishing its sentence',
    reach: () => after(bench({ method: 'invite', botFinishMs: 2_000 })),
  },
  {
    name: 'announcement before the hand-over',
    reach: () => after(bench({ method: 'refer', announceBeforeFile: 'a.wav' })),
  },
  {
    name: 'dialling on after the answer',
    reach: () => after(bench({ method: 'invite', to: 'onward' }), take),
  },
  { name: 'REFER of the caller side, ringing', reach: () => referred(ring) },
  { name: 'REFER of the caller side, referrer gone', reach: () => referred((made) => made.bye('c1.1')) },
  { name: 'REFER of the caller side, joined', reach: () => referred(take) },
  { name: 'REFER of the caller side passed on', reach: () => referred(undefined, 'pass') },
  {
    name: 'REFER of the caller side passed on and accepted',
    reach: () => referred((made) => made.respond('REFER', 202), 'pass'),
  },
  {
    name: 'two phones ringing',
    reach: () => after(bench({ method: 'invite', to: 'together' }), ring, (made) => made.provisional('c1.4')),
  },
  {
    name: 'two phones, one taken',
    reach: () => after(bench({ method: 'invite', to: 'together' }), ring, (made) => made.accepted('c1.4')),
  },
  {
    name: 'two phones, consulted',
    reach: () => after(bench({ ...attended, to: 'together' }), ring, take),
  },
  {
    name: 'second of a chain ringing',
    reach: () =>
      after(
        bench({ method: 'invite', to: 'chain' }),
        (made) => made.rejected('c1.3', 486),
        (made) => made.provisional('c1.4'),
      ),
  },
  {
    name: 'REFER refused, INVITE in its place',
    reach: () => after(bench({ method: 'auto' }), (made) => made.respond('REFER', 405), ring),
  },
  {
    name: 'the bot is heard while it rings',
    reach: () => after(bench({ method: 'invite', waiting: 'bot' }), ring),
  },
  {
    name: 'the bot has left while it rings',
    reach: () => after(bench({ method: 'invite' }), ring, (made) => made.bye('c1.2')),
  },
  {
    name: 'the caller holds while it rings',
    reach: () =>
      after(bench({ method: 'invite' }), ring, (made) =>
        made.request('c1.1', 'INVITE', { body: sdp('sendonly') }),
      ),
  },
  { name: 'caller not answered yet, dialling', reach: botFailed },
  {
    name: 'REFER of the bot, ringing',
    reach: () => {
      const made = asked(bench({ method: 'invite' }), 'c1.2', 'desk');
      ring(made);
      return made;
    },
  },
  {
    name: 'joined, back to the bot afterwards',
    reach: () => after(bench({ method: 'invite', afterAgent: 'resume-bot' }), ring, take),
  },
  {
    name: 'the person is there, the caller is being answered',
    reach: () => {
      const made = botFailed();
      made.auto.answers = false;
      take(made);
      return made;
    },
  },
  {
    name: 'concluded, the silence not measured yet',
    reach: () => {
      const made = bench({ method: 'invite' });
      made.auto.gaps = false;
      return after(made, ring, take);
    },
  },
  {
    name: 'completing by REFER, accepted',
    reach: () => after(bench({ ...attended, method: 'refer' }), take, press, reply),
  },
];

const LEGS = ['c1.1', 'c1.2', 'c1.3', 'c1.4', 'c1.9'] as const;

/** One thing that can happen, from whichever side. */
export interface Input {
  readonly name: string;
  readonly give: (made: CallBench) => void;
}

/** Everything that can happen, at every leg, whether or not it makes sense. */
export function inputs(): readonly Input[] {
  const out: Input[] = [];
  const add = (name: string, give: (made: CallBench) => void): void => {
    out.push({ name, give });
  };
  for (const leg of LEGS) {
    add(`180 on ${leg}`, (made) => made.provisional(leg));
    add(`183 on ${leg}`, (made) => made.provisional(leg, 183, sdp()));
    add(`200 on ${leg}`, (made) => made.accepted(leg));
    add(`200 with bad SDP on ${leg}`, (made) => made.accepted(leg, sdp('sendrecv', 'bad')));
    add(`200 without SDP on ${leg}`, (made) => made.accepted(leg, null));
    add(`BYE on ${leg}`, (made) => leave(made, leg));
    add(`BYE of the stack on ${leg}`, (made) => leave(made, leg, 'session timer'));
    add(`ACK on ${leg}`, (made) => made.signal({ kind: 'acked', legId: leg, requestId: null, sdp: null }));
    for (const method of ['INVITE', 'UPDATE', 'INFO', 'REFER', 'NOTIFY', 'MESSAGE', 'OPTIONS'] as const) {
      add(`${method} on ${leg}`, (made) => made.request(leg, method));
    }
    add(`offerless re-INVITE on ${leg}`, (made) => made.request(leg, 'INVITE', { body: null }));
    add(`resume on ${leg}`, (made) => made.request(leg, 'INVITE', { body: sdp('sendrecv') }));
    add(`re-INVITE with bad SDP on ${leg}`, (made) =>
      made.request(leg, 'INVITE', { body: sdp('sendrecv', 'bad') }),
    );
    add(`INVITE with Replaces of ${leg}`, (made) => replaces(made, leg));
    add(`gone once more on ${leg}`, (made) => {
      if (made.sent('bye', leg).length > 0) made.signal({ kind: 'gone', legId: leg });
    });
    add(`media of ${leg} lost`, (made) => made.media({ kind: 'closed', legId: leg, stats: null }));
    add(`media of ${leg} refused`, (made) => refuseMedia(made, leg));
    for (const [said, line, state, event] of NOTIFIES)
      add(`NOTIFY ${said} on ${leg}`, (made) => made.notify(leg, line, state, event));
    add(`hold on ${leg}`, (made) => made.request(leg, 'INVITE', { body: sdp('sendonly') }));
    add(`REFER to a destination on ${leg}`, (made) =>
      made.request(leg, 'REFER', { headers: { 'refer-to': '<sip:second@relevo>' } }),
    );
    add(`NOTIFY 200 on ${leg}`, (made) => made.notify(leg, 'SIP/2.0 200 OK', 'terminated'));
    add(`NOTIFY 486 on ${leg}`, (made) => made.notify(leg, 'SIP/2.0 486 Busy', 'terminated'));
    add(`NOTIFY terminated on ${leg}`, (made) => made.notify(leg, '', 'terminated'));
    add(`digit on ${leg}`, (made) => made.media({ kind: 'dtmf', legId: leg, digit: '1', durationMs: 80 }));
    add(`prompt ended on ${leg}`, (made) => made.media({ kind: 'played', legId: leg, promptId: 'announce' }));
    add(`brief ended on ${leg}`, (made) => made.media({ kind: 'played', legId: leg, promptId: 'brief' }));
    add(`notice ended on ${leg}`, (made) =>
      made.media({ kind: 'played', legId: leg, promptId: 'caller-gone' }),
    );
    add(`announcement ended on ${leg}`, (made) =>
      made.media({ kind: 'played', legId: leg, promptId: 'announce-before' }),
    );
    add(`silence on ${leg}`, (made) => made.media({ kind: 'mediaTimeout', legId: leg, silentMs: 5_000 }));
    add(`bot event on ${leg}`, (made) => made.info(leg, { event: 'transfer', to: 'second' }));
    add(`bot done on ${leg}`, (made) => made.info(leg, { event: 'done' }));
    add(`bot accept on ${leg}`, (made) => made.info(leg, { event: 'accept_transfer' }));
    add(`bot hang-up on ${leg}`, (made) => made.info(leg, { event: 'hangup' }));
    add(`bot cancel on ${leg}`, (made) => made.info(leg, { event: 'cancel_transfer' }));
  }
  for (const leg of ['c1.3', 'c1.4'] as const) add(`486 on ${leg}`, (made) => made.rejected(leg, 486));
  for (const status of [200, 202, 405, 481, 491, 500]) {
    for (const method of ['REFER', 'OPTIONS'] as const) {
      add(`${status} to ${method}`, (made) => {
        if (made.requests(method).length > 0) made.respond(method, status);
      });
    }
  }
  for (const timer of [
    'ring.c1.3',
    'ring.c1.4',
    'accept.c1.3',
    'brief.c1.3',
    'refer.reply',
    'refer.notify',
    'refer.late',
    'transfer.total',
    'transfer.announce',
    'transfer.finish',
    'transfer.before',
    'transfer.three_way',
    'notice.c1.3',
    'dial.c1.3',
    'transfer.gap',
    'away',
    'bot.answer',
    'nonsense',
  ]) {
    add(`timer ${timer}`, (made) => made.input({ port: 'timer', name: timer }));
  }
  for (const seconds of [1, 10, 30, 121])
    add(`${seconds} s pass`, (made) => made.clock.advance(seconds * 1_000));
  add('our 200 to the caller goes out', (made) => {
    if (made.sent('accept', 'c1.1').length > 0) made.established('c1.1');
  });
  add('a second order', (made) => made.transfer({ transferId: 't2' }));
  add('a cancelled order', (made) => made.order({ kind: 'cancelTransfer', transferId: 't1' }));
  add('the transfer in flight is cancelled', (made) => {
    const begun = made.records.filter((one) => one.kind === 'transfer.started').at(-1);
    assert.ok(begun?.kind === 'transfer.started');
    const { transferId } = begun;
    const { accepted } = made.order({ kind: 'cancelTransfer', transferId });
    if (!accepted) return;
    const result = made.results().find((one) => one.transferId === transferId);
    assert.equal(result?.outcome, 'cancelled', 'an accepted order to cancel is carried out at once');
  });
  add('an ordered hang-up', (made) => made.order({ kind: 'hangup', cause: 'operator' }));
  add('the media worker died', (made) => {
    for (const leg of LEGS) made.media({ kind: 'closed', legId: leg, stats: null });
  });
  add('an ordered end for shutdown', (made) => made.order({ kind: 'hangup', cause: 'shutdown' }));
  add('a reload', (made) => made.directory.swapPlan(makePlan(makeProject({}, { to: null }))));
  add('a cancelled order of another name', (made) =>
    made.order({ kind: 'cancelTransfer', transferId: 'nobody' }),
  );
  add('a late decision to transfer', (made) => decideLate(made));
  add('a turn', (made) => made.order({ kind: 'botEvent', event: { kind: 'no_input' } }));
  add('a decision that nobody awaits', (made) =>
    made.input({ port: 'policy', questionId: 'c1.q99', decision: { kind: 'none' }, late: true }),
  );
  add('a second INVITE', (made) => made.incoming());
  return out;
}

/** NOTIFYs beside the plain ones: what they say, the sipfrag, Subscription-State and Event. */
const NOTIFIES: readonly (readonly [string, string, string, string])[] = [
  ['100', 'SIP/2.0 100 Trying', 'active;expires=60', 'refer'],
  ['180', 'SIP/2.0 180 Ringing', 'active', 'refer'],
  ['200, subscription goes on', 'SIP/2.0 200 OK', 'active', 'refer'],
  ['200 without a reason', 'SIP/2.0 200', 'terminated;reason=noresource', 'refer'],
  ['of another id', 'SIP/2.0 200 OK', 'terminated', 'refer;id=987654'],
  ['of another package', 'SIP/2.0 200 OK', 'terminated', 'dialog'],
  ['of nonsense', 'hello', 'terminated', 'refer'],
];

/** The far end leaves: by CANCEL where its INVITE was not answered, else by BYE. */
function leave(made: CallBench, leg: string, byStack: string | null = null): void {
  if (leg === 'c1.1' && made.sent('accept', leg).length === 0) made.signal({ kind: 'cancelled', legId: leg });
  else made.signal({ kind: 'bye', legId: leg, headers: {}, byStack });
}

const REPLACING = ['c1.20', 'c1.21', 'c1.22', 'c1.23'];

/** An INVITE with Replaces of an allowed peer, which names this leg. */
function replaces(made: CallBench, replacesLegId: string): void {
  const invite = {
    sourceAddress: '198.51.100.9',
    sourcePort: 5060,
    transport: 'udp',
    requestUri: 'sip:relevo@203.0.113.10',
    called: 'relevo',
    caller: '+5491144440009',
    callerDisplayName: null,
    sipCallId: 'second@carrier',
    headers: { 'max-forwards': '70' },
    sdp: sdp(),
    peer: { allow: null, supported: null, userAgent: null },
  } as const;
  if (made.ended > 0) return;
  const { legs } = made.call.dump() as { legs: readonly { legId: string }[] };
  const legId = REPLACING.find((id) => !legs.some((leg) => leg.legId === id));
  if (legId === undefined) return;
  made.adopt(legId);
  made.signal({ kind: 'incomingReplaces', legId, replacesLegId, earlyOnly: false, invite });
}

/** Media says no to whatever was asked last for this leg. */
function refuseMedia(made: CallBench, legId: string): void {
  for (const kind of ['makeOffer', 'makeAnswer', 'takeAnswer'] as const) {
    const last = made.mediaCommands(kind, legId).at(-1);
    if (last === undefined || !('requestId' in last)) continue;
    const { requestId } = last;
    const refusal = { status: 503, code: 'no_ports', detail: 'no ports left' } as const;
    made.media({ kind: 'mediaFailed', legId, requestId, ...refusal });
  }
}

/** The policy decides after its deadline on a question that was asked. */
function decideLate(made: CallBench): void {
  made.order({ kind: 'botEvent', event: { kind: 'no_match' } });
  const questionId = made.questions.at(-1)?.question.questionId ?? 'c1.q1';
  const decision = {
    kind: 'transfer',
    rule: 'late',
    reason: 'user_request',
    evidence: 'e',
    to: 'second',
    mode: null,
    method: null,
  } as const;
  made.input({ port: 'policy', questionId, decision, late: true });
}

/** Whatever is still alive in the fakes is let go as a network would: the caller hangs up, time passes. */
export function finish(made: CallBench): void {
  if (made.ended === 0) leave(made, 'c1.1');
  made.clock.advance(200_000);
  // Where the caller's side was replaced, the new one is there still.
  for (const legId of ['c1.3', 'c1.2', ...REPLACING, 'c1.4', 'c1.5', 'c1.6', 'c1.7']) {
    if (made.ended > 0) return;
    leave(made, legId);
    made.clock.advance(200_000);
  }
}

/** Once no transfer is in flight no phone rings for it: whoever lost has its CANCEL. */
export function assertNobodyRings(made: CallBench): void {
  const { legs, transfers } = made.call.dump() as {
    legs: readonly { legId: string; party: string; state: string }[];
    transfers: { current: { phase: string } | null };
  };
  const phase = transfers.current?.phase ?? 'ended';
  if (!['concluding', 'ended'].includes(phase)) return;
  const ringing = legs.filter(({ party, state }) => party !== 'bot' && ['inviting', 'early'].includes(state));
  assert.deepEqual(ringing, []);
}

/** What must hold once a call with a transfer is over, whatever happened in it. */
export function assertNothingLeft(made: CallBench): void {
  assert.equal(made.ended, 1, 'the call ended, once');
  assert.deepEqual(made.pendingTimers, []);
  assert.deepEqual(made.breaches, []);
  assert.equal(made.eventNames().includes('internal_error'), false, 'no fault of ours');
  assert.equal(made.eventNames().includes('ending_forced'), false, 'it ended by itself');
  const started = made.records.flatMap((one) => (one.kind === 'transfer.started' ? [one.transferId] : []));
  assert.ok(started.length >= 1);
  assert.deepEqual(
    made.results().map(({ transferId }) => transferId),
    started,
    'exactly one terminal result for each transfer, in order',
  );
  for (const { outcome } of made.results()) assert.ok(TRANSFER_OUTCOMES.includes(outcome), outcome);
  // Media that was lost with its worker needs no close.
  const { legs } = made.call.dump() as { legs: readonly { legId: string; media: string }[] };
  for (const { legId, media } of legs) {
    assert.ok(media === 'closed' || media === 'unused', `${legId}: ${media}`);
    assert.ok(made.mediaCommands('close', legId).length <= 1, `${legId} is closed once`);
  }
  const { busy, slots } = made.directory.state(0);
  assert.deepEqual({ busy, slots }, { busy: {}, slots: {} }, 'no destination and no place is held');
}
