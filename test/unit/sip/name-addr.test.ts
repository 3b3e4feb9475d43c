import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatNameAddr, parseNameAddr, parseNameAddrList } from '../../../src/sip/name-addr.js';

describe('name-addr', () => {
  it('takes quoted names with escapes, tokens, and none', () => {
    assert.equal(parseNameAddr('"Quote \\"Q\\", comma" <sip:a@h>;tag=1')?.displayName, 'Quote "Q", comma');
    assert.equal(parseNameAddr('Alice Smith <sip:a@h>')?.displayName, 'Alice Smith');
    assert.equal(parseNameAddr('<sip:a@h>')?.displayName, undefined);
  });

  it('gives parameters to the header when the URI has no brackets (20.10)', () => {
    const bare = parseNameAddr('sip:a@h;tag=7');
    assert.equal(bare?.uri, 'sip:a@h');
    assert.equal(bare.params.get('tag'), '7');
    const bracketed = parseNameAddr('<sip:a@h;transport=tcp> ; tag = 7 ;q=0.5');
    assert.equal(bracketed?.uri, 'sip:a@h;transport=tcp');
    assert.deepEqual(
      [...bracketed.params],
      [
        ['tag', '7'],
        ['q', '0.5'],
      ],
    );
  });

  it('splits a line at the commas that count', () => {
    const list = parseNameAddrList('"Smith, J" <sip:a@h;x=1,2>;q=1, <sip:b@h?Subject=a,b>, sip:c@h');
    assert.deepEqual(
      list?.map((value) => value.uri),
      ['sip:a@h;x=1,2', 'sip:b@h?Subject=a,b', 'sip:c@h'],
    );
  });

  it('knows Contact: *', () => assert.equal(parseNameAddr('*')?.uri, '*'));

  for (const bad of [
    '',
    'alice',
    '"open <sip:a@h>',
    '<sip:a@h',
    '<>',
    '<sip:a b@h>',
    'a"b <sip:a@h>',
    '<sip:a@h> trailing',
    '"A" "B" <sip:a@h>',
  ]) {
    it(`rejects ${JSON.stringify(bad)}`, () => assert.equal(parseNameAddr(bad), undefined));
  }

  it('reads back whatever it wrote', () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 12 });
    fc.assert(
      fc.property(name, name, (displayName, value) => {
        const original = {
          displayName,
          uri: 'sip:a@h',
          params: new Map<string, string | undefined>([['x', value]]),
        };
        assert.deepEqual(parseNameAddr(formatNameAddr(original)), original);
      }),
    );
  });
});
