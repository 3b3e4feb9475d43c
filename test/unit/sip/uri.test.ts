import assert from 'node:assert/strict';
import { parseSipUri, parseUri, type SipUri } from '../../../src/sip/uri.js';

function sip(text: string): SipUri {
  const uri = parseSipUri(text);
  assert.ok(uri, `not parsed: ${text}`);
  return uri;
}

describe('SIP URI', () => {
  it('has user, password, host, port, parameters and headers (19.1.1)', () => {
    const uri = sip('sips:alice:se%40cret@[2001:db8::1]:5061;transport=tcp;lr?Subject=a%20b&Priority=urgent');
    assert.equal(uri.scheme, 'sips');
    assert.equal(uri.user, 'alice');
    assert.equal(uri.password, 'se@cret');
    assert.equal(uri.host, '[2001:db8::1]');
    assert.equal(uri.port, 5061);
    assert.deepEqual(
      [...uri.params],
      [
        ['transport', 'tcp'],
        ['lr', undefined],
      ],
    );
    assert.deepEqual(uri.headers, [
      ['Subject', 'a b'],
      ['Priority', 'urgent'],
    ]);
  });

  it('carries Replaces in a Refer-To unharmed', () => {
    const replaces = '12345@192.168.118.3;to-tag=12345;from-tag=5FFE-3994';
    const text = 'sip:bob@h?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994';
    assert.deepEqual(sip(text).headers, [['Replaces', replaces]]);
  });

  it('keeps parameters of a telephone subscriber in the user part', () => {
    assert.equal(
      sip('sip:+1555;phone-context=example.com@gw.example.com;user=phone').user,
      '+1555;phone-context=example.com',
    );
  });

  for (const bad of [
    '',
    'sip:',
    'sip:@h',
    'sip:a@',
    'sip:a@h:99999',
    'sip:a@h:x',
    'sip:%zz@h',
    'sip:a@[::1',
    'sip:a@h o',
    'http://x',
    'tel:abc x',
  ]) {
    it(`rejects ${JSON.stringify(bad)}`, () => assert.equal(parseUri(bad), undefined));
  }

  it('reads tel URIs', () => {
    const uri = parseUri('tel:+1-201-555-0123;phone-context=example.com');
    assert.ok(uri?.scheme === 'tel');
    assert.equal(uri.number, '+1-201-555-0123');
  });
});
