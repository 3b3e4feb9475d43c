import assert from 'node:assert/strict';
import { headerOf, headersOf, methodOf, peerSdp, statusOf } from '../../../bench/peer/sip-text.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { startNodeUnderTest, type NodePorts, type NodeUnderTest } from '../../support/node-under-test.js';
import { LightCast, type Manners } from './support/light-cast.js';
import { eventually } from './support/told.js';

const BRIDGED = '1000';
const REFERRED = '1001';
const NIL = '0'.repeat(32);
const CALLER = 'a'.repeat(31) + '1';
const BOT = 'b'.repeat(31) + '2';
const AGENT = 'c'.repeat(31) + '3';

function config(ports: NodePorts): string {
  const more = `context: { uui: { content: "{callId};{reason}", encoding: text } }, timers: { refer_reply: 5s, first_notify: 5s, bye_grace: 1s }`;
  return `
listen: [{ transport: udp, address: 127.0.0.1, port: ${ports.sip} }]
media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: error }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8] }
  desk: { hosts: ["sip:127.0.0.1:${ports.agent}"] }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${ports.bot}" }
destinations:
  agent: { type: extension, extension: "201", trunk: desk, ring_timeout: 5s }
projects:
  bridged:
    match: [{ trunk: carrier, to: "${BRIDGED}" }]
    bot: bot
    transfer: { to: agent, method: invite, ${more} }
    rules: [{ name: pressed zero, dtmf: "0", reason: user_request }]
  referred:
    match: [{ trunk: carrier, to: "${REFERRED}" }]
    bot: bot
    transfer: { to: agent, method: refer, ${more} }
    rules: [{ name: pressed zero, dtmf: "0", reason: user_request }]
`;
}

const SAID = {
  caller: [`Session-ID: ${CALLER};remote=${NIL}`],
  bot: [`Session-ID: ${BOT};remote=${CALLER}`],
  agent: [`Session-ID: ${AGENT};remote=${CALLER}`],
};

const sessionOf = (raw: string): string => /^session-id: *(.*)\r$/im.exec(raw)?.[1] ?? '';

/** A message as it passed the transport. */
interface Seen {
  readonly direction: 'in' | 'out';
  readonly raw: string;
}

describe('headers of a handed-over call, as captured on the wire', function () {
  this.timeout(60_000);
  let node: NodeUnderTest;
  let cast: LightCast;
  const seen: Seen[] = [];

  before(async () => {
    node = await startNodeUnderTest({ config });
    node.node.observer.onSip(({ direction, raw }) => seen.push({ direction, raw }));
    cast = await LightCast.open(node);
  });
  after(async () => {
    cast.close();
    await node.close();
  });

  async function call(number: string, manners: Manners): Promise<void> {
    seen.splice(0);
    await cast.call(number, { ...manners, said: SAID });
  }
  const ended = (): Promise<CallView> =>
    eventually('the end of the call', async () => {
      const view = (await (await node.api(`/v1/calls/${cast.callId}`)).json()) as CallView;
      return view.state === 'ended' ? view : null;
    });
  /** What the node sent on the leg of this Call-ID. */
  const sentOn = (sipCallId: string): string[] =>
    seen
      .filter(({ direction, raw }) => direction === 'out' && headerOf(raw, 'Call-ID') === sipCallId)
      .map(({ raw }) => raw);
  const legOf = (party: 'bot' | 'agent'): string => {
    const invite = cast.asked[party].find((one) => one.method === 'INVITE');
    assert.ok(invite);
    return invite.callId;
  };

  /** Every message of ours names the session, but what the transactions make by themselves. */
  function assertSession(sipCallId: string, expected: (raw: string) => string): void {
    const messages = sentOn(sipCallId).filter((raw) => statusOf(raw) !== 100);
    assert.ok(messages.length > 2);
    for (const raw of messages) assert.equal(sessionOf(raw), expected(raw), raw.split('\r\n')[0]);
  }

  it("Session-ID: the caller's stands on every leg, beside that of the leg's own end, re-INVITEs included", async () => {
    await call(BRIDGED, { person: '200 OK' });
    cast.callerDigit('0');
    await cast.until('bot', 'BYE');
    const hold = peerSdp(cast.caller.port).replace('a=sendrecv', 'a=sendonly');
    const headers = ['Content-Type: application/sdp', `Session-ID: ${CALLER};remote=${AGENT}`];
    cast.caller.request(cast.callerCallId, 'INVITE', headers, hold);
    const reinvite = await cast.until('agent', 'INVITE', 'a=sendonly');
    assert.match(headerOf(reinvite.text, 'To'), /;tag=/, 'the hold reached the person inside the dialog');
    cast.caller.request(cast.callerCallId, 'BYE', [`Session-ID: ${CALLER};remote=${AGENT}`]);
    await ended();
    await cast.until('agent', 'BYE');
    // What is traced comes in batches.
    await eventually('the trace of the last answer', () =>
      sentOn(cast.callerCallId).some((raw) => statusOf(raw) === 200 && methodOf(raw) === 'BYE') ? true : null,
    );

    const inDialog = (raw: string): boolean =>
      headerOf(raw, 'CSeq') !== '' && /;tag=/.test(headerOf(raw, 'To'));
    assertSession(legOf('bot'), (raw) => `${CALLER};remote=${inDialog(raw) ? BOT : NIL}`);
    assertSession(legOf('agent'), (raw) => `${CALLER};remote=${inDialog(raw) ? AGENT : NIL}`);
    // Towards the caller the far end is whoever it talks to: the bot, then the person.
    const ends = sentOn(cast.callerCallId)
      .filter((raw) => statusOf(raw) !== 100)
      .map((raw) => ({ what: `${statusOf(raw) ?? ''} ${methodOf(raw)}`.trim(), id: sessionOf(raw) }));
    assert.deepEqual(ends, [
      { what: '200 INVITE', id: `${BOT};remote=${CALLER}` },
      { what: '200 INFO', id: `${BOT};remote=${CALLER}` },
      { what: '200 INVITE', id: `${AGENT};remote=${CALLER}` },
      { what: '200 BYE', id: `${AGENT};remote=${CALLER}` },
    ]);
  });

  it('the INVITE to the person carries Referred-By of the called number, and User-to-User', async () => {
    await call(BRIDGED, { person: '200 OK' });
    cast.callerDigit('0');
    const invite = await cast.until('agent', 'INVITE');
    assert.deepEqual(headersOf(invite.text, 'Referred-By'), [`<sip:${BRIDGED}@127.0.0.1>`]);
    assert.deepEqual(headersOf(invite.text, 'User-to-User'), [`"${cast.callId};user_request"`]);
    cast.caller.request(cast.callerCallId, 'BYE');
    await ended();
  });

  it("a bot's own Referred-By goes along to the person, once", async () => {
    await call(BRIDGED, { person: '200 OK' });
    const mine = '<sip:bot@bots.example>;cid="20398823.2UWQFN309shb3@referrer.example"';
    cast.botSays('REFER', ['Refer-To: <sip:agent@127.0.0.1>', `Referred-By: ${mine}`, ...SAID.bot]);
    const invite = await cast.until('agent', 'INVITE');
    assert.deepEqual(headersOf(invite.text, 'Referred-By'), [mine]);
    await cast.until('bot', 'NOTIFY', 'SIP/2.0 200');
    cast.caller.request(cast.callerCallId, 'BYE');
    await ended();
    assertSession(legOf('bot'), (raw) => `${CALLER};remote=${/;tag=/.test(headerOf(raw, 'To')) ? BOT : NIL}`);
  });

  it('REFER carries Session-ID, Referred-By, and User-to-User on it and inside Refer-To', async () => {
    await call(REFERRED, { refer: { answer: '202 Accepted', notify: '200 OK' } });
    cast.callerDigit('0');
    const refer = await cast.until('caller', 'REFER');
    assert.equal(sessionOf(refer.text), `${BOT};remote=${CALLER}`);
    assert.deepEqual(headersOf(refer.text, 'Referred-By'), [`<sip:${REFERRED}@127.0.0.1>`]);
    const uui = `"${cast.callId};user_request"`;
    assert.deepEqual(headersOf(refer.text, 'User-to-User'), [uui]);
    const [, query = ''] = /<[^?>]+\?([^>]*)>/.exec(headerOf(refer.text, 'Refer-To')) ?? [];
    const inside = query.split('&').map((pair) => pair.split('=').map((part) => decodeURIComponent(part)));
    assert.deepEqual(inside, [['User-to-User', uui]]);
    await cast.until('bot', 'BYE');
    await cast.until('caller', 'BYE');
    await ended();
    for (const raw of sentOn(cast.callerCallId).filter((one) => statusOf(one) !== 100))
      assert.equal(sessionOf(raw), `${BOT};remote=${CALLER}`, raw.split('\r\n')[0]);
  });
});
