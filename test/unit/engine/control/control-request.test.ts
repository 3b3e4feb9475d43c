import assert from 'node:assert/strict';
import { parseControlRequest } from '../../../../src/engine/control/control-request.js';

const parse = (text: string) => parseControlRequest(Buffer.from(text));

describe('control messages from an application', () => {
  it('reads secret and tags', () => {
    assert.deepEqual(parse('1|authenticate|cymru|tag1,tag2'), {
      type: 'authenticate',
      id: '1',
      secret: 'cymru',
      tags: ['tag1', 'tag2'],
    });
    assert.deepEqual(parse('1|authenticate|cymru|'), {
      type: 'authenticate',
      id: '1',
      secret: 'cymru',
      tags: [],
    });
  });

  it('reads a verb whatever its case', () => {
    assert.deepEqual(parse('1|route|INVITE'), { type: 'route', id: '1', verb: 'invite' });
    assert.deepEqual(parse('1|remove_route|invite'), { type: 'remove_route', id: '1', verb: 'invite' });
  });

  it('reads a SIP message with its transaction, dialog and outbound proxy', () => {
    const request = parse('1|sip|txn|call@x;from-tag=7|sip:10.0.0.1\r\nBYE sip:placeholder SIP/2.0\r\n\r\n');
    assert.equal(request.type, 'sip');
    assert.deepEqual(
      { ...request, sip: request.sip.toString() },
      {
        type: 'sip',
        id: '1',
        transactionId: 'txn',
        dialogId: 'call@x;from-tag=7',
        proxy: 'sip:10.0.0.1',
        sip: 'BYE sip:placeholder SIP/2.0\r\n\r\n',
      },
    );
  });

  it('reads the destinations of a proxy request', () => {
    const request = parse(
      '1|proxy|txn|remainInDialog|fullResponse||serial|||sip:a|sip:b\r\nINVITE sip:a SIP/2.0\r\n\r\n',
    );
    assert.equal(request.type, 'proxy');
    assert.deepEqual(request.options.destinations, ['sip:a', 'sip:b']);
  });

  it('names what is wrong with a message it cannot read', () => {
    assert.deepEqual(parse('abcd'), { type: 'invalid', id: 'abcd', text: 'Invalid message format' });
    assert.deepEqual(parse('1|foo|bar'), { type: 'invalid', id: '1', text: 'Unknown message type' });
    assert.deepEqual(parse('1|sip|txn|'), { type: 'invalid', id: '1', text: 'Invalid message format' });
  });
});
