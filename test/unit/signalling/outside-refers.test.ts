import assert from 'node:assert/strict';
import type { SignallingEvent } from '../../../src/call/signalling-port.js';
import { createLogger } from '../../../src/common/log.js';
import { readHeaders } from '../../../src/signalling/header-reading.js';
import { OutsideRefers } from '../../../src/signalling/outside-refers.js';
import { judgeOutsideRefer, readTargetDialog } from '../../../src/signalling/target-dialog.js';
import { makeTrunk } from '../../support/call/call-plan.js';
import { FakeIncoming, FakeLink } from './support/fake-sip.js';

const OF = { callId: 'c', legId: 'c.1' };
const DIALOG = 'in@them;from-tag=theirs';

describe('REFER outside a dialog', () => {
  let link: FakeLink;
  let refers: OutsideRefers;
  let events: SignallingEvent[];
  let deaf: boolean;

  beforeEach(() => {
    link = new FakeLink();
    events = [];
    deaf = false;
    refers = new OutsideRefers({
      link,
      log: createLogger('test', 'silent'),
      emit: (_callId, event) => {
        if (deaf) return false;
        events.push(event);
        return true;
      },
    });
  });

  const take = (): FakeIncoming => {
    const incoming = new FakeIncoming('REFER');
    refers.take(OF, incoming.request, incoming.reply, readHeaders(incoming.request.msg.raw));
    return incoming;
  };
  const asked = (): { requestId: string; subscription: string } => {
    const event = events.at(-1);
    assert.ok(event?.kind === 'request' && event.outside !== undefined);
    return { requestId: event.requestId, subscription: event.outside };
  };
  const respond = (status: number): boolean =>
    refers.execute({
      kind: 'respond',
      legId: 'c.1',
      requestId: asked().requestId,
      status,
      reason: null,
      headers: {},
      body: null,
      contentType: null,
    });
  const notify = (state: string, body = 'SIP/2.0 100 Trying\r\n'): boolean =>
    refers.execute({
      kind: 'notify',
      legId: 'c.1',
      subscription: asked().subscription,
      headers: { Event: 'refer', 'Subscription-State': state },
      body,
    });

  it('NOTIFYs wait for the 202 and go in its dialog; the last one ends the subscription', () => {
    const incoming = take();
    respond(202);
    notify('active;expires=300');
    assert.equal(link.count('NOTIFY'), 0, 'the 202 is not out yet');
    incoming.echo();
    assert.equal(link.last('NOTIFY').options.stackDialogId, DIALOG);
    assert.equal(link.last('NOTIFY').uri, 'sip:ann@10.0.0.8');
    assert.match(incoming.answers[0]?.headers['Supported'] ?? '', /tdialog/);
    link.last('NOTIFY').sent().respond(200);
    notify('terminated;reason=noresource', 'SIP/2.0 200 OK\r\n');
    link.last('NOTIFY').sent().respond(200);
    assert.equal(refers.size, 0);
    assert.equal(
      refers.route(new FakeIncoming('SUBSCRIBE', { dialogId: DIALOG }).request, incoming.reply),
      false,
    );
  });

  it('a refusal makes no subscription; a call that is gone answers 481', () => {
    const refused = take();
    respond(603);
    assert.deepEqual(refused.statuses, [603]);
    deaf = true;
    assert.deepEqual(take().statuses, [481]);
    assert.equal(refers.size, 0);
  });

  it('the call ends first: an unanswered REFER gets 481, an answered one its last NOTIFY', () => {
    const open = take();
    refers.callEnded('c');
    assert.deepEqual(open.statuses, [481]);
    const answered = take();
    respond(202);
    answered.echo();
    refers.callEnded('c');
    assert.match(link.last('NOTIFY').options.headers['Subscription-State'] ?? '', /^terminated/);
    assert.equal(refers.size, 0);
  });

  it('SUBSCRIBE in its dialog with Expires 0 ends it with one last NOTIFY', () => {
    const incoming = take();
    respond(202);
    incoming.echo();
    const leaving = new FakeIncoming('SUBSCRIBE', { dialogId: DIALOG, lines: ['Expires: 0'] });
    assert.equal(refers.route(leaving.request, leaving.reply), true);
    assert.deepEqual(leaving.statuses, [200]);
    assert.equal(link.last('NOTIFY').options.headers['Subscription-State'], 'terminated;reason=timeout');
    notify('active;expires=300');
    assert.equal(link.count('NOTIFY'), 1, 'nobody listens any more');
  });

  it('a peer that answers 481 to a NOTIFY hears no more', () => {
    const incoming = take();
    respond(202);
    incoming.echo();
    notify('active;expires=300');
    link.last('NOTIFY').sent().respond(481);
    notify('active;expires=300');
    assert.equal(link.count('NOTIFY'), 1);
  });

  it('is judged by trunk, Require and Target-Dialog', () => {
    const open = [makeTrunk({ acceptReferOutOfDialog: true })];
    const contact = { contact: '<sip:a@b>' };
    const status = (headers: Record<string, string>, trunks = open): unknown => {
      const judged = judgeOutsideRefer(headers, trunks);
      return 'status' in judged ? judged.status : judged.localTag;
    };
    const named = { ...contact, 'target-dialog': 'x@y;remote-tag=2;local-tag=1' };
    assert.equal(status(named), '1');
    assert.equal(status(named, [makeTrunk()]), 403);
    assert.equal(status({ ...named, require: 'tdialog, foo' }), 420);
    assert.equal(status(contact), 403);
    assert.equal(status({ ...contact, supported: 'replaces, tdialog' }), 421);
    assert.equal(status({ 'target-dialog': named['target-dialog'] }), 400);
    for (const bad of [
      'x@y',
      'x@y;local-tag=1',
      ';local-tag=1;remote-tag=2',
      'x@y;local-tag=1;remote-tag=2, z',
    ])
      assert.equal(readTargetDialog({ 'target-dialog': bad }), 'malformed', bad);
  });
});
