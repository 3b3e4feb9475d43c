import assert from 'node:assert/strict';
import type { DemoCall } from '../../src/demo/demo-call.js';
import type { CallView } from '../../src/observe/call-view.js';
import { CALLER_HZ, FIRST_HZ, PHONE_HZ, PhonesNode, SECOND_HZ } from '../support/phones-node.js';

const HEAR_MS = 10_000;

async function hear(call: DemoCall | undefined, hz: number): Promise<void> {
  assert.ok(call);
  await call.hearing.hears(hz, { withinMs: HEAR_MS });
}
const joinedWith = (view: CallView | undefined): unknown =>
  view?.notes.find((note) => note.name === 'call_joined')?.detail['call'];
const allEnded =
  (count: number) =>
  (views: CallView[]): boolean =>
    views.length === count && views.every((view) => view.endedAt !== null);

describe('Interop: phones that join, pick up and take over calls (sip.js)', function () {
  this.timeout(60_000);
  let rig: PhonesNode;

  beforeEach(async () => {
    rig = await PhonesNode.start();
  });
  afterEach(() => rig.close());

  it('the two others hear each other, though no codec and no worker is common; both calls tell of it', async () => {
    const { phone, first, second, target } = rig;
    const one = phone.call(`sip:1@${target}`);
    await one.answered;
    const two = phone.call(`sip:2@${target}`);
    await two.answered;
    const refer = await one.refer(two);
    assert.equal(refer.status, 202);
    assert.deepEqual(await refer.outcome, { by: 'notify', status: 200 });
    await Promise.all([one.ended, two.ended]);
    await Promise.all([hear(first.calls[0], SECOND_HZ), hear(second.calls[0], FIRST_HZ)]);
    await second.calls[0]?.hangUp();
    await first.calls[0]?.ended;
    const [a, b] = await rig.calls(allEnded(2));
    assert.equal(joinedWith(a), b?.callId);
    assert.equal(joinedWith(b), a?.callId);
    assert.deepEqual(
      a?.transfers.map(({ result }) => [result?.outcome, result?.method, result?.attempts.length]),
      [['completed', 'replaces', 1]],
    );
    assert.deepEqual(b?.transfers, []);
    assert.match(await rig.ladder(a.callId), /REFER.*NOTIFY \(100\).*NOTIFY \(200\).*BYE/s);
    assert.doesNotMatch(
      await rig.ladder(b.callId),
      /REFER|INVITE.*INVITE.*INVITE/s,
      'joined inside the node',
    );
    assert.equal(b.endedBy, 'bot');
  });

  it('a person who was handed a caller hands it on to a consultation of its own', async () => {
    const { phone, second, target } = rig;
    const caller = await rig.another('caller', CALLER_HZ);
    const call = caller.call(`sip:1@${target}`);
    await call.answered;
    await rig.handOver();
    await hear(call, PHONE_HZ);
    const consultation = phone.call(`sip:2@${target}`);
    await consultation.answered;
    const refer = await phone.calls[0]!.refer(consultation);
    assert.equal(refer.status, 202);
    assert.deepEqual(await refer.outcome, { by: 'notify', status: 200 });
    await Promise.all([consultation.ended, phone.calls[0]!.ended]);
    await Promise.all([hear(call, SECOND_HZ), hear(second.calls[0], CALLER_HZ)]);
    await call.hangUp();
    await second.calls[0]?.ended;
    const views = await rig.calls(allEnded(2));
    assert.deepEqual(
      views[0]?.transfers.map(({ result }) => result?.outcome),
      ['completed', 'completed'],
    );
  });

  it('hands over a call that still rings (early dialog), and hangs up at once', async () => {
    const { phone, first, second, target } = rig;
    second.answer = { kind: 'answer', ring: true, afterMs: 600 };
    const one = phone.call(`sip:1@${target}`);
    await one.answered;
    const rings = second.nextCall(HEAR_MS);
    const two = phone.call(`sip:2@${target}`, { earlyMedia: true });
    await rings;
    while (!two.progress.includes(180)) await new Promise((resolve) => setTimeout(resolve, 10));
    // sip.js names only answered dialogs: this one is read off the 180.
    const { sipCallId, from, to } = rig.early(two.sipCallId);
    const replaces = encodeURIComponent(`${sipCallId};to-tag=${to};from-tag=${from}`);
    const refer = await one.refer(`sip:2@${target}?Replaces=${replaces}`);
    assert.equal(refer.status, 202);
    await one.hangUp();
    await Promise.all([hear(first.calls[0], SECOND_HZ), hear(second.calls[0], FIRST_HZ)]);
    assert.equal((await two.ended).status, 487);
    await first.calls[0]?.hangUp();
    await second.calls[0]?.ended;
    const [a] = await rig.calls(allEnded(2));
    assert.equal(a?.transfers[0]?.result?.outcome, 'completed');
  });

  it('a colleague picks up the call that rings at the desk (INVITE with Replaces, early-only)', async () => {
    const { phone, target } = rig;
    phone.answer = { kind: 'ring' };
    const [caller, colleague] = [await rig.another('caller', CALLER_HZ), await rig.another('202', SECOND_HZ)];
    const call = caller.call(`sip:1@${target}`);
    await call.answered;
    const rings = phone.nextCall(HEAR_MS);
    await rig.handOver();
    const ringing = await rings;
    await rig.calls(
      (views) => views[0]?.transfers[0]?.steps.some(({ progress }) => progress === 'ringing') === true,
    );
    const { sipCallId, from, to } = rig.early(ringing.sipCallId);
    const replaces = `Replaces: ${sipCallId};to-tag=${from};from-tag=${to};early-only`;
    const picked = colleague.call(`sip:201@${target}`, { headers: [replaces] });
    await picked.answered;
    await Promise.all([hear(call, SECOND_HZ), hear(picked, CALLER_HZ)]);
    assert.equal((await ringing.ended).status, 487);
    await picked.hangUp();
    await call.ended;
    const [view] = await rig.calls(allEnded(1));
    const result = view?.transfers[0]?.result;
    assert.equal(result?.outcome, 'completed');
    assert.deepEqual(
      result.attempts.map(({ sipStatus, sipReason }) => [sipStatus, sipReason]),
      [[200, 'Picked up']],
    );
  });

  it('another phone goes on with a consultation, and takes the call there', async () => {
    const { phone, target } = rig;
    const [caller, colleague] = [await rig.another('caller', CALLER_HZ), await rig.another('202', SECOND_HZ)];
    const call = caller.call(`sip:3@${target}`);
    await call.answered;
    const rings = phone.nextCall(HEAR_MS);
    await rig.handOver();
    const consulted = await rings;
    await consulted.answered;
    await rig.calls(
      (views) => views[0]?.transfers[0]?.steps.some(({ progress }) => progress === 'answered') === true,
    );
    const taking = colleague.call(`sip:201@${target}`, { replaces: consulted });
    await taking.answered;
    await consulted.ended;
    await taking.press('1');
    await Promise.all([hear(call, SECOND_HZ), hear(taking, CALLER_HZ)]);
    await call.hangUp();
    await taking.ended;
    const [view] = await rig.calls(allEnded(1));
    assert.deepEqual(
      view?.transfers.map(({ result }) => [result?.outcome, result?.attempts.length]),
      [['completed', 1]],
    );
  });

  it('the caller goes on from another phone while the desk rings', async () => {
    const { phone, target } = rig;
    phone.answer = { kind: 'ring' };
    const [caller, other] = [await rig.another('caller', CALLER_HZ), await rig.another('mobile', SECOND_HZ)];
    const call = caller.call(`sip:1@${target}`);
    await call.answered;
    const rings = phone.nextCall(HEAR_MS);
    await rig.handOver();
    await rings;
    const moved = other.call(`sip:1@${target}`, { replaces: call });
    await moved.answered;
    await call.ended;
    const [view] = await rig.calls(
      (views) => views[0]?.notes.some(({ name }) => name === 'leg_replaced') === true,
    );
    assert.equal(view?.state, 'transferring', 'the desk still rings');
    await moved.hangUp();
    const [ended] = await rig.calls(allEnded(1));
    assert.equal(ended?.transfers[0]?.result?.outcome, 'caller_gone');
  });
});
