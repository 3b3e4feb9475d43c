import assert from 'node:assert/strict';
import { createLogger } from '../../../../src/common/log.js';
import { PromptLibrary } from '../../../../src/media/prompt/prompt-library.js';
import type { NgDictionary } from '../../../../src/media/rtpengine/ng-client.js';
import { PromptSource } from '../../../../src/media/rtpengine/prompt-source.js';
import { RtpengineCall } from '../../../../src/media/rtpengine/rtpengine-call.js';
import type { StreamSettings } from '../../../../src/media/worker-messages.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { AGREED } from './agreed-settings.js';
import { FakeNg, FINGERPRINT, settle } from './fake-ng.js';

const THEIRS = FINGERPRINT.replaceAll('0F', 'AB');

const settings = (more: Partial<StreamSettings> = {}): StreamSettings => ({ ...AGREED, ...more });

const sdes = (sendKey: string, receiveKey: string): Partial<StreamSettings> => ({
  srtp: { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey, receiveKey },
});

describe('rtpengine: the exchanges of a call', () => {
  let ng: FakeNg;
  let clock: VirtualClock;
  let call: RtpengineCall;
  const failures: unknown[] = [];

  beforeEach(() => {
    ng = new FakeNg();
    clock = new VirtualClock();
    failures.length = 0;
    call = new RtpengineCall({
      callId: 'c1',
      ng,
      clock,
      prompts: new PromptSource(new PromptLibrary()),
      log: createLogger('test', 'silent'),
      onPlayed: () => undefined,
      onFailed: (error) => failures.push(error),
    });
  });

  afterEach(() => {
    assert.deepEqual(failures, []);
  });

  const open = async (dtls = false): Promise<void> => {
    for (const legId of ['a', 'b']) await call.open(legId, 4, dtls);
    ng.asked.length = 0;
  };
  const hear = async (): Promise<void> => {
    call.hear('a', { kind: 'leg', legId: 'b' });
    call.hear('b', { kind: 'leg', legId: 'a' });
    await settle();
  };
  const exchanges = (): string[] => ng.takeSummary().filter((line) => /^(?:offer|answer) /.test(line));

  it('a key of ours is offered by the hub, and the one of the peer answered', async () => {
    await open();
    call.configure('a', settings(sdes('OURS', 'THEIRS')));
    await settle();
    assert.deepEqual(exchanges(), ['offer hub-a>a RTP/SAVP OURS', 'answer hub-a>a RTP/SAVP THEIRS']);
  });

  it('an encrypted leg answers to a plain one, whoever is joined to whom: its key is not handed on', async () => {
    await open();
    call.configure('a', settings(sdes('OURS', 'THEIRS')));
    call.configure('b', settings());
    await settle();
    ng.asked.length = 0;
    await hear();
    assert.deepEqual(exchanges(), ['offer b>a RTP/AVP', 'answer b>a RTP/SAVP THEIRS']);
  });

  it('two encrypted legs are joined without a key in the offer; then each has answered with its own', async () => {
    await open();
    call.configure('a', settings(sdes('OURS-A', 'THEIRS-A')));
    call.configure('b', settings(sdes('OURS-B', 'THEIRS-B')));
    await settle();
    ng.asked.length = 0;
    await hear();
    assert.deepEqual(exchanges(), [
      'offer a>b RTP/SAVP',
      'answer a>b RTP/SAVP THEIRS-B',
      'answer b>a RTP/SAVP THEIRS-A',
    ]);
  });

  it('a new key of the peer is told with the pair; a new one of ours by the hub before it', async () => {
    await open();
    call.configure('a', settings(sdes('OURS', 'THEIRS')));
    call.configure('b', settings());
    await hear();
    ng.asked.length = 0;
    call.configure('a', settings(sdes('OURS', 'LATER')));
    await settle();
    assert.deepEqual(exchanges(), ['offer b>a RTP/AVP', 'answer b>a RTP/SAVP LATER']);
    call.configure('a', settings(sdes('OURS-2', 'LATER')));
    await settle();
    assert.deepEqual(exchanges(), [
      'offer hub-a>a RTP/SAVP OURS-2',
      'answer hub-a>a RTP/SAVP LATER',
      'offer b>a RTP/AVP',
      'answer b>a RTP/SAVP LATER',
    ]);
  });

  it('legs that are taken over are joined once all of them have their ports', async () => {
    const opened = ['a', 'b'].map((legId) => {
      const local = call.open(legId, 4, false);
      call.configure(legId, settings(sdes(`OURS-${legId}`, `THEIRS-${legId}`)));
      return local;
    });
    await Promise.all(opened);
    await hear();
    const done = exchanges();
    assert.equal(
      done.lastIndexOf('offer hub-b>b RTP/AVP') < done.indexOf('offer hub-b>b RTP/SAVP OURS-b'),
      true,
    );
    assert.deepEqual(done.slice(-3), [
      'offer a>b RTP/SAVP',
      'answer a>b RTP/SAVP THEIRS-b',
      'answer b>a RTP/SAVP THEIRS-a',
    ]);
    assert.equal(done.filter((line) => line.startsWith('offer a>b')).length, 1);
  });

  describe('with DTLS', () => {
    const dtls = (fingerprint = THEIRS): Partial<StreamSettings> => ({
      dtls: { fingerprint, peerRole: 'active' },
    });
    let keyed = false;
    const played = (): string[] => ng.takeSummary().filter((line) => /^(?:play|stop) media /.test(line));

    beforeEach(() => {
      keyed = false;
      ng.answers.set('query', (): NgDictionary => {
        const stream: NgDictionary = keyed ? { 'crypto suite': 'AES_CM_128_HMAC_SHA1_80' } : {};
        return { tags: { a: { medias: [{ streams: [stream] }] } } };
      });
    });

    it('the certificate of rtpengine comes with the port, and the one of the peer goes there with its role', async () => {
      assert.deepEqual(await call.open('a', 4, true), {
        address: '192.0.2.31',
        port: 30_000,
        fingerprint: FINGERPRINT,
      });
      assert.equal(ng.asked[0]!['transport-protocol'], 'UDP/TLS/RTP/SAVP');
      call.configure('a', settings(dtls()));
      await settle();
      const { sdp } = ng.asked.find(({ command }) => command === 'answer')!;
      assert.ok(typeof sdp === 'string');
      assert.match(sdp, /m=audio 4000 UDP\/TLS\/RTP\/SAVP 8/);
      assert.ok(sdp.includes(`a=fingerprint:${THEIRS}\r\na=setup:active\r\n`), sdp);
    });

    it('nothing is played before the handshake, nor during the next one', async () => {
      await open(true);
      call.configure('a', settings(dtls()));
      call.hear('a', { kind: 'music', file: null });
      await settle();
      clock.advance(200);
      await settle();
      assert.deepEqual(played(), []);
      keyed = true;
      clock.advance(100);
      await settle();
      assert.deepEqual(played(), ['play media a']);
      // Another certificate: another handshake.
      keyed = false;
      call.configure('a', settings(dtls(THEIRS.replaceAll('AB', 'CD'))));
      await settle();
      const order = ng.takeSummary();
      assert.equal(order[0], 'stop media a');
      assert.ok(order.includes('answer hub-a>a UDP/TLS/RTP/SAVP'));
      assert.ok(!order.some((line) => line.startsWith('play')), order.join('\n'));
      keyed = true;
      clock.advance(100);
      await settle();
      assert.deepEqual(played(), ['play media a']);
    });

    it('hold does not shake hands again: the music plays on', async () => {
      await open(true);
      call.configure('a', settings(dtls()));
      call.hear('a', { kind: 'music', file: null });
      keyed = true;
      await settle();
      clock.advance(100);
      await settle();
      ng.asked.length = 0;
      call.configure('a', settings({ ...dtls(), mayReceive: false }));
      await settle();
      assert.deepEqual(played(), []);
    });
  });
});
