import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { MediaRig, portOf } from './media-rig.js';
import type { Phone } from './phone.js';

describe('media ports', () => {
  let rig: MediaRig;
  afterEach(() => rig.close());

  it('fails with 503 when the range is used up, and uses freed ports again', async () => {
    rig = await MediaRig.start({ first: 30_400, last: 30_403 });
    const phone: Phone = await rig.phone();
    const ports = [await rig.leg('call.1', phone), await rig.leg('call.2', phone)];
    assert.deepEqual(ports.sort(), [30_400, 30_402]);
    const full = await rig.offer('call.3', phone.sdp());
    assert.ok(full.kind === 'mediaFailed');
    assert.deepEqual([full.status, full.code], [503, 'media_ports_exhausted']);
    const freed = await rig.closeLeg('call.1');
    assert.equal(freed.stats?.packetsSent, 0);
    // The sockets close in the worker's own time: ask until the port is free.
    let again = await rig.offer('call.3', phone.sdp());
    for (let i = 0; again.kind === 'mediaFailed' && i < 50; i++)
      again = await rig.offer('call.3', phone.sdp());
    assert.equal(portOf(again), ports[0]);
    await Promise.all([rig.closeLeg('call.2'), rig.closeLeg('call.3')]);
    let [stats] = await rig.workers.stats();
    for (let i = 0; stats!.portsInUse > 0 && i < 50; i++) [stats] = await rig.workers.stats();
    assert.deepEqual([stats!.legs, stats!.portsInUse], [0, 0]);
  });

  it('passes over ports that somebody else holds', async () => {
    const foreign = createSocket('udp4');
    foreign.bind(30_411, '127.0.0.1');
    await once(foreign, 'listening');
    try {
      rig = await MediaRig.start({ first: 30_410, last: 30_413 });
      assert.equal(await rig.leg('call.1', await rig.phone()), 30_412);
    } finally {
      foreign.close();
    }
  });

  it('pins the legs of a call to one worker', async () => {
    rig = await MediaRig.start({ first: 30_420, last: 30_439 }, 2);
    const phone = await rig.phone();
    const ports = [await rig.leg('call.1', phone), await rig.leg('call.2', phone)];
    assert.ok(ports.every((port) => port < 30_430) || ports.every((port) => port >= 30_430), String(ports));
    rig.media.execute('other', {
      kind: 'makeOffer',
      callId: 'other',
      legId: 'other.1',
      requestId: 'o',
      party: 'caller',
      codecs: ['PCMA'],
      symmetricRtp: false,
      direction: 'sendrecv',
    });
    const event = await rig.next(
      (candidate) => candidate.kind === 'localSdp' && candidate.legId === 'other.1',
    );
    assert.notEqual(portOf(event) < 30_430, ports[0]! < 30_430);
    rig.media.callEnded('other');
    assert.deepEqual(rig.media.stats(), {
      calls: 1,
      legs: 2,
      workers: [
        { index: 0, legs: 2 },
        { index: 1, legs: 0 },
      ],
    });
  });

  it('answers what waits for a worker that dies and that nothing replaces', async function () {
    this.timeout(20_000);
    rig = await MediaRig.start();
    const phone = await rig.phone();
    await rig.leg('call.1', phone);
    const lost = rig.next((event) => event.kind === 'mediaLost');
    await rig.workers.close();
    assert.equal((await lost).legId, 'call.1');
    const refused = await rig.offer('call.2', phone.sdp());
    assert.ok(refused.kind === 'mediaFailed' && refused.status === 503);
    assert.equal((await rig.closeLeg('call.1')).stats, null);
    const gap = await rig.ask({ kind: 'stopGap', legId: 'call.1', requestId: rig.requestId() });
    assert.ok(gap.kind === 'gap' && gap.gapMs === null);
  });
});
