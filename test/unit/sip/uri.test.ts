import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatUri, parseSipUri, parseUri, sameSipUri, type SipUri } from '../../../src/sip/uri.js';

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
    assert.equal(formatUri(sip(text)), text);
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

  it('reads and writes tel URIs', () => {
    const uri = parseUri('tel:+1-201-555-0123;phone-context=example.com');
    assert.ok(uri?.scheme === 'tel');
    assert.equal(uri.number, '+1-201-555-0123');
    assert.equal(formatUri(uri), 'tel:+1-201-555-0123;phone-context=example.com');
  });

  it('compares as 19.1.4 says', () => {
    const same = (one: string, other: string): boolean => sameSipUri(sip(one), sip(other));
    assert.ok(same('sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'));
    assert.ok(same('sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'));
    assert.ok(
      same(
        'sip:b@biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
        'sip:b@biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
      ),
    );
    assert.ok(!same('SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'));
    assert.ok(!same('sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'));
    assert.ok(!same('sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'));
    assert.ok(!same('sip:carol@chicago.com?Subject=next%20meeting', 'sip:carol@chicago.com'));
  });

  it('reads back whatever it wrote', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(
        text,
        fc.option(text, { nil: undefined }),
        text,
        text,
        fc.option(fc.nat(65535), { nil: undefined }),
        (user, password, param, header, port) => {
          const uri: SipUri = {
            scheme: 'sip',
            user,
            password,
            host: 'example.com',
            port,
            params: new Map([
              ['x', param],
              ['lr', undefined],
            ]),
            headers: [['Subject', header]],
          };
          assert.deepEqual(sip(formatUri(uri)), uri);
        },
      ),
      { numRuns: 500 },
    );
  });
});
