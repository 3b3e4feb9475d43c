import assert from 'node:assert/strict';
import { HeaderList } from '../../../src/sip/message.js';

const sample = (): HeaderList =>
  HeaderList.of([
    ['v', 'SIP/2.0/UDP one;branch=z9hG4bK1'],
    ['Route', '<sip:p1;lr>'],
    ['VIA', 'SIP/2.0/UDP two;branch=z9hG4bK2'],
    ['X-Own', 'kept'],
  ]);

describe('HeaderList', () => {
  it('finds all lines of a name across spellings, in order', () => {
    assert.deepEqual(sample().getAll('Via'), [
      'SIP/2.0/UDP one;branch=z9hG4bK1',
      'SIP/2.0/UDP two;branch=z9hG4bK2',
    ]);
    assert.equal(sample().get('VIA'), 'SIP/2.0/UDP one;branch=z9hG4bK1');
    assert.equal(sample().get('nothing'), undefined);
  });

  it('sets in place, keeping the spelling, and removes the duplicates', () => {
    const list = sample();
    list.set('Via', 'SIP/2.0/UDP three');
    assert.deepEqual(
      [...list.entries()],
      [
        ['v', 'SIP/2.0/UDP three'],
        ['Route', '<sip:p1;lr>'],
        ['X-Own', 'kept'],
      ],
    );
  });

  it('removes the first, or all', () => {
    const list = sample();
    list.removeFirst('via');
    assert.deepEqual(list.getAll('via'), ['SIP/2.0/UDP two;branch=z9hG4bK2']);
    list.prepend('Via', 'SIP/2.0/UDP zero');
    list.remove('v');
    assert.equal(list.has('Via'), false);
    assert.equal(list.size, 2);
  });

  it('copies without sharing', () => {
    const list = sample();
    const copy = list.clone();
    copy.add('X-More', '1');
    assert.equal(list.has('X-More'), false);
  });

  it('parses structured values anew when the line changes', () => {
    const list = HeaderList.of([['To', '<sip:b@h>']]);
    assert.equal(list.toTag(), undefined);
    list.set('To', '<sip:b@h>;tag=77');
    assert.equal(list.toTag(), '77');
    assert.equal(list.to()?.uri, 'sip:b@h');
  });

  it('takes one Via off a line that holds two', () => {
    const list = HeaderList.of([['Via', 'SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b;branch=z9hG4bK2']]);
    list.removeTopVia();
    assert.equal(list.get('Via'), 'SIP/2.0/TCP b;branch=z9hG4bK2');
    list.removeTopVia();
    assert.equal(list.has('Via'), false);
  });

  it('lets no value or name break out of its line', () => {
    const list = HeaderList.of([
      ['X-A', 'one\r\nEvil: yes'],
      ['X-B\r\nEvil', '1'],
    ]);
    list.set('X-A', 'two\nEvil: yes');
    list.prepend('X-C', 'three\rEvil: yes');
    assert.equal(list.toText().match(/\r\n/g)?.length, 3);
    assert.equal(list.get('X-A'), 'two Evil: yes');
  });

  it('is not fooled by names that objects inherit', () => {
    const list = HeaderList.of([
      ['constructor', '1'],
      ['__proto__', '2'],
    ]);
    assert.equal(list.get('__PROTO__'), '2');
    assert.equal(list.get('Constructor'), '1');
  });
});
