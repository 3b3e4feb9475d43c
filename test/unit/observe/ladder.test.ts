import assert from 'node:assert/strict';
import { formatLadder, LadderDiagram } from '../../../src/observe/format-ladder.js';
import { LadderStore } from '../../../src/observe/ladder-store.js';
import { ladderMessage, type TappedMessage } from '../../../src/observe/sip-trace.js';
import { AT, withBot } from './call-records.js';

function tapped(
  direction: 'in' | 'out',
  startLine: string,
  callId: string,
  cseq: string,
  at = AT,
  body = '',
) {
  const raw = `${startLine}\r\nVia: SIP/2.0/UDP h\r\ni: ${callId}\r\nCSeq: ${cseq}\r\n\r\n${body}`;
  return {
    at,
    direction,
    transport: 'udp',
    local: '127.0.0.1:5060',
    remote: '127.0.0.1:7',
    raw,
  } as TappedMessage;
}

describe('ladder', () => {
  it('draws a call between caller, node and bot', () => {
    const store = new LadderStore();
    const state = withBot();
    assert.ok(state.kind === 'call.state');
    store.add(tapped('in', 'INVITE sip:1@h SIP/2.0', 'sip-c1', '1 INVITE', AT, 'v=0\r\no=-'));
    store.add(tapped('out', 'INVITE sip:bot@h SIP/2.0', 'bot-c1', '1 INVITE', AT + 4));
    store.add(tapped('in', 'SIP/2.0 200 OK', 'bot-c1', '1 INVITE', AT + 20));
    store.add(tapped('out', 'SIP/2.0 200 OK', 'sip-c1', '1 INVITE', AT + 21));
    store.add(tapped('in', 'BYE sip:1@h SIP/2.0', 'sip-c1', '2 BYE', AT + 2000));
    store.add(tapped('out', 'SIP/2.0 200 OK', 'sip-c1', '2 BYE', AT + 2001));
    store.bind('c1', state.legs);
    assert.equal(
      formatLadder(store.messagesOf('c1')),
      [
        '     time  caller                   relevo                     bot                     agent',
        '   +0.000     |----- INVITE (sdp) ---->|                        |                        |',
        '   +0.004     |                        |-------- INVITE ------->|                        |',
        '   +0.020     |                        |<------- 200 OK --------|                        |',
        '   +0.021     |<------- 200 OK --------|                        |                        |',
        '   +2.000     |--------- BYE --------->|                        |                        |',
        '   +2.001     |<----- 200 OK BYE ------|                        |                        |',
        '',
      ].join('\n'),
    );
  });

  it('has a line for an operator who listens, also for one who was not reached', () => {
    const store = new LadderStore();
    const invite = tapped('out', 'INVITE sip:boss@h SIP/2.0', 'boss-c1', '1 INVITE', AT);
    const headers = 'X-Relevo-Call-Id: c1\r\nX-Relevo-Listener: l1';
    store.add({ ...invite, raw: invite.raw.replace('\r\n\r\n', `\r\n${headers}\r\n\r\n`) });
    store.add(tapped('in', 'SIP/2.0 486 Busy Here', 'boss-c1', '1 INVITE', AT + 9));
    const [names, sent, busy] = formatLadder(store.messagesOf('c1')).split('\n');
    assert.match(names!, /caller +relevo +bot +agent +operator$/);
    assert.match(sent!, /\| +\|-+ INVITE -+>\|$/);
    assert.match(busy!, /\|<-+ 486 Busy Here -+\|$/);
  });

  it('draws one message at a time across the lifelines between node and agent', () => {
    const diagram = new LadderDiagram(AT);
    const line = diagram.line(
      ladderMessage(tapped('out', 'INVITE sip:201@h SIP/2.0', 'x', '1 INVITE', AT + 1), 'x', 'agent'),
    );
    assert.match(line, /\|\s+\|-+ INVITE -+>\|$/);
  });

  it('shows what a NOTIFY of a transfer says, and a message of an unknown leg', () => {
    const diagram = new LadderDiagram(AT);
    const notify = tapped('in', 'NOTIFY sip:1@h SIP/2.0', 'x', '3 NOTIFY', AT, 'SIP/2.0 486 Busy Here\r\n');
    assert.match(diagram.line(ladderMessage(notify, 'x', 'caller')), /NOTIFY \(486\)/);
    assert.match(diagram.line(ladderMessage(notify, 'x', null)), /leg unknown/);
  });

  it('keeps the first messages of a dialog, and forgets the dialog that was quiet for longest', () => {
    const one = tapped('in', 'OPTIONS sip:h SIP/2.0', 'a', '1 OPTIONS');
    const store = new LadderStore({ messagesPerDialog: 2, totalBytes: one.raw.length * 3, calls: 10 });
    for (const id of ['a', 'b']) store.bindOne(`call-${id}`, id, 'caller');
    store.add(one);
    store.add(one);
    store.add(one);
    assert.equal(store.messagesOf('call-a').length, 2);
    store.add(tapped('in', 'OPTIONS sip:h SIP/2.0', 'b', '1 OPTIONS'));
    store.add(tapped('in', 'OPTIONS sip:h SIP/2.0', 'b', '2 OPTIONS'));
    assert.equal(store.messagesOf('call-a').length, 0);
    assert.equal(store.messagesOf('call-b').length, 2);
    assert.ok(store.stats.bytes <= one.raw.length * 3);
    assert.equal(store.stats.dropped, 3);
  });

  it('finds an attempt at a busy person, of which no leg was ever reported', () => {
    const store = new LadderStore();
    const state = withBot();
    assert.ok(state.kind === 'call.state');
    const session = `Session-ID: ${'ab'.repeat(16)};remote=${'0'.repeat(32)}`;
    const own = (callId: string, more = ''): TappedMessage => {
      const message = tapped('out', 'INVITE sip:x@h SIP/2.0', callId, '1 INVITE');
      return { ...message, raw: message.raw.replace('\r\n\r\n', `\r\n${session}${more}\r\n\r\n`) };
    };
    store.add(own('bot-c1'));
    store.add(own('busy-one'));
    store.add(tapped('in', 'SIP/2.0 486 Busy Here', 'busy-one', '1 INVITE', AT + 9));
    store.add(own('of-another-call'));
    store.bindOne('c2', 'of-another-call', 'bot');
    store.bind('c1', state.legs);
    assert.deepEqual(
      store.messagesOf('c1').map(({ party, sipCallId }) => [party, sipCallId]),
      [
        ['bot', 'bot-c1'],
        ['agent', 'busy-one'],
        ['agent', 'busy-one'],
      ],
    );
    store.add(own('bot-c3', '\r\nX-Relevo-Call-Id: c3'));
    assert.equal(store.messagesOf('c3')[0]?.party, 'bot');
  });

  it('keeps nothing of a message without Call-ID', () => {
    const store = new LadderStore();
    assert.equal(store.add({ ...tapped('in', 'x', 'a', '1 X'), raw: 'garbage' }), null);
    assert.equal(store.stats.bytes, 0);
  });
});
