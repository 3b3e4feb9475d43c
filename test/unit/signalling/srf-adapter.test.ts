import assert from 'node:assert/strict';
import type { SignallingCommand, SignallingEvent } from '../../../src/call/signalling-port.js';
import { createLogger } from '../../../src/common/log.js';
import { LATE_NOTIFY_MS } from '../../../src/signalling/dialog-session.js';
import { readInvite } from '../../../src/signalling/incoming-invite.js';
import { SrfAdapter } from '../../../src/signalling/srf-adapter.js';
import { CANCEL_GUARD_MS } from '../../../src/signalling/uac-leg.js';
import { ACK_WAIT_MS } from '../../../src/signalling/uas-leg.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { FakeIncoming, FakeLink, type Answer } from './support/fake-sip.js';

const OFFER = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n';
const ANSWER = 'v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\n';
const DIALOG = 'in@them;from-tag=theirs';

describe('a leg over drachtio-srf', () => {
  let link: FakeLink;
  let clock: VirtualClock;
  let events: SignallingEvent[];
  let adapter: SrfAdapter;
  let deaf: boolean;

  beforeEach(() => {
    link = new FakeLink();
    clock = new VirtualClock();
    events = [];
    deaf = false;
    adapter = new SrfAdapter({
      link,
      clock,
      log: createLogger('test', 'silent'),
      emit: (_callId, event) => {
        if (deaf) return false;
        events.push(event);
        return true;
      },
    });
  });

  /** Nothing may be left behind by any of these tests. */
  afterEach(() => {
    adapter.onLinkLost();
    clock.advance(CANCEL_GUARD_MS);
    assert.equal(adapter.legs, 0);
    assert.equal(clock.pendingTimers, 0);
  });

  const kinds = (): string[] => events.map(({ kind }) => kind);
  const last = <Kind extends SignallingEvent['kind']>(
    kind: Kind,
  ): Extract<SignallingEvent, { kind: Kind }> => {
    const event = events.at(-1);
    assert.equal(event?.kind, kind);
    return event as Extract<SignallingEvent, { kind: Kind }>;
  };
  const tell = (command: SignallingCommand): void => {
    adapter.execute('c', command);
  };

  describe('of an outgoing INVITE', () => {
    const invite = (changes: Partial<Extract<SignallingCommand, { kind: 'invite' }>> = {}): void => {
      tell({
        kind: 'invite',
        legId: 'c.2',
        uri: 'sip:bot@h',
        proxies: [],
        from: { user: '+49 30', displayName: null },
        headers: {},
        sdp: OFFER,
        auth: null,
        ...changes,
      });
    };
    const cancel: SignallingCommand = { kind: 'cancel', legId: 'c.2', headers: { Reason: 'SIP;cause=200' } };

    it('reports a send that fails as rejected 503', () => {
      invite();
      link.last('INVITE').fail(new Error('requested protocol/transport not available'));
      assert.equal(last('rejected').status, 503);
    });

    it('tries the next hop after a send that fails and after a 408 of the stack, not after one of the peer', () => {
      invite({ proxies: ['sip:a', 'sip:b', 'sip:c'] });
      link.last('INVITE').fail('no route');
      assert.equal(link.last('INVITE').options.proxy, 'sip:b;relevo-silent-ms=4000');
      link.last('INVITE').sent().respond(408, [], '', '');
      assert.equal(link.last('INVITE').options.proxy, 'sip:c', 'the last hop has all the time of the call');
      invite({ legId: 'c.3', proxies: ['sip:a', 'sip:b'] });
      link.last('INVITE').sent().respond(408);
      assert.equal(last('rejected').status, 408);
    });

    it('holds a CANCEL until the server has said what to cancel', () => {
      invite();
      tell(cancel);
      const sent = link.last('INVITE');
      assert.equal(sent.cancels.length, 0);
      sent.sent();
      assert.deepEqual(sent.cancels, [{ Reason: 'SIP;cause=200' }]);
      sent.respond(487);
      assert.deepEqual(kinds(), ['rejected']);
    });

    it('ends a 200 that crossed the CANCEL with ACK and BYE, and says rejected once', () => {
      invite();
      const sent = link.last('INVITE').sent();
      tell(cancel);
      sent.respond(200, [], ANSWER);
      assert.deepEqual(sent.acks, [null]);
      assert.equal(link.last('BYE').options.headers['Reason'], 'SIP;cause=200');
      link.last('BYE').fail('Server error: unable to find dialog for dialog id provided');
      assert.deepEqual(kinds(), ['rejected']);
      assert.equal(last('rejected').status, 487);
    });

    it('does not wait for ever after a CANCEL', () => {
      invite();
      link.last('INVITE').sent();
      tell(cancel);
      clock.advance(CANCEL_GUARD_MS);
      assert.equal(last('rejected').status, 408);
    });

    it('takes any 2xx as success and names the dialog', () => {
      invite();
      const sent = link.last('INVITE').sent();
      sent.respond(202, ['Allow: INVITE, REFER', 'Supported: replaces'], ANSWER);
      const accepted = last('accepted');
      assert.deepEqual(sent.acks, [null]);
      assert.deepEqual(accepted.dialog, {
        sipCallId: 'call1@us',
        localTag: 'ours',
        remoteTag: 'theirs',
        remoteTarget: 'sip:them@10.0.0.9',
      });
      assert.deepEqual(accepted.peer.allow, ['INVITE', 'REFER']);
      assert.deepEqual(accepted.peer.supported, ['replaces']);
      assert.equal(accepted.wantsAck, false);
    });

    it('leaves the ACK of a late offer to the call, and sends it before a BYE if none came', () => {
      invite({ sdp: null });
      const sent = link.last('INVITE').sent();
      sent.respond(200, [], OFFER);
      assert.equal(last('accepted').wantsAck, true);
      assert.deepEqual(sent.acks, []);
      tell({ kind: 'bye', legId: 'c.2', headers: {} });
      assert.deepEqual(sent.acks, [null]);
      link.last('BYE').sent().respond(200);
      assert.equal(last('gone').legId, 'c.2');
    });

    it('keeps line breaks out of headers, writes repeated ones apart, and leaves Contact to the server', () => {
      invite({
        headers: { 'X-A': 'a\r\nVia: b', 'History-Info': ['<sip:a>', '<sip:b>'], Contact: '<sip:evil>' },
      });
      const { headers } = link.last('INVITE').options;
      assert.equal(headers['X-A'], 'a Via: b');
      assert.equal(headers['History-Info'], '<sip:a>\r\nHistory-Info: <sip:b>');
      assert.equal(headers['Contact'], undefined);
      assert.equal(headers['From'], '<sip:+49%2030@localhost>');
    });

    describe('once it is answered', () => {
      const request = (requestId: string, method: 'INFO' | 'INVITE' | 'REFER'): void => {
        const body = method === 'INFO' ? 'x' : null;
        const contentType = body === null ? null : 'text/plain';
        const headers = { 'Refer-To': '<sip:x@h>' };
        tell({ kind: 'request', legId: 'c.2', requestId, method, headers, body, contentType, auth: null });
      };
      const dialogId = 'call1@us;from-tag=ours';

      beforeEach(() => {
        invite();
        link.last('INVITE').sent().respond(200, [], ANSWER);
      });

      it('reports a lost dialog as 481 and another failure as 503', () => {
        request('r1', 'INFO');
        link.last('INFO').fail(new Error('Server error: unable to find dialog for dialog id provided'));
        assert.equal(last('response').status, 481);
        request('r2', 'INFO');
        link.last('INFO').fail(new Error('boom'));
        assert.equal(last('response').status, 503);
      });

      it('acknowledges a re-INVITE without offer only with the answer of the call', () => {
        request('r1', 'INVITE');
        const sent = link.last('INVITE').sent();
        sent.respond(200, [], OFFER);
        assert.equal(last('response').wantsAck, true);
        assert.deepEqual(sent.acks, []);
        tell({ kind: 'ack', legId: 'c.2', requestId: 'r1', sdp: ANSWER });
        assert.deepEqual(sent.acks, [ANSWER]);
      });

      it('still delivers a NOTIFY that the BYE of a transferred peer overtook', () => {
        request('r1', 'REFER');
        link.last('REFER').sent().respond(202);
        adapter.route(new FakeIncoming('BYE', { dialogId }).request, new FakeIncoming('BYE').reply);
        assert.equal(last('bye').byStack, null);
        const notify = new FakeIncoming('NOTIFY', { dialogId, lines: ['Subscription-State: terminated'] });
        assert.equal(adapter.route(notify.request, notify.reply), true);
        assert.equal(last('request').method, 'NOTIFY');
        const info = new FakeIncoming('INFO', { dialogId });
        adapter.route(info.request, info.reply);
        assert.deepEqual(info.statuses, [481]);
        clock.advance(LATE_NOTIFY_MS);
        assert.equal(adapter.legs, 0);
      });

      it('answers 487 to a re-INVITE of the peer that its own BYE overtakes', () => {
        const reinvite = new FakeIncoming('INVITE', { dialogId });
        adapter.route(reinvite.request, reinvite.reply);
        const bye = new FakeIncoming('BYE', { dialogId });
        adapter.route(bye.request, bye.reply);
        assert.deepEqual(bye.statuses, [200]);
        assert.deepEqual(reinvite.statuses, [487]);
        assert.deepEqual(kinds().slice(-2), ['request', 'bye']);
      });

      it('answers a request once, whatever the call says later', () => {
        const info = new FakeIncoming('INFO', { dialogId });
        adapter.route(info.request, info.reply);
        const { requestId } = last('request');
        const rest = { reason: null, headers: {}, body: null, contentType: null };
        tell({ kind: 'respond', legId: 'c.2', requestId, status: 200, ...rest });
        tell({ kind: 'respond', legId: 'c.2', requestId, status: 500, ...rest });
        assert.deepEqual(info.statuses, [200]);
      });

      it('answers for a call that is no more: 481, but 200 to a NOTIFY', () => {
        deaf = true;
        const info = new FakeIncoming('INFO', { dialogId });
        const notify = new FakeIncoming('NOTIFY', { dialogId });
        for (const { request: incoming, reply } of [info, notify]) adapter.route(incoming, reply);
        assert.deepEqual([info.statuses, notify.statuses], [[481], [200]]);
      });

      it('says why the stack ended the dialog', () => {
        const lines = ['Reason: SIP;cause=200;text="Session timer expired"'];
        const bye = new FakeIncoming('BYE', { dialogId, lines, byStack: true });
        adapter.route(bye.request, bye.reply);
        assert.equal(last('bye').byStack, 'Session timer expired');
      });

      it('fails what is under way when the server is lost, and sends the BYE once it is back', () => {
        request('r1', 'INFO');
        adapter.onLinkLost();
        const [response, bye] = events.slice(-2);
        assert.equal(response?.kind === 'response' && response.status, 503);
        assert.equal(bye?.kind, 'bye');
        adapter.onLinkBack();
        assert.equal(link.last('BYE').options.stackDialogId, dialogId);
      });
    });
  });

  describe('of an INVITE that came in', () => {
    let incoming: FakeIncoming;
    const accept: SignallingCommand = { kind: 'accept', legId: 'c.1', sdp: ANSWER, headers: { 'X-Id': '1' } };
    const bye: SignallingCommand = { kind: 'bye', legId: 'c.1', headers: {} };

    beforeEach(() => {
      incoming = new FakeIncoming('INVITE', { body: OFFER });
      adapter.takeIn('c', 'c.1', incoming.request, incoming.reply, readInvite(incoming.request));
    });

    const ack = (body = ''): void => {
      const request = new FakeIncoming('ACK', { dialogId: DIALOG, body });
      adapter.route(request.request, request.reply);
    };

    it('keeps headers of a provisional response out of the final one, and their spelling', () => {
      tell({ kind: 'provisional', legId: 'c.1', status: 183, sdp: ANSWER, headers: { 'X-Early': 'yes' } });
      tell(accept);
      const [early, final] = incoming.answers as [Answer, Answer];
      assert.equal(early.headers['X-Early'], 'yes');
      assert.equal(early.headers['Content-Type'], 'application/sdp');
      assert.equal(final.headers['X-Early'], undefined);
      assert.equal(final.headers['X-Id'], '1');
      assert.equal(final.headers['call-id'], 'in@them');
    });

    it('is established with the 200 and acked with the ACK', () => {
      tell(accept);
      assert.deepEqual(kinds(), []);
      incoming.echo();
      assert.equal(last('established').dialog.localTag, 'ours');
      ack(OFFER);
      assert.equal(last('acked').sdp, OFFER);
    });

    it('drops a reject after the CANCEL quietly', () => {
      incoming.cancel();
      tell({ kind: 'reject', legId: 'c.1', status: 486, reason: null, headers: {} });
      assert.deepEqual(kinds(), ['cancelled']);
      assert.deepEqual(incoming.statuses, []);
    });

    it('is cancelled where the CANCEL was faster than our 200', () => {
      tell(accept);
      incoming.refuseEcho('Response not sent due to unknown transaction');
      assert.deepEqual(kinds(), ['cancelled']);
    });

    it('sends BYE only after the ACK (RFC 3261 15)', () => {
      tell(accept);
      incoming.echo();
      tell(bye);
      assert.equal(link.count('BYE'), 0);
      ack();
      link.last('BYE').sent().respond(200);
      assert.deepEqual(kinds(), ['established', 'gone']);
    });

    it('waits for the ACK no longer than its 200 is retransmitted', () => {
      tell(accept);
      incoming.echo();
      tell(bye);
      clock.advance(ACK_WAIT_MS);
      link.last('BYE').sent().respond(200);
      assert.equal(last('gone').legId, 'c.1');
    });

    it('is gone where the stack gives up waiting for the ACK', () => {
      tell(accept);
      incoming.echo();
      tell(bye);
      const unsolicited = new FakeIncoming('BYE', { dialogId: DIALOG, byStack: true });
      adapter.route(unsolicited.request, unsolicited.reply);
      assert.equal(last('gone').legId, 'c.1');
    });

    it('says gone to a BYE for a leg that is gone', () => {
      incoming.cancel();
      tell(bye);
      assert.deepEqual(kinds(), ['cancelled', 'gone']);
    });

    it('is rejected 500 when its call fails', () => {
      assert.equal(adapter.abandon('c'), 1);
      assert.deepEqual(incoming.statuses, [500]);
    });

    it('matches the ACK of a re-INVITE by its CSeq', () => {
      tell(accept);
      incoming.echo();
      ack();
      const reinvite = new FakeIncoming('INVITE', { dialogId: DIALOG, lines: ['CSeq: 2 INVITE'] });
      adapter.route(reinvite.request, reinvite.reply);
      const { requestId } = last('request');
      const rest = { reason: null, headers: {}, contentType: null };
      tell({ kind: 'respond', legId: 'c.1', requestId, status: 200, body: OFFER, ...rest });
      const late = new FakeIncoming('ACK', { dialogId: DIALOG, lines: ['CSeq: 2 ACK'], body: ANSWER });
      adapter.route(late.request, late.reply);
      assert.deepEqual(last('acked'), { kind: 'acked', legId: 'c.1', requestId, sdp: ANSWER });
    });
  });
});
