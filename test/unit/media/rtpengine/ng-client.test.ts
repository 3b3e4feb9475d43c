import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { RelevoError } from '../../../../src/common/errors.js';
import { seededRandom } from '../../../../src/common/random.js';
import { NgClient } from '../../../../src/media/rtpengine/ng-client.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

describe('rtpengine: the ng protocol', () => {
  let server: Socket;
  let client: NgClient;
  let clock: VirtualClock;

  beforeEach(async () => {
    server = createSocket('udp4');
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    clock = new VirtualClock();
    const { port } = server.address();
    client = await NgClient.open({ address: '127.0.0.1', port, clock, random: seededRandom(1) });
  });

  afterEach(() => {
    client.close();
    server.close();
  });

  async function request(): Promise<{
    readonly cookie: string;
    readonly from: RemoteInfo;
    readonly text: string;
  }> {
    const [message, from] = (await once(server, 'message')) as [Buffer, RemoteInfo];
    const text = message.toString();
    return { cookie: text.slice(0, text.indexOf(' ')), from, text };
  }

  it('repeats a request with the same cookie until it is answered', async () => {
    const first = request();
    const reply = client.ask({ command: 'ping' });
    const { text } = await first;
    const second = request();
    clock.advance(120);
    const again = await second;
    assert.equal(again.text, text);
    server.send(`${again.cookie} d6:result4:ponge`, again.from.port, again.from.address);
    assert.deepEqual(await reply, { result: 'pong' });
    assert.equal(clock.pendingTimers, 0);
  });

  it('a refusal has the reason of rtpengine', async () => {
    const asked = request();
    const reply = client.ask({ command: 'query' });
    const { cookie, from } = await asked;
    server.send(`${cookie} d12:error-reason15:Unknown call-id6:result5:errore`, from.port, from.address);
    await assert.rejects(
      reply,
      (error) =>
        error instanceof RelevoError &&
        error.code === 'rtpengine_refused' &&
        /Unknown call-id/.test(error.message),
    );
  });

  it('a limit that is reached is a refusal too', async () => {
    const asked = request();
    const reply = client.ask({ command: 'offer' });
    const { cookie, from } = await asked;
    const message = 'd7:message30:Parallel session limit reached6:result10:load limite';
    server.send(`${cookie} ${message}`, from.port, from.address);
    await assert.rejects(reply, /session limit reached/);
  });

  it('nonsense and answers to nobody change nothing', async () => {
    const asked = request();
    const reply = client.ask({ command: 'ping' });
    const { cookie, from } = await asked;
    for (const text of ['', 'x', 'nobody d6:result2:oke', `${cookie} d6:res`, `${cookie} i1e`]) {
      server.send(text, from.port, from.address);
    }
    server.send(`${cookie} d6:result4:ponge`, from.port, from.address);
    assert.deepEqual(await reply, { result: 'pong' });
  });

  it('silence is an error after 1.8 s, and nothing is left behind', async () => {
    const reply = client.ask({ command: 'ping' });
    clock.advance(1800);
    await assert.rejects(reply, (error) => error instanceof RelevoError && error.code === 'rtpengine_silent');
    assert.equal(clock.pendingTimers, 0);
  });

  it('closing fails what waits', async () => {
    const reply = client.ask({ command: 'ping' });
    client.close();
    await assert.rejects(reply, (error) => error instanceof RelevoError && error.code === 'rtpengine_closed');
  });
});
