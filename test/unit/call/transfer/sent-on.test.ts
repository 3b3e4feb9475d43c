import assert from 'node:assert/strict';
import type { ReferPolicy, TransferSettings } from '../../../../src/call/project.js';
import { CallBench } from '../../../support/call/call-bench.js';
import { makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';

const ATTENDED = { mode: 'attended', method: 'invite', acceptDigit: '1' } as const;
const TO_SECOND = { 'refer-to': '<sip:second@relevo>', 'referred-by': '<sip:ana@pbx>' };

/** The desk (c1.3) was reached and has not taken the call. */
function atTheGate(
  transfer: Partial<TransferSettings> = ATTENDED,
  referPolicy: ReferPolicy = 'terminate',
): CallBench {
  const project = makeProject({}, transfer);
  const pbx = makeTrunk({ name: 'pbx', hosts: ['sip:10.0.0.7:5080'], referPolicy });
  const made = new CallBench({ project, plan: makePlan(project, { trunks: { carrier: makeTrunk(), pbx } }) });
  made.withBot().transfer();
  made.accepted('c1.3');
  return made;
}
const frags = (made: CallBench): string[] =>
  made.requests('NOTIFY', 'c1.3').map((one) => (one.body ?? '').trim());
const press = (made: CallBench, legId: string): void =>
  made.media({ kind: 'dtmf', legId, digit: '1', durationMs: 90 });

describe('REFER of a person who has not taken the call yet: it is sent on', () => {
  it('the other place is dialled, tells how it goes, and the first person gets BYE once it is answered', () => {
    const made = atTheGate();
    const refer = made.request('c1.3', 'REFER', { headers: TO_SECOND });
    assert.equal(made.statusOf(refer), 202);
    const invite = made.sent('invite').at(-1)!;
    assert.deepEqual([invite.legId, invite.uri], ['c1.4', 'sip:202@10.0.0.7:5080']);
    assert.equal(invite.headers['Referred-By'], '<sip:ana@pbx>');
    made.provisional('c1.4');
    assert.equal(made.sent('bye', 'c1.3').length, 0, 'the first person stays until the other one is there');
    made.accepted('c1.4');
    assert.deepEqual(frags(made), ['SIP/2.0 100 Trying', 'SIP/2.0 180 Ringing', 'SIP/2.0 200 OK']);
    assert.equal(made.sent('bye', 'c1.3').length, 1);
    assert.equal(made.results().length, 0, 'the second person has a gate of its own');
    press(made, 'c1.4');
    assert.equal(made.hears('c1.1'), 'c1.4');
    const { outcome, attempts } = made.result();
    assert.equal(outcome, 'completed');
    assert.deepEqual(
      attempts.map((one) => [one.destination, one.sipStatus, one.endedBy]),
      [
        ['desk', 200, 'relevo'],
        ['second', 200, null],
      ],
    );
    made.bye('c1.1');
    made.assertOver();
  });

  it('where nobody is reached the first person has its turn back, with the whole time of the gate', () => {
    const made = atTheGate();
    made.clock.advance(9_000);
    made.request('c1.3', 'REFER', { headers: TO_SECOND });
    made.clock.advance(9_000);
    press(made, 'c1.3');
    assert.equal(made.results().length, 0, 'its turn stands still meanwhile');
    made.rejected('c1.4', 486);
    assert.equal(frags(made).at(-1), 'SIP/2.0 486 Busy Here');
    made.clock.advance(9_000);
    press(made, 'c1.3');
    assert.equal(made.hears('c1.1'), 'c1.3');
    assert.equal(made.result().outcome, 'completed');
    made.bye('c1.3');
    made.assertOver();
  });

  it('goes on where the first person hangs up at once; the caller is back with the bot when that fails too', () => {
    const made = atTheGate();
    made.request('c1.3', 'REFER', { headers: TO_SECOND });
    made.bye('c1.3');
    assert.equal(made.results().length, 0);
    made.rejected('c1.4', 404);
    assert.equal(made.result().outcome, 'bad_destination');
    assert.equal(made.hears('c1.1'), 'c1.2');
    made.bye('c1.1');
    made.assertOver();
  });

  it('to a place that the project does not allow gets 403, and to none 400; its turn goes on', () => {
    const made = atTheGate();
    const refer = (value: string): number | null =>
      made.statusOf(made.request('c1.3', 'REFER', { headers: { 'refer-to': value } }));
    assert.equal(refer('<sip:+1900@x>'), 403);
    assert.equal(refer('nonsense'), 400);
    assert.equal(made.sent('invite').length, 2);
    press(made, 'c1.3');
    assert.equal(made.result().outcome, 'completed');
  });

  it('refer_policy reject: 603; a second one while the first is under way: 491', () => {
    const rejecting = atTheGate(ATTENDED, 'reject');
    assert.equal(rejecting.statusOf(rejecting.request('c1.3', 'REFER', { headers: TO_SECOND })), 603);
    const made = atTheGate();
    made.request('c1.3', 'REFER', { headers: TO_SECOND });
    assert.equal(made.statusOf(made.request('c1.3', 'REFER', { headers: TO_SECOND })), 491);
    assert.equal(made.sent('invite').length, 3);
  });

  it('is over with the transfer: CANCEL to the other place, NOTIFY 487, then BYE', () => {
    const made = atTheGate();
    made.request('c1.3', 'REFER', { headers: TO_SECOND });
    made.provisional('c1.4');
    assert.deepEqual(made.order({ kind: 'cancelTransfer', transferId: 't1' }), { accepted: true });
    assert.equal(made.sent('cancel', 'c1.4').length, 1);
    assert.equal(frags(made).at(-1), 'SIP/2.0 487 Request Terminated');
    assert.equal(made.sent('bye', 'c1.3').length, 1);
    assert.equal(made.result().outcome, 'cancelled');
    made.bye('c1.1');
    made.assertOver();
  });

  it('stops where it goes in circles', () => {
    const made = atTheGate();
    let sender = 3;
    const statuses: (number | null)[] = [];
    for (let time = 0; time < 6; time++) {
      const headers = { 'refer-to': `<sip:${time % 2 === 0 ? 'second' : 'desk'}@relevo>` };
      statuses.push(made.statusOf(made.request(`c1.${sender}`, 'REFER', { headers })));
      if (statuses.at(-1) === 202) made.accepted(`c1.${++sender}`);
    }
    assert.deepEqual(statuses, [202, 202, 202, 202, 202, 403]);
    press(made, `c1.${sender}`);
    assert.equal(made.result().outcome, 'completed');
  });

  it('by a REFER with the Replaces of a consultation of its own: INVITE with it, and no gate', () => {
    const made = atTheGate();
    const replaces = 'xyz%40pbx%3Bto-tag%3D1%3Bfrom-tag%3D2';
    made.request('c1.3', 'REFER', { headers: { 'refer-to': `<sip:second@relevo?Replaces=${replaces}>` } });
    const invite = made.sent('invite').at(-1)!;
    assert.equal(invite.headers['Replaces'], 'xyz@pbx;to-tag=1;from-tag=2');
    made.accepted('c1.4');
    assert.equal(made.hears('c1.1'), 'c1.4');
    assert.equal(made.result().outcome, 'completed');
    made.bye('c1.1');
    made.assertOver();
  });
});
