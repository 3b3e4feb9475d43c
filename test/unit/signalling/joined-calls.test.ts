import assert from 'node:assert/strict';
import type { SignallingCommand, SignallingEvent } from '../../../src/call/signalling-port.js';
import { JoinedCalls } from '../../../src/signalling/joined-calls.js';

const SDP = 'v=0\r\nc=IN IP4 203.0.113.9\r\nm=audio 4000 RTP/AVP 8\r\n';
const LOCAL = 'v=0\r\nc=IN IP4 10.0.0.4\r\nm=audio 4000 RTP/AVP 8\r\n';
const ASKED = 'b.501';

type Kind<K extends SignallingEvent['kind']> = Extract<SignallingEvent, { kind: K }>;

describe('the seam between two calls', () => {
  let events: { callId: string; event: SignallingEvent }[];
  let joined: JoinedCalls;
  let known: Set<string>;

  const does = (callId: string, command: SignallingCommand): boolean => {
    if (command.kind !== 'invite' || !command.join) return joined.execute(command);
    joined.join(callId, command, command.join);
    return true;
  };
  const last = <K extends SignallingEvent['kind']>(callId: string, kind: K): Kind<K> => {
    const event = events.filter((one) => one.callId === callId).at(-1)?.event;
    assert.equal(event?.kind, kind);
    return event as Kind<K>;
  };
  const invite = (): void => {
    does('a', {
      kind: 'invite',
      legId: 'a.3',
      uri: 'sip:b.1@joined.invalid',
      proxies: [],
      from: { user: '201', displayName: null },
      headers: { 'Max-Forwards': '69' },
      sdp: SDP,
      auth: null,
      join: { callId: 'b', legId: 'b.1' },
    });
  };
  const answer = (): void => void does('b', { kind: 'accept', legId: ASKED, sdp: SDP, headers: {} });
  const request = (legId: string, body: string | null): void => {
    const rest = { headers: {}, contentType: null, auth: null };
    does('a', { kind: 'request', legId, requestId: 'r1', method: 'INVITE', body, ...rest });
  };
  const respond = (legId: string, requestId: string): void => {
    const rest = { reason: 'OK', headers: {}, contentType: 'application/sdp' };
    does('b', { kind: 'respond', legId, requestId, status: 200, body: SDP, ...rest });
  };

  beforeEach(() => {
    events = [];
    known = new Set(['a', 'b']);
    joined = new JoinedCalls({
      mediaAddress: '10.0.0.4',
      emit: (callId, event) => {
        if (!known.has(callId)) return false;
        events.push({ callId, event });
        return true;
      },
    });
  });

  it('carries offer and answer with the address at which the workers reach each other', () => {
    invite();
    const asked = last('b', 'incomingReplaces');
    assert.deepEqual([asked.replacesLegId, asked.joinedBy, asked.invite.sdp], ['b.1', 'a', LOCAL]);
    assert.equal(asked.invite.headers['max-forwards'], '69');
    answer();
    last('b', 'acked');
    assert.equal(last('a', 'accepted').sdp, LOCAL);
    assert.equal(joined.connected('a', 'b'), true);
    assert.equal(joined.connected('b', 'a'), true);
    assert.equal(joined.connected('a', 'c'), false);
  });

  it('a re-INVITE with an offer is acknowledged by itself, one without by the answer in the ACK', () => {
    invite();
    answer();
    request('a.3', SDP);
    respond(ASKED, last('b', 'request').requestId);
    assert.equal(last('a', 'response').wantsAck, false);
    assert.equal(last('b', 'acked').sdp, null);
    request('a.3', null);
    const { requestId } = last('b', 'request');
    respond(ASKED, requestId);
    assert.equal(last('a', 'response').wantsAck, true);
    does('a', { kind: 'ack', legId: 'a.3', requestId: 'r1', sdp: SDP });
    assert.deepEqual([last('b', 'acked').requestId, last('b', 'acked').sdp], [requestId, LOCAL]);
  });

  it('BYE from either side ends both ends, and nothing is left', () => {
    for (const [by, other, leg] of [
      ['a', 'b', 'a.3'],
      ['b', 'a', 'b.1501'],
    ] as const) {
      invite();
      does('b', { kind: 'accept', legId: by === 'a' ? ASKED : leg, sdp: SDP, headers: {} });
      does(by, { kind: 'bye', legId: leg, headers: { Reason: 'Q.850;cause=16' } });
      last(by, 'gone');
      assert.equal(last(other, 'bye').headers['reason'], 'Q.850;cause=16');
      assert.equal(joined.size, 0);
    }
  });

  it('CANCEL before the answer, a refusal, and a call that is no more', () => {
    invite();
    does('a', { kind: 'cancel', legId: 'a.3', headers: {} });
    assert.equal(last('a', 'rejected').status, 487);
    last('b', 'cancelled');
    invite();
    does('b', { kind: 'reject', legId: 'b.1501', status: 603, reason: null, headers: {} });
    assert.equal(last('a', 'rejected').status, 603);
    known.delete('b');
    invite();
    assert.equal(last('a', 'rejected').status, 481);
    assert.equal(joined.size, 0);
  });

  it('a call that is taken down takes its joined one along', () => {
    invite();
    answer();
    assert.equal(joined.abandon('b'), 1);
    last('a', 'bye');
    assert.equal(joined.size, 0);
  });
});
