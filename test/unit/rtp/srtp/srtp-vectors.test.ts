import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { AesCounter } from '../../../../src/rtp/srtp/aes-counter.js';
import { AesGcmTransform } from '../../../../src/rtp/srtp/aes-gcm-transform.js';
import { HmacSha1 } from '../../../../src/rtp/srtp/hmac-sha1.js';
import { sessionKeys } from '../../../../src/rtp/srtp/session-keys.js';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

describe('SRTP: the vectors of the RFCs', () => {
  it('RFC 3711 B.2: AES counter mode keystream', () => {
    const counter = new AesCounter(
      hex('2B7E151628AED2A6ABF7158809CF4F3C'),
      hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD'),
    );
    const stream = Buffer.alloc(0xff02 * 16);
    counter.apply(stream, 0, stream.length, 0, 0);
    const block = (index: number): string => stream.toString('hex', index * 16, index * 16 + 16);
    assert.equal(block(0), 'e03ead0935c95e80e166b16dd92b4eb4');
    assert.equal(block(1), 'd23513162b02d0f72a43a2fe4a5f97ab');
    assert.equal(block(2), '41e95b3bb0a2e8dd477901e4fca894c0');
    assert.equal(block(0xfeff), 'ec8cdf7398607cb0f2d21675ea9ea1e4');
    assert.equal(block(0xff00), '362b7c3c6773516318a077d7fc5073ae');
    assert.equal(block(0xff01), '6a2cc3787889374fbeb4c81b17ba6c44');
  });

  it('RFC 3711 B.3: key derivation', () => {
    const master = hex('E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6');
    const { rtp } = sessionKeys('AES_CM_128_HMAC_SHA1_80', master);
    assert.equal(rtp.key.toString('hex'), 'c61e7a93744f39ee10734afe3ff7a087');
    assert.equal(rtp.salt.toString('hex'), '30cbbc08863d8c85d49db34a9ae1');
    assert.equal(rtp.authKey.toString('hex'), 'cebe321f6ff7716b6fd4ab49af256a156d38baa4');
  });

  const GCM = {
    key: hex('000102030405060708090a0b0c0d0e0f'),
    salt: hex('517569642070726f2071756f'),
    authKey: Buffer.alloc(0),
  };

  it('RFC 7714 16.1: AEAD_AES_128_GCM of an RTP packet', () => {
    const plain = hex(`8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973
      20646976 69736120 696e2070 61727465 73207472 6573`);
    const sealed = Buffer.concat([plain, Buffer.alloc(16)]);
    const gcm = new AesGcmTransform(GCM, GCM);
    gcm.sealRtp(sealed, 12, plain.length, 0x5501a0b2, 0xf17b);
    assert.equal(
      sealed.toString('hex'),
      '8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833' +
        '899d7f27beb16a9152cf765ee4390cce',
    );
    assert.ok(gcm.openRtp(sealed, 12, 0x5501a0b2, 0xf17b));
    assert.deepEqual(sealed.subarray(0, plain.length), plain);
  });

  it('RFC 7714 17.1: AEAD_AES_128_GCM of an RTCP packet', () => {
    const plain = hex(`81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
      deadbeef deadbeef deadbeef deadbeef deadbeef`);
    const sealed = Buffer.concat([plain, Buffer.alloc(20)]);
    const gcm = new AesGcmTransform(GCM, GCM);
    gcm.sealRtcp(sealed, plain.length, 0x4d617273, 0x5d4);
    assert.equal(
      sealed.toString('hex'),
      '81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded' +
        '0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4',
    );
    assert.ok(gcm.openRtcp(sealed, 0x4d617273));
    assert.deepEqual(sealed.subarray(0, plain.length), plain);
  });

  it('HMAC-SHA1 is that of the platform for every length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0, maxLength: 64 }),
        fc.uint8Array({ minLength: 0, maxLength: 300 }),
        fc.option(fc.nat(2 ** 32 - 1)),
        (key, message, trailer) => {
          const end = Buffer.alloc(trailer === null ? 0 : 4);
          if (trailer !== null) end.writeUInt32BE(trailer);
          const wanted = createHmac('sha1', key).update(message).update(end).digest('hex');
          const own = new HmacSha1(Buffer.from(key));
          const packet = Buffer.concat([Buffer.alloc(3), message, Buffer.alloc(5)]);
          const found = own.compute(packet, 3, 3 + message.length, trailer).toString('hex');
          assert.equal(found, wanted);
        },
      ),
    );
  });
});
