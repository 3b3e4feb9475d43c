import assert from 'node:assert/strict';
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
  const listen = { allow: [], max: 2, ringTimeoutMs: 25_000, notice: 'none' } as const;
  const project = makeProject({ botFailure: { to: 'second', status: 503 }, listen }, transfer);
  const onward = { ...DESTINATIONS['desk']!, name: 'onward', thenDial: 'p201' } as Destination;
  const group = { ...GROUP, members: ['desk', 'second'] };
  const together = { ...group, name: 'together', strategy: 'simultaneous' } as const;
  const chain = { ...group, name: 'chain', strategy: 'sequential' } as const;
  const pbx = makeTrunk({ name: 'pbx', hosts: ['sip:10.0.0.7:5080'] });
  const trunks = { carrier: trunk, pbx };
  const plan = makePlan(project, { trunks, destinations: { ...DESTINATIONS, onward, together, chain } });
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

/** The agent was reached, and has not taken the call: it sends it on. */
function sentOn(made: CallBench, step: (made: CallBench) => void): CallBench {
  after(made, take);
  step(asked(made, 'c1.3', 'second'));
  return made;
}

/** The agent has the caller, and transfers it onward. */
function onward(step: (made: CallBench) => void): CallBench {
  const made = after(bench({ method: 'invite' }), ring, take);
  step(asked(made, 'c1.3', 'second'));
  return made;
}

/** The phone is forwarded to another place, and that is dialled. */
function redirected(step: (made: CallBench) => void): CallBench {
  const made = bench({ method: 'invite', to: 'front' }, makeTrunk({ followRedirects: true }));
  const headers = { contact: '<sip:second@relevo>' };
  return after(
    made,
    (one) => one.signal({ kind: 'rejected', legId: 'c1.3', status: 302, reason: 'Moved', headers }),
    (one) => assert.equal(one.sent('invite', 'c1.4').length, 1, 'the redirection is followed'),
    step,
  );
}

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
    name: 'agent at the gate sends the call on, ringing',
    reach: () => sentOn(bench(attended), (made) => made.provisional('c1.4')),
  },
  {
    name: 'agent at the gate sent the call on and left',
    reach: () => sentOn(bench(attended), (made) => made.bye('c1.3')),
  },
  {
    name: 'agent at the gate sent the call on, answered',
    reach: () => sentOn(bench(attended), (made) => made.accepted('c1.4')),
  },
  {
    name: 'agent transfers onward, ringing',
    reach: () => onward((made) => made.provisional('c1.4')),
  },
  { name: 'agent transfers onward and left', reach: () => onward((made) => made.bye('c1.3')) },
  { name: 'agent transfers onward, joined', reach: () => onward((made) => made.accepted('c1.4')) },
  {
    name: 'redirected by 302, ringing',
    reach: () => redirected((made) => made.provisional('c1.4')),
  },
  { name: 'redirected by 302, taken', reach: () => redirected((made) => made.accepted('c1.4')) },
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
