import assert from 'node:assert/strict';
import type { Destination, TransferSettings, UuiProfile } from '../../../../src/call/project.js';
import { CallBench } from '../../../support/call/call-bench.js';
import { DESTINATIONS, makePlan, makeProject, makeTrunk, UUI } from '../../../support/call/call-plan.js';

const CALLER_UUID = 'ab30317f1a784dc48ff824d0d3715d86';
const AGENT_UUID = '47755a9de7794ba387653f2099600ef2';

function withUui(
  project: UuiProfile | null,
  destination: UuiProfile | null,
  method: 'invite' | 'refer',
  trunk = makeTrunk(),
) {
  const made = makeProject({}, { uui: project, method, summaryHeader: 'X-Summary' });
  const desk = { ...DESTINATIONS['desk']!, uui: destination } as Destination;
  const bench = new CallBench({
    project: made,
    trunk,
    plan: makePlan(made, { destinations: { desk } }),
  }).withBot();
  bench.transfer({ summary: 'Señor, wants a refund' });
  return bench;
}

describe('context of a transfer: User-to-User (RFC 7433)', () => {
  it('of the destination takes the place of the project, with its protocol discriminator (RFC 7434)', () => {
    const own = { ...UUI, content: '{callId}', protocolDiscriminator: '04', purpose: 'isdn-uui' };
    const bench = withUui(UUI, own, 'invite');
    const hex = Buffer.from('c1').toString('hex');
    assert.equal(bench.sent('invite')[1]?.headers['User-to-User'], `04${hex};purpose=isdn-uui;encoding=hex`);
  });

  it('is cut to its length in octets, never inside a character', () => {
    const bench = withUui({ ...UUI, maxLength: 4 }, null, 'invite');
    assert.equal(
      bench.sent('invite')[1]?.headers['User-to-User'],
      `${Buffer.from('Se').toString('hex')}c3b1;encoding=hex`,
    );
    const shorter = withUui({ ...UUI, maxLength: 3 }, null, 'invite');
    assert.equal(
      shorter.sent('invite')[1]?.headers['User-to-User'],
      `${Buffer.from('Se').toString('hex')};encoding=hex`,
    );
  });

  it('as text is quoted where it is no token', () => {
    const bench = withUui({ ...UUI, encoding: 'text', content: 'a "b" c' }, null, 'invite');
    assert.equal(bench.sent('invite')[1]?.headers['User-to-User'], '"a \\"b\\" c"');
  });

  for (const [place, header, inside] of [
    ['header', true, false],
    ['refer-to', false, true],
    ['both', true, true],
  ] as const) {
    it(`place: ${place} of a REFER`, () => {
      const [refer] = withUui({ ...UUI, place }, null, 'refer').requests('REFER');
      assert.equal(refer?.headers['User-to-User'] !== undefined, header);
      assert.equal(/User-to-User=/.test(String(refer?.headers['Refer-To'])), inside);
    });
  }
});

describe('context of a transfer: summary, Session-ID, digits after the answer', () => {
  it("headers that begin with X- are carried, those that this node writes are not a caller's to write", () => {
    const bench = new CallBench();
    const headers = {
      'max-forwards': '70',
      'x-tier': 'gold',
      'x-relevo-call-id': 'other',
      'x-relevo-listener': 'l',
    };
    bench.withBot({ headers });
    bench.transfer();
    const [toBot, toAgent] = bench.sent('invite').map((invite) => invite.headers);
    assert.deepEqual([toBot?.['X-Tier'], toAgent?.['X-Tier']], ['gold', 'gold']);
    assert.equal(toBot?.['X-Relevo-Call-Id'], 'c1');
    assert.doesNotMatch(JSON.stringify([toBot, toAgent]), /other|X-Relevo-Listener/);
  });

  it('the summary reaches the agent in the header that the project names, and the result', () => {
    const bench = withUui(null, null, 'invite');
    assert.equal(bench.sent('invite')[1]?.headers['X-Summary'], 'Señor, wants a refund');
    bench.rejected('c1.3', 486);
    assert.equal(bench.result().summary, 'Señor, wants a refund');
  });

  it('one Session-ID over all legs (RFC 7989): the caller is named on each, each far end beside it', () => {
    const bench = new CallBench().withBot({
      headers: { 'max-forwards': '70', 'session-id': `${CALLER_UUID};remote=${'0'.repeat(32)}` },
    });
    assert.match(
      String(bench.sent('invite')[0]?.headers['Session-ID']),
      new RegExp(`^${CALLER_UUID};remote=0{32}$`),
    );
    assert.match(
      String(bench.sent('accept')[0]?.headers['Session-ID']),
      new RegExp(`^[0-9a-f]{32};remote=${CALLER_UUID}$`),
    );
    bench.transfer();
    assert.match(String(bench.sent('invite')[1]?.headers['Session-ID']), new RegExp(`^${CALLER_UUID};`));
    bench.signal({
      kind: 'accepted',
      legId: 'c1.3',
      sdp: 'v=0 a=sendrecv',
      headers: { 'session-id': `${AGENT_UUID};remote=${CALLER_UUID}` },
      dialog: { sipCallId: 'x', localTag: 'l', remoteTag: 'r', remoteTarget: 'sip:a@b' },
      peer: { allow: null, supported: null, userAgent: null },
      wantsAck: false,
    });
    bench.bye('c1.1');
    assert.equal(bench.sent('bye', 'c1.3')[0]?.headers['Session-ID'], `${CALLER_UUID};remote=${AGENT_UUID}`);
    bench.assertOver();
  });

  it('a number with an extension is dialled on after the answer, pauses kept, before the caller is joined', () => {
    const project = makeProject({}, { to: 'front' });
    const front = { ...DESTINATIONS['front']!, thenDial: 'pp201#' } as Destination;
    const bench = new CallBench({ project, plan: makePlan(project, { destinations: { front } }) }).withBot();
    bench.transfer();
    bench.accepted('c1.3');
    assert.equal(bench.mediaCommands('sendDtmf', 'c1.3').length, 0);
    bench.clock.advance(2_000);
    assert.deepEqual(bench.mediaCommands('sendDtmf', 'c1.3'), [
      { kind: 'sendDtmf', legId: 'c1.3', digits: '201#' },
    ]);
    assert.equal(bench.hears('c1.1'), 'music', 'the caller does not hear the digits');
    bench.clock.advance(960);
    assert.equal(bench.hears('c1.1'), 'c1.3');
    assert.equal(bench.result().outcome, 'completed');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('a person who hangs up while the digits are dialled declined it', () => {
    const project = makeProject({}, { to: 'front' });
    const front = { ...DESTINATIONS['front']!, thenDial: 'p201' } as Destination;
    const bench = new CallBench({ project, plan: makePlan(project, { destinations: { front } }) }).withBot();
    bench.transfer();
    bench.accepted('c1.3');
    bench.bye('c1.3');
    assert.equal(bench.result().outcome, 'declined');
    bench.bye('c1.1');
    bench.assertOver();
  });
});

describe('before the first attempt', () => {
  const preparing = (settings: Partial<TransferSettings>): CallBench => {
    const bench = new CallBench({ project: makeProject({}, settings) }).withBot();
    bench.transfer();
    return bench;
  };

  it('the bot finishes its sentence within the bound', () => {
    const bench = preparing({ botFinishMs: 3_000 });
    assert.equal(bench.sent('invite').length, 1);
    assert.equal(bench.hears('c1.1'), 'c1.2');
    bench.clock.advance(3_000);
    assert.equal(bench.sent('invite').length, 2);
    assert.equal(bench.hears('c1.1'), 'music');
  });

  it('the bot says done: the hand-over begins at once', () => {
    const bench = preparing({ botFinishMs: 3_000 });
    assert.equal(bench.statusOf(bench.info('c1.2', { event: 'done' })), 200);
    assert.equal(bench.sent('invite').length, 2);
    bench.clock.advance(3_000);
    assert.equal(bench.sent('invite').length, 2);
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('the bot leaves: the hand-over begins at once', () => {
    const bench = preparing({ botFinishMs: 3_000 });
    bench.bye('c1.2');
    assert.equal(bench.sent('invite').length, 2);
    assert.equal(bench.hears('c1.1'), 'music');
  });

  it('the caller hears the announcement, then the person is dialled', () => {
    const bench = preparing({ announceBeforeFile: 'before.wav', botFinishMs: 1_000 });
    bench.clock.advance(1_000);
    assert.equal(bench.hears('c1.1'), 'file');
    assert.equal(bench.hears('c1.2'), 'silence');
    assert.equal(bench.sent('invite').length, 1);
    bench.media({ kind: 'played', legId: 'c1.1', promptId: 'announce-before' });
    assert.equal(bench.sent('invite').length, 2);
    assert.equal(bench.hears('c1.1'), 'music');
  });

  it('it can be cancelled, and the caller can hang up', () => {
    const bench = preparing({ botFinishMs: 3_000 });
    bench.order({ kind: 'cancelTransfer', transferId: 't1' });
    assert.equal(bench.result().outcome, 'cancelled');
    assert.equal(bench.hears('c1.1'), 'c1.2');
    const other = preparing({ announceBeforeFile: 'before.wav' });
    other.bye('c1.1');
    assert.equal(other.result().outcome, 'caller_gone');
    other.assertOver();
  });
});
