import assert from 'node:assert/strict';
import { isIpv6Address } from '../../../src/sip/ipv6-address.js';

describe('IPv6 addresses (RFC 4291, RFC 5954)', () => {
  for (const good of [
    '::',
    '::1',
    '1::',
    '2001:db8::9:1',
    '2001:db8::10:5070',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::ffff:192.0.2.10',
    '2001:db8::192.0.2.1',
    '1:2:3:4:5:6:192.0.2.1',
  ])
    it(`takes ${good}`, () => {
      assert.equal(isIpv6Address(good), true);
    });
  for (const bad of [
    '',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    '2001:db8:::192.0.2.1',
    '12345::',
    'g::',
    '192.0.2.1',
    '::192.0.2',
    '::192.0.2.256',
    '::192.0.2.1.',
    '192.0.2.1::',
    'fe80::1%eth0',
  ])
    it(`refuses "${bad}"`, () => {
      assert.equal(isIpv6Address(bad), false);
    });
});
