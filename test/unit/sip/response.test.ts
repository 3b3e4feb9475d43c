import assert from 'node:assert/strict';
import { createResponse } from '../../../src/sip/response.js';
import { reasonPhrase } from '../../../src/sip/reason-phrase.js';
import { request } from '../../fixtures/sip/sample-messages.js';

describe('createResponse (8.2.6)', () => {
  const invite = request({
    via: 'SIP/2.0/UDP p;branch=z9hG4bK1',
    more: ['Via: SIP/2.0/UDP q;branch=z9hG4bK2', 'Record-Route: <sip:p;lr>', 'Timestamp: 54'],
  });

  it('copies Via in order, From, Call-ID and CSeq, and adds the To tag', () => {
    const { headers } = createResponse(invite, 486, undefined, { toTag: 'mine' });
    assert.deepEqual(headers.getAll('Via'), invite.headers.getAll('Via'));
    assert.equal(headers.get('From'), invite.headers.get('From'));
    assert.equal(headers.get('CSeq'), invite.headers.get('CSeq'));
    assert.equal(headers.get('To'), '<sip:bob@192.0.2.4>;tag=mine');
    assert.equal(headers.has('Record-Route'), false);
  });

  it('copies Record-Route where a dialog may form, Timestamp into 100 only', () => {
    assert.equal(
      createResponse(invite, 180, undefined, { toTag: 'x' }).headers.get('Record-Route'),
      '<sip:p;lr>',
    );
    assert.equal(createResponse(invite, 180).headers.has('Timestamp'), false);
    const trying = createResponse(invite, 100).headers;
    assert.equal(trying.get('Timestamp'), '54');
    assert.equal(trying.has('Record-Route'), false);
  });

  it('keeps a To tag that the request has', () => {
    const inDialog = request({ method: 'BYE', to: '<sip:bob@192.0.2.4>;tag=theirs' });
    assert.equal(createResponse(inDialog, 200, undefined, { toTag: 'mine' }).headers.toTag(), 'theirs');
  });

  it('has a phrase for every status', () => {
    assert.equal(reasonPhrase(487), 'Request Terminated');
    assert.equal(reasonPhrase(499), 'Client Error');
  });
});
