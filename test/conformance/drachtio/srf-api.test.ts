import assert from 'node:assert/strict';
import { deferred } from './support/deferred.js';
import { Fixture } from './support/fixture.js';
import type { Api, ApiDialog, ApiHandler, ApiMessage } from './support/srf-api-types.js';
import { SDP } from './support/sip-text.js';

const OTHER_SDP = SDP.replace(/o=\S+/, 'o=bob');

/** The library on both ends, each connected to an engine of its own, so that all between them is SIP. */
describe('the API of drachtio-srf between two engines', () => {
  let near: Fixture;
  let far: Fixture;
  let alice: Api;
  let target: string;

  beforeEach(async () => {
    near = await Fixture.start();
    far = await Fixture.start();
    target = `sip:bob@127.0.0.1:${far.udpPort}`;
    alice = (await near.srf()) as unknown as Api;
  });
  afterEach(async () => {
    await near.close();
    await far.close();
  });

  async function bob(handler: ApiHandler, prepare: (app: Api) => void = () => undefined): Promise<Api> {
    return (await far.srf((app) => {
      const api = app as unknown as Api;
      prepare(api);
      api.invite(handler);
    })) as unknown as Api;
  }

  /** An answered call: what `createUAC` and `createUAS` gave. */
  async function call(): Promise<{ uac: ApiDialog; uas: ApiDialog }> {
    const answered = deferred<ApiDialog>();
    const app = await bob((request, reply) => {
      app.createUAS(request, reply, { localSdp: OTHER_SDP }).then(answered.resolve, answered.reject);
    });
    const uac = await alice.createUAC(target, { localSdp: SDP });
    return { uac, uas: await answered.promise };
  }

  it('createUAC, createUAS, destroy: both ends have a dialog with the other’s SDP, and hear of its end', async () => {
    const { uac, uas } = await call();
    assert.equal(uac.remote.sdp, OTHER_SDP);
    assert.equal(uas.remote.sdp, SDP);
    const ended = deferred<ApiMessage>();
    uas.on('destroy', ended.resolve);
    await uac.destroy();
    assert.equal((await ended.promise).method, 'BYE');
  });

  for (const method of ['INFO', 'NOTIFY', 'MESSAGE', 'OPTIONS', 'REFER', 'UPDATE']) {
    it(`dialog.request ${method}: is an event on the other side, either way, whose answer comes back`, async () => {
      const { uac, uas } = await call();
      const status = method === 'REFER' ? 202 : 200;
      const headers: Record<string, string> =
        method === 'REFER' ? { 'Refer-To': '<sip:carol@127.0.0.1>' } : { 'X-Note': 'one', Event: 'keep' };
      for (const [from, to] of [
        [uac, uas],
        [uas, uac],
      ] as const) {
        const heard = deferred<ApiMessage>();
        to.on(method.toLowerCase(), (request, reply) => {
          heard.resolve(request);
          reply.send(status);
        });
        const answer = await from.request({ method, headers });
        assert.equal(answer.status, status);
        const name = Object.keys(headers)[0]!;
        assert.equal((await heard.promise).get(name), headers[name]);
      }
    });
  }

  it('dialog.modify: offers anew, and gives the other side’s answer; hold and unhold too', async () => {
    const { uac, uas } = await call();
    const offers: string[] = [];
    uas.on('modify', (request, reply) => {
      offers.push(request.body);
      reply.send(200, { body: OTHER_SDP });
    });
    const changed = SDP.replace(/m=audio \d+/, 'm=audio 40404');
    assert.equal(await uac.modify(changed), OTHER_SDP);
    assert.equal(offers[0], changed);
    await uac.modify('hold');
    assert.match(offers[1]!, /a=inactive|a=sendonly/);
    await uac.modify('unhold');
    assert.match(offers[2]!, /a=sendrecv/);
  });

  it('noAck: the offer is taken from the 200, and the answer goes in the ACK (3pcc)', async () => {
    const acknowledged = deferred<ApiMessage>();
    const app = await bob((request, reply) => {
      assert.equal(request.body, '');
      void app.createUAS(request, reply, { localSdp: OTHER_SDP }).then((uas) => {
        uas.on('ack', acknowledged.resolve);
      });
    });
    const owed = await alice.createUAC(target, { noAck: true });
    assert.equal(owed.sdp, OTHER_SDP);
    const uac = await owed.ack(SDP);
    assert.equal((await acknowledged.promise).body, SDP);
    await uac.destroy();
  });

  it('a refusal rejects createUAC with its status and reason', async () => {
    await bob((_request, reply) => {
      reply.send(486);
    });
    await assert.rejects(alice.createUAC(target, { localSdp: SDP }), (error: unknown) => {
      const { status, reason } = error as { status: number; reason: string };
      return status === 486 && /busy/i.test(reason);
    });
  });

  it('request.cancel: the other side hears "cancel", and createUAC rejects with 487', async () => {
    const cancelled = deferred<ApiMessage>();
    await bob((request, reply) => {
      request.on('cancel', cancelled.resolve);
      reply.send(180);
    });
    let sent: ApiMessage | undefined;
    const calling = alice.createUAC(
      target,
      { localSdp: SDP },
      {
        cbRequest: (_error, request) => (sent = request),
        cbProvisional: () => sent?.cancel(),
      },
    );
    await assert.rejects(calling, (error: unknown) => (error as { status: number }).status === 487);
    assert.equal((await cancelled.promise).method, 'CANCEL');
  });

  it('a request in a dialog that has ended fails with ENODIALOG', async () => {
    const { uac } = await call();
    await uac.destroy();
    await assert.rejects(uac.request({ method: 'INFO' }), (error: unknown) => {
      return (error as { code?: string }).code === 'ENODIALOG' || /dialog/i.test((error as Error).message);
    });
  });

  it('srf.request: an OPTIONS outside a dialog, and its answer', async () => {
    await bob(
      () => undefined,
      (app) => {
        app.options((_request, reply) => {
          reply.send(200, { headers: { 'X-Answer': 'yes' } });
        });
      },
    );
    const answered = deferred<ApiMessage>();
    const sent = await alice.request(target, { method: 'OPTIONS' });
    sent.on('response', answered.resolve);
    const response = await answered.promise;
    assert.equal(response.status, 200);
    assert.equal(response.get('X-Answer'), 'yes');
  });

  it('srf.use: middlewares run in order, and one of them may answer', async () => {
    const order: string[] = [];
    const handled = await bob(
      (_request, reply) => {
        order.push('handler');
        reply.send(603);
      },
      (app) => {
        app.use('invite', (_request, _reply, next) => {
          order.push('first');
          next();
        });
        app.use('invite', (_request, _reply, next) => {
          order.push('second');
          next();
        });
      },
    );
    assert.ok(handled);
    await assert.rejects(alice.createUAC(target, { localSdp: SDP }));
    assert.deepEqual(order, ['first', 'second', 'handler']);
  });

  it('createB2BUA: gives a failure of the second leg to the caller, and rejects with it', async () => {
    const failed = deferred<number>();
    await bob((_request, reply) => {
      reply.send(404);
    });
    const middle = await Fixture.start();
    try {
      const app: Api = (await middle.srf((srf) => {
        (srf as unknown as Api).invite((request, reply) => {
          app.createB2BUA(request, reply, target, {}).catch((error: unknown) => {
            failed.resolve((error as { status: number }).status);
          });
        });
      })) as unknown as Api;
      const calling = alice.createUAC(`sip:bob@127.0.0.1:${middle.udpPort}`, { localSdp: SDP });
      await assert.rejects(calling, (error: unknown) => (error as { status: number }).status === 404);
      assert.equal(await failed.promise, 404);
    } finally {
      await middle.close();
    }
  });
});
