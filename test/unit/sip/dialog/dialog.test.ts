import assert from 'node:assert/strict';
import { Dialog, dialogId } from '../../../../src/sip/dialog/dialog.js';
import type { SipRequest } from '../../../../src/sip/message.js';
import { createResponse } from '../../../../src/sip/response.js';
import { request } from '../../../fixtures/sip/sample-messages.js';

const contact = (uri: string): [string, string] => ['Contact', `<${uri}>`];

function uac(status: number, recordRoute: string[], options: { invite?: SipRequest; contact?: string } = {}) {
  const invite = options.invite ?? request();
  for (const route of recordRoute) invite.headers.add('Record-Route', route);
  const response = createResponse(invite, status, undefined, {
    toTag: 'bob',
    headers: [contact(options.contact ?? 'sip:bob@192.0.2.4:5070')],
  });
  const dialog = Dialog.ofUac(invite, response);
  assert.ok(dialog);
  return { invite, response, dialog };
}

function uas(recordRoute: string[] = []) {
  const invite = request({ more: recordRoute.map((route) => `Record-Route: ${route}`) });
  const dialog = Dialog.ofUas(invite, createResponse(invite, 200, undefined, { toTag: 'bob' }));
  assert.ok(dialog);
  return { invite, dialog };
}

const start = (built: SipRequest): string => `${built.method} ${built.uri}`;

describe('Dialog', () => {
  it('is named alike by both sides of their own view (12)', () => {
    const { dialog: caller } = uac(200, []);
    const { dialog: callee } = uas();
    assert.equal(dialogId(callee.createRequest('BYE')), caller.id);
    assert.equal(dialogId(caller.createRequest('BYE')), callee.id);
    assert.equal(dialogId(request()), undefined);
  });

  it('needs a To tag in a provisional response, and is early until the 2xx (12.1)', () => {
    assert.equal(Dialog.ofUac(request(), createResponse(request(), 180)), undefined);
    assert.equal(
      Dialog.ofUac(request(), createResponse(request(), 100, undefined, { toTag: 'x' })),
      undefined,
    );
    assert.equal(
      Dialog.ofUac(request(), createResponse(request(), 486, undefined, { toTag: 'x' })),
      undefined,
    );
    const { dialog, invite } = uac(180, []);
    assert.equal(dialog.state, 'early');
    const final = createResponse(invite, 200, undefined, {
      toTag: 'bob',
      headers: [contact('sip:bob@192.0.2.77'), ['Record-Route', '<sip:late;lr>']],
    });
    dialog.confirm(final);
    assert.equal(dialog.state, 'confirmed');
    assert.equal(dialog.remoteTarget, 'sip:bob@192.0.2.77');
    assert.deepEqual(dialog.routeSet, ['<sip:late;lr>']);
  });

  it('takes the route set in order as UAS and reversed as UAC, commas or lines (12.1)', () => {
    const routes = ['<sip:p1;lr>, <sip:p2;lr>', '<sip:p3;lr>'];
    assert.deepEqual(uas(routes).dialog.routeSet, ['<sip:p1;lr>', '<sip:p2;lr>', '<sip:p3;lr>']);
    assert.deepEqual(uac(200, routes).dialog.routeSet, ['<sip:p3;lr>', '<sip:p2;lr>', '<sip:p1;lr>']);
  });

  it('sends to the remote target through loose routers (12.2.1.1)', () => {
    const { dialog } = uac(200, ['<sip:p1;lr>', '<sip:p2;lr>']);
    const bye = dialog.createRequest('BYE', { headers: [['Reason', 'x']] });
    assert.equal(start(bye), 'BYE sip:bob@192.0.2.4:5070');
    assert.deepEqual(bye.headers.getAll('Route'), ['<sip:p2;lr>', '<sip:p1;lr>']);
    assert.equal(bye.headers.get('CSeq'), '314160 BYE');
    assert.equal(bye.headers.fromTag(), '1928301774');
    assert.equal(bye.headers.toTag(), 'bob');
    assert.equal(bye.headers.get('Reason'), 'x');
    assert.equal(dialog.nextHop(), 'sip:p2;lr');
  });

  it('puts a strict router into the Request-URI and the target last (12.2.1.1)', () => {
    const { dialog } = uac(200, ['<sip:p1;lr>', '<sip:strict>']);
    const bye = dialog.createRequest('BYE');
    assert.equal(start(bye), 'BYE sip:strict');
    assert.deepEqual(bye.headers.getAll('Route'), ['<sip:p1;lr>', '<sip:bob@192.0.2.4:5070>']);
    assert.equal(dialog.nextHop(), 'sip:strict');
  });

  it('acknowledges a 2xx with the CSeq number of the INVITE (13.2.2.4)', () => {
    const { dialog } = uac(200, ['<sip:p1;lr>']);
    dialog.createRequest('INFO');
    const ack = dialog.createAck(314159);
    assert.equal(ack.headers.get('CSeq'), '314159 ACK');
    assert.deepEqual(ack.headers.getAll('Route'), ['<sip:p1;lr>']);
    assert.equal(dialog.createRequest('BYE').headers.get('CSeq'), '314161 BYE');
  });

  it('counts its own CSeq from 1 as UAS, and answers the caller with From and To turned round', () => {
    const { dialog, invite } = uas();
    const bye = dialog.createRequest('BYE');
    assert.equal(bye.headers.get('CSeq'), '1 BYE');
    assert.equal(bye.headers.get('To'), invite.headers.get('From'));
    assert.equal(bye.headers.get('From'), '<sip:bob@192.0.2.4>;tag=bob');
    assert.equal(bye.uri, 'sip:alice@192.0.2.1:5060');
  });

  it('finds requests out of order (12.2.2), but never ACK and CANCEL', () => {
    const { dialog } = uas();
    assert.equal(dialog.receive(request({ method: 'INFO', cseq: '314160 INFO' })), 'in-order');
    assert.equal(dialog.receive(request({ method: 'INFO', cseq: '314159 INFO' })), 'out-of-order');
    assert.equal(dialog.receive(request({ method: 'ACK', cseq: '314159 ACK' })), 'in-order');
    assert.equal(dialog.receive(request({ method: 'BYE', cseq: '314200 BYE' })), 'in-order');
    assert.equal(dialog.remoteCSeq, 314200);
  });

  it('follows a target refresh', () => {
    const { dialog } = uas();
    dialog.refreshTarget(request({ more: [] }));
    assert.equal(dialog.remoteTarget, 'sip:alice@192.0.2.1:5060');
    const moved = request();
    moved.headers.set('Contact', '"A" <sip:alice@198.51.100.9;transport=tcp>;expires=5');
    dialog.refreshTarget(moved);
    assert.equal(start(dialog.createRequest('BYE')), 'BYE sip:alice@198.51.100.9;transport=tcp');
  });
});
