import assert from 'node:assert/strict';
import { TRANSFER_OUTCOMES } from '../../../../src/call/vocabulary.js';
import { CallBench, sdp } from '../../../support/call/call-bench.js';
import type { Destination } from '../../../../src/call/project.js';
import { DESTINATIONS, makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';

interface Stage {
  readonly name: string;
  readonly reach: () => CallBench;
}

function bench(transfer: Parameters<typeof makeProject>[1], trunk = makeTrunk()): CallBench {
  const project = makeProject({ botFailure: { to: 'second', status: 503 } }, transfer);
  const onward = { ...DESTINATIONS['desk']!, name: 'onward', thenDial: 'p201' } as Destination;
  const plan = makePlan(project, { destinations: { ...DESTINATIONS, onward } });
  const made = new CallBench({ project, plan, trunk });
  made.auto.requests = false;
  return made.withBot();
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

const STAGES: readonly Stage[] = [
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
    name: 'completing by REFER, accepted',
    reach: () => after(bench({ ...attended, method: 'refer' }), take, press, reply),
  },
];

const LEGS = ['c1.1', 'c1.2', 'c1.3', 'c1.4', 'c1.9'] as const;

function inputs(): { name: string; give: (made: CallBench) => void }[] {
  const out: { name: string; give: (made: CallBench) => void }[] = [];
  const add = (name: string, give: (made: CallBench) => void): void => {
    out.push({ name, give });
  };
  for (const leg of LEGS) {
    add(`180 on ${leg}`, (made) => made.provisional(leg));
    add(`183 on ${leg}`, (made) => made.provisional(leg, 183, sdp()));
    add(`200 on ${leg}`, (made) => made.accepted(leg));
    add(`200 with bad SDP on ${leg}`, (made) => made.accepted(leg, sdp('sendrecv', 'bad')));
    add(`200 without SDP on ${leg}`, (made) => made.accepted(leg, null));
    add(`BYE on ${leg}`, (made) => made.bye(leg));
    add(`BYE of the stack on ${leg}`, (made) =>
      made.signal({ kind: 'bye', legId: leg, headers: {}, byStack: 'session timer' }),
    );
    add(`ACK on ${leg}`, (made) => made.signal({ kind: 'acked', legId: leg, requestId: null, sdp: null }));
    for (const method of ['INVITE', 'UPDATE', 'INFO', 'REFER', 'NOTIFY', 'MESSAGE', 'OPTIONS'] as const) {
      add(`${method} on ${leg}`, (made) => made.request(leg, method));
    }
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
  add('a second order', (made) => made.transfer({ transferId: 't2' }));
  add('a cancelled order', (made) => made.order({ kind: 'cancelTransfer', transferId: 't1' }));
  add('an ordered hang-up', (made) => made.order({ kind: 'hangup', cause: 'operator' }));
  add('a turn', (made) => made.order({ kind: 'botEvent', event: { kind: 'no_input' } }));
  add('a decision that nobody awaits', (made) =>
    made.input({ port: 'policy', questionId: 'c1.q99', decision: { kind: 'none' }, late: true }),
  );
  add('a second INVITE', (made) => made.incoming());
  return out;
}

function idOfFirst(made: CallBench): string {
  const started = made.records.find((one) => one.kind === 'transfer.started');
  return started?.kind === 'transfer.started' ? started.transferId : '';
}

/** Whatever is still alive in the fakes is let go as a network would: the caller hangs up, time passes. */
function finish(made: CallBench): void {
  if (made.ended === 0) made.bye('c1.1');
  made.clock.advance(200_000);
  // Where the caller's side was replaced, the new one is there still.
  for (const legId of ['c1.3', 'c1.2']) if (made.ended === 0) made.bye(legId);
  made.clock.advance(200_000);
}

describe('every input in every state of a transfer, then the caller hangs up', () => {
  for (const stage of STAGES) {
    it(`${stage.name}: one terminal result, nothing left, nothing thrown`, () => {
      for (const { name, give } of inputs()) {
        const made = stage.reach();
        assert.equal(made.records.filter((one) => one.kind === 'transfer.started').length, 1);
        const firstId = idOfFirst(made);
        give(made);
        finish(made);
        try {
          assert.equal(made.ended, 1);
          assert.deepEqual(made.pendingTimers, []);
          assert.deepEqual(made.breaches, []);
          assert.equal(made.eventNames().includes('internal_error'), false, 'no fault of ours');
          assert.equal(made.eventNames().includes('ending_forced'), false, 'it ended by itself');
          const first = made.results().filter((one) => one.transferId === firstId);
          assert.equal(first.length, 1, 'exactly one terminal result');
          assert.ok(TRANSFER_OUTCOMES.includes(first[0]!.outcome));
          const started = made.records.filter((one) => one.kind === 'transfer.started').length;
          assert.equal(made.results().length, started, 'one result for each transfer');
          const opened = new Set(
            made
              .mediaCommands('makeOffer')
              .concat(made.mediaCommands('makeAnswer'))
              .map((one) => one.legId),
          );
          for (const leg of opened)
            assert.equal(made.mediaCommands('close', leg).length, 1, `${leg} is closed once`);
        } catch (cause) {
          throw new Error(`${stage.name} + ${name}: ${String(cause)}\n${JSON.stringify(made.call.dump())}`, {
            cause,
          });
        }
      }
    });
  }
});
