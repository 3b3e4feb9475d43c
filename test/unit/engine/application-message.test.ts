import assert from 'node:assert/strict';
import { HeaderList } from '../../../src/sip/message.js';
import {
  copyHeaders,
  parseApplicationMessage,
  withoutLocalhost,
} from '../../../src/engine/signalling/application-message.js';

const parse = (text: string) => parseApplicationMessage(Buffer.from(text));

describe('SIP messages as applications write them', () => {
  it('takes the body from the message, not from a Content-Length in characters', () => {
    const message = parse(
      'MESSAGE sip:a@h SIP/2.0\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nñ👍',
    );
    assert.equal(message.kind, 'request');
    assert.equal(message.body.toString(), 'ñ👍');
  });

  it('refuses methods and start lines that are none', () => {
    for (const line of [
      'FOO sip:a SIP/2.0',
      'INVITE garbage SIP/2.0',
      'INVITE sip:a',
      'SIP/2.0 99 Low',
      '',
    ]) {
      assert.equal(parse(`${line}\r\n\r\n`).kind, 'invalid', line);
    }
  });

  it('leaves out what is no header, and joins folded lines', () => {
    const message = parse('INFO sip:a SIP/2.0\r\nno colon\r\nBad Name: x\r\nX-Long: one\r\n two\r\n\r\n');
    assert.equal(message.kind, 'request');
    assert.deepEqual([...message.headers], [['X-Long', 'one two']]);
  });

  it('keeps spellings of its own, gives the usual one to lower-case names, and drops the headers of the engine', () => {
    const from = HeaderList.of([
      ['user-to-user', 'a'],
      ['x-lower', 'b'],
      ['X-oDD', 'c'],
      ['via', 'd'],
      ['rseq', '1'],
      ['p-asserted-identity', '<sip:me@localhost>'],
    ]);
    const to = new HeaderList();
    copyHeaders(from, to, '10.0.0.1:5060', new Set());
    assert.deepEqual(
      [...to],
      [
        ['User-to-User', 'a'],
        ['x-lower', 'b'],
        ['X-oDD', 'c'],
        ['P-Asserted-Identity', '<sip:me@10.0.0.1:5060>'],
      ],
    );
  });

  it('replaces localhost as a host only', () => {
    assert.equal(withoutLocalhost('<sip:a@localhost;x=1>', 'h:1'), '<sip:a@h:1;x=1>');
    assert.equal(withoutLocalhost('<sip:localhost>', 'h:1'), '<sip:h:1>');
    assert.equal(withoutLocalhost('<sip:a@localhost.example>', 'h:1'), '<sip:a@localhost.example>');
    assert.equal(withoutLocalhost('<sip:a@localhost:5070>', 'h:1'), '<sip:a@localhost:5070>');
  });
});
