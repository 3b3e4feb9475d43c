import assert from 'node:assert/strict';
import type { MediaEvent } from '../../../src/call/media-port.js';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import { MediaRig, portOf } from './media-rig.js';
import type { Phone } from './phone.js';

const SPEECH = Buffer.alloc(160, 0x21);
const STRANGE = Buffer.alloc(160, 0x42);

describe('media: the worker of a call dies', function () {
  this.timeout(20_000);
  let rig: MediaRig;
  const spares: MediaWorkers[] = [];
  let talking: NodeJS.Timeout[] = [];

  beforeEach(async () => {
    rig = await MediaRig.start({ first: 31_000, last: 31_099 });
  });
  afterEach(async () => {
    for (const timer of talking) clearInterval(timer);
    talking = [];
    await rig.close();
    await Promise.all(spares.splice(0).map((workers) => workers.close()));
  });

  /** Attaches one more worker. */
  async function spare(index = 1, first = 31_200): Promise<void> {
    const workers = await startMediaWorkers({
      count: 1,
      address: '127.0.0.1',
      portRange: { first, last: first + 99 },
      logLevel: 'silent',
    });
    spares.push(workers);
    rig.media.attachWorker(index, workers.connect()[0]!);
  }

  const moved = (legId: string): Promise<MediaEvent> =>
    rig.next((event) => event.kind === 'mediaMoved' && event.legId === legId);

  /** A new offer to the phone on this leg, which the phone takes. */
  async function offered(legId: string, phone: Phone): Promise<{ port: number; sdp: string }> {
    const offer = await rig.ask({
      kind: 'makeOffer',
      callId: 'call',
      legId,
      requestId: rig.requestId(),
      party: 'caller',
      codecs: ['PCMU', 'PCMA'],
      symmetricRtp: false,
      direction: 'sendrecv',
    });
    assert.equal(offer.kind, 'localSdp');
    const taken = await rig.ask({
      kind: 'takeAnswer',
      legId,
      requestId: rig.requestId(),
      remoteSdp: phone.sdp(),
    });
    assert.equal(taken.kind, 'mediaReady');
    return { port: portOf(offer), sdp: offer.sdp };
  }

  function talk(phone: Phone, to: () => number, payload: Buffer): void {
    talking.push(
      setInterval(() => {
        phone.say(to(), payload);
      }, 20),
    );
  }

  const originOf = (sdp: string): number => Number(/^o=\S+ \S+ (\d+) /m.exec(sdp)![1]);

  it('has both parties told of new ports, and they hear each other again, with the gap measured', async () => {
    await spare();
    const [a, b] = [await rig.phone(), await rig.phone()];
    const ports = { a: await rig.leg('call.1', a), b: await rig.leg('call.2', b) };
    const first = ports.a;
    rig.bridge('call.1', 'call.2');
    talk(a, () => ports.a, SPEECH);
    talk(b, () => ports.b, STRANGE);
    await a.hearsOne((packet) => packet.payload.equals(STRANGE));
    rig.do({ kind: 'startGap', legId: 'call.1' });
    const both = Promise.all([moved('call.1'), moved('call.2')]);
    const resumed = rig.next((event) => event.kind === 'mediaResumed' && event.legId === 'call.1');
    const before = performance.now();
    await rig.workers.kill!();
    await both;
    const offer = await offered('call.1', a);
    assert.notEqual(offer.port, first);
    assert.equal(originOf(offer.sdp), 2);
    ports.a = offer.port;
    ports.b = (await offered('call.2', b)).port;
    await a.hearsOne((packet) => packet.payload.equals(STRANGE));
    await b.hearsOne((packet) => packet.payload.equals(SPEECH));
    const tookMs = performance.now() - before;
    const event = await resumed;
    assert.ok(event.kind === 'mediaResumed' && event.gapMs >= 0 && event.gapMs <= tookMs + 1);
    const gapMs = await rig.gap('call.1');
    assert.ok(gapMs > 0 && gapMs <= tookMs + 40, `${gapMs} of ${tookMs} ms`);
  });

  it('goes on at the worker that replaces it, where there is no other', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a);
    rig.hear('call.1', { kind: 'ringback' });
    rig.do({ kind: 'watch', legId: 'call.1', timeoutMs: 300 });
    await a.hears(3);
    await rig.workers.kill!();
    while (rig.media.stats().workers.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    // What is asked for meanwhile is not lost either.
    rig.hear('call.1', { kind: 'music', file: null });
    const answer = rig.offer('call.1', a.sdp());
    const silent = rig.next((event) => event.kind === 'mediaTimeout');
    const from = a.heard.length;
    await spare(0);
    // The peer's own offer was answered with the new ports: it need not be told once more.
    const port = portOf(await answer);
    assert.ok(port >= 31_200, String(port));
    await a.hearsOne((packet) => packet.payload.some((byte) => byte !== 0xff), from);
    await silent;
    assert.ok(!rig.events.some(({ kind }) => kind === 'mediaMoved'));
  });

  it('moves a leg whose offer is out: the answer still counts, and the peer is told then', async () => {
    await spare();
    const a = await rig.phone();
    const offer = await rig.ask({
      kind: 'makeOffer',
      callId: 'call',
      legId: 'call.1',
      requestId: rig.requestId(),
      party: 'agent',
      codecs: ['PCMU'],
      symmetricRtp: false,
      direction: 'sendrecv',
    });
    const told = moved('call.1');
    await rig.workers.kill!();
    const taken = await rig.ask({
      kind: 'takeAnswer',
      legId: 'call.1',
      requestId: rig.requestId(),
      remoteSdp: a.sdp('0'),
    });
    assert.equal(taken.kind, 'mediaReady');
    await told;
    assert.notEqual((await offered('call.1', a)).port, portOf(offer));
    rig.hear('call.1', { kind: 'ringback' });
    await a.hears(2);
  });

  it('plays a prompt again that was cut short, and not one that had ended', async () => {
    await spare();
    const a = await rig.phone();
    await rig.leg('call.1', a);
    const played = rig.next((event) => event.kind === 'played');
    rig.hear('call.1', { kind: 'file', file: 'builtin:caller-gone', promptId: 'p1' });
    await a.hears(2);
    await rig.workers.kill!();
    const event = await played;
    assert.ok(event.kind === 'played' && event.promptId === 'p1');
    assert.equal(rig.events.filter(({ kind }) => kind === 'played').length, 1);
  });

  it('ends what was being closed, and answers what was being measured, without a figure', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a);
    rig.do({ kind: 'startGap', legId: 'call.1' });
    const closed = rig.next(({ kind }) => kind === 'closed');
    await rig.workers.kill!();
    rig.do({ kind: 'stopGap', legId: 'call.1', requestId: 'g' });
    rig.do({ kind: 'close', legId: 'call.1' });
    assert.deepEqual(await closed, { kind: 'closed', legId: 'call.1', stats: null });
    assert.ok(rig.events.some((event) => event.kind === 'gap' && event.requestId === 'g'));
    assert.deepEqual(rig.media.stats(), { calls: 0, legs: 0, workers: [] });
  });

  it('gives a call up that loses one worker after the other', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a);
    await spare(1);
    let victim: MediaWorkers = rig.workers;
    for (let losses = 1; losses <= 3; losses++) {
      const told = moved('call.1');
      await victim.kill!();
      await told;
      victim = spares.at(-1)!;
      await spare(1 + losses, 31_200 + 100 * losses);
    }
    const lost = rig.next(({ kind }) => kind === 'mediaLost');
    await victim.kill!();
    assert.equal((await lost).legId, 'call.1');
    const refused = await rig.offer('call.1', a.sdp());
    assert.equal(refused.kind, 'mediaFailed');
  });
});
