import assert from 'node:assert/strict';
import { readHeaders, readNameAddress, sdpOf, userOf } from '../../../src/signalling/header-reading.js';
import { writeFrom } from '../../../src/signalling/header-writing.js';
import { readReplaces } from '../../../src/signalling/replaces.js';

describe('headers of a SIP message', () => {
  it('come in lower case and in full, repeated ones in order, folded ones on one line', () => {
    const raw =
      'INVITE sip:a SIP/2.0\r\nf: <sip:a>\r\nX-A: 1\r\nx-a: 2\r\nSubject: long\r\n  er\r\nbad\r\n\r\nZ: body';
    const headers = readHeaders(raw);
    assert.deepEqual({ ...headers }, { from: '<sip:a>', 'x-a': ['1', '2'], subject: 'long er' });
  });

  it('cannot hide a name that objects have by themselves', () => {
    assert.equal(readHeaders('X\r\n__proto__: 1\r\n\r\n')['__proto__'], '1');
  });
});

describe('name-addr', () => {
  for (const [value, displayName, uri, tag] of [
    ['"A, \\"B\\"" <sip:a@h;x=1>;tag=t', 'A, "B"', 'sip:a@h;x=1', 't'],
    ['Ann <sips:a@h>', 'Ann', 'sips:a@h', null],
    ['sip:a@h;tag=t', null, 'sip:a@h', 't'],
    ['<tel:+49>;x;TAG=t2, <sip:b@h>', null, 'tel:+49', 't2'],
  ] as const) {
    it(`reads ${value}`, () => {
      assert.deepEqual(readNameAddress(value), { displayName, uri, tag });
    });
  }

  it('writes a From that nobody can break out of', () => {
    assert.equal(writeFrom('a>b"@x', 'Eve\r\nVia: "x'), '"Eve Via: \\"x" <sip:a%3Eb%22%40x@localhost>');
    assert.equal(writeFrom('', null), '<sip:localhost>');
    assert.equal(writeFrom('anonymous', 'Ana'), '"Anonymous" <sip:anonymous@anonymous.invalid>');
  });
});

describe('user part of a URI', () => {
  for (const [uri, user] of [
    ['sip:+4930;npdi@h:5060;user=phone', '+4930'],
    ['sip:a%20b:pw@h', 'a b'],
    ['tel:+49-30;phone-context=x', '+49-30'],
    ['sip:h', ''],
    ['sip:%zz@h', '%zz'],
  ] as const) {
    it(`of ${uri} is '${user}'`, () => {
      assert.equal(userOf(uri), user);
    });
  }
});

describe('SDP of a message', () => {
  const sdp = 'v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\n';

  it('is found in a multipart body', () => {
    const body = `--x\r\nContent-Type: application/isup\r\n\r\nIAM\r\n--x\r\nContent-Type: application/sdp\r\n\r\n${sdp}\r\n--x--\r\n`;
    const headers = { 'content-type': 'multipart/mixed;boundary="x"' };
    assert.equal(sdpOf(headers, body)?.trim(), sdp.trim());
  });

  it('is none where the body is of another type or empty', () => {
    assert.equal(sdpOf({ 'content-type': 'text/plain' }, sdp), null);
    assert.equal(sdpOf({ 'content-type': 'application/sdp' }, ''), null);
    assert.equal(sdpOf({}, sdp), sdp);
  });
});

describe('Replaces', () => {
  it('is read with its tags in any order', () => {
    assert.deepEqual(readReplaces({ replaces: 'a@b;from-tag=f;early-only;to-tag=t' }), {
      sipCallId: 'a@b',
      toTag: 't',
      fromTag: 'f',
      earlyOnly: true,
    });
  });

  it('is malformed without a tag or twice, and null where absent', () => {
    assert.equal(readReplaces({ replaces: 'a@b;from-tag=f' }), 'malformed');
    assert.equal(readReplaces({ replaces: ['a;to-tag=1;from-tag=2', 'b;to-tag=1;from-tag=2'] }), 'malformed');
    assert.equal(readReplaces({}), null);
  });
});
