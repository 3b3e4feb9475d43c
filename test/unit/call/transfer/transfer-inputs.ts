import assert from 'node:assert/strict';
import { sdp, type CallBench } from '../../../support/call/call-bench.js';
import { makePlan, makeProject } from '../../../support/call/call-plan.js';

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
export function leave(made: CallBench, leg: string, byStack: string | null = null): void {
  if (leg === 'c1.1' && made.sent('accept', leg).length === 0) made.signal({ kind: 'cancelled', legId: leg });
  else made.signal({ kind: 'bye', legId: leg, headers: {}, byStack });
}

export const REPLACING = ['c1.20', 'c1.21', 'c1.22', 'c1.23'];

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
