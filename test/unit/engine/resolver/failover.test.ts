import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { createLogger } from '../../../../src/common/log.js';
import { startEngine, type Engine } from '../../../../src/engine/engine.js';
import { RestingTargets } from '../../../../src/engine/resolver/resting-targets.js';
import { RawClient } from '../../../conformance/drachtio/support/raw-client.js';
import { branch, compose, header, headers, method } from '../../../conformance/drachtio/support/sip-text.js';
import { until } from '../../../conformance/drachtio/support/until.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { FakeDns, srv } from './fake-dns.js';

const DOMAIN = 'carrier.example';

/** A peer that answers each new request with the same status, or not at all. */
class Answering {
  readonly requests: string[] = [];
  readonly #socket: Socket;

  #from = { port: 0, address: '' };

  private constructor(socket: Socket, status: number | null) {
    this.#socket = socket;
    socket.on('message', (raw, from) => {
      const request = raw.toString();
      // RFC 3261 7.5: empty lines are nothing.
      if (request.trim() === '') return;
      this.requests.push(request);
      this.#from = from;
      if (status !== null && method(request) !== 'ACK') this.#answer(request, status);
    });
  }

  /** Answers the first request. */
  answerLate(status: number): void {
    this.#answer(this.requests[0]!, status);
  }

  #answer(request: string, status: number): void {
    const socket = this.#socket;
    const answer = [
      `SIP/2.0 ${status} Whatever`,
      ...headers(request, 'Via').map((via) => `Via: ${via}`),
      `From: ${header(request, 'From')}`,
      `To: ${header(request, 'To')};tag=${socket.address().port}`,
      `Call-ID: ${header(request, 'Call-ID')}`,
      `CSeq: ${header(request, 'CSeq')}`,
      `Contact: <sip:b@127.0.0.1:${socket.address().port}>`,
    ];
    socket.send(compose(answer), this.#from.port, this.#from.address);
  }

  static async open(status: number | null): Promise<Answering> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    return new Answering(socket, status);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  of(name: string): string[] {
    return this.requests.filter((request) => method(request) === name);
  }

  close(): void {
    this.#socket.close();
  }
}

describe('Failover to the next target (RFC 3263 4.3)', () => {
  const open: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const peer = async (status: number | null): Promise<Answering> => {
    const opened = await Answering.open(status);
    open.push(opened);
    return opened;
  };

  const start = async (
    peers: readonly Answering[],
    transport = 'udp',
  ): Promise<{ engine: Engine; app: RawClient }> => {
    const dns = new FakeDns();
    dns.set(
      'srv',
      `_sip._${transport}.${DOMAIN}`,
      peers.map(({ port }, index) => srv(`host${index}.${DOMAIN}`, port, index)),
    );
    peers.forEach((_, index) => dns.set('a', `host${index}.${DOMAIN}`, ['127.0.0.1']));
    const engine = await startEngine(
      {
        listen: [
          { transport: 'udp', address: '127.0.0.1', port: 0 },
          { transport: 'tcp', address: '127.0.0.1', port: 0 },
        ],
        control: { address: '127.0.0.1', port: 0, secret: 's' },
        tap: false,
        timers: { t1Ms: 10 },
      },
      { log: createLogger('engine', 'silent'), dns },
    );
    open.push(engine);
    const app = await RawClient.connect(engine.controlPort);
    open.push(app);
    await app.ask('authenticate|s|');
    return { engine, app };
  };

  const invite = (uri = `sip:b@${DOMAIN}`): string => compose([`INVITE ${uri} SIP/2.0`]);

  it('goes on after 503, in a transaction of its own with the same Call-ID, From tag and CSeq', async () => {
    const [busy, good] = [await peer(503), await peer(200)];
    const { app } = await start([busy, good]);
    app.send('sip||', invite());
    const { sip } = await app.nextSip('SIP/2.0 200');
    const [first] = busy.of('INVITE');
    const [second] = good.of('INVITE');
    assert.notEqual(branch(first!), branch(second!));
    assert.equal(headers(second!, 'Via').length, 1);
    for (const name of ['Call-ID', 'From', 'CSeq', 'Contact'])
      assert.equal(header(second!, name), header(first!, name), name);
    assert.equal(header(sip, 'Call-ID'), header(first!, 'Call-ID'));
    await until(() => busy.of('ACK').length > 0, 'the 503 is acknowledged');
    assert.equal(branch(busy.of('ACK')[0]!), branch(first!), 'the ACK of a 503 has the branch of its INVITE');
  });

  it('goes on when nobody answers, and passes one final response up', async () => {
    const [silent, good] = [await peer(null), await peer(486)];
    const { app, engine } = await start([silent, good]);
    app.send('sip||', invite());
    await app.nextSip('SIP/2.0 486');
    assert.ok(silent.requests.length > 1, 'the INVITE was repeated to the silent one');
    await until(() => engine.stats().outgoingPending === 0);
    assert.equal(
      app.unread(({ sip }) => sip.startsWith('SIP/2.0')),
      0,
    );
  });

  it('goes on at the bound that the application sets for silence', async () => {
    const [silent, good] = [await peer(null), await peer(200)];
    const { app } = await start([silent, good]);
    app.send(`sip|||sip:${DOMAIN};relevo-silent-ms=100`, invite('sip:b@elsewhere.example'));
    await app.nextSip('SIP/2.0 200');
    assert.equal(good.of('INVITE').length, 1);
  });

  it('ends the call of a target that answers after the request went on', async () => {
    const [slow, good] = [await peer(null), await peer(180)];
    const { app } = await start([slow, good]);
    app.send(`sip|||sip:${DOMAIN};relevo-silent-ms=60`, invite('sip:b@elsewhere.example'));
    await app.nextSip('SIP/2.0 180');
    slow.answerLate(200);
    await until(() => slow.of('BYE').length > 0, 'the late answer is acknowledged and ended');
    assert.equal(slow.of('ACK').length, 1);
    assert.equal(
      app.unread(({ sip }) => sip.startsWith('SIP/2.0 200')),
      0,
    );
  });

  it('reports 503 where every connection is refused', async () => {
    const gone = await peer(null);
    const { app } = await start([gone, gone], 'tcp');
    app.send('sip||', compose([`OPTIONS sip:b@${DOMAIN};transport=tcp SIP/2.0`]));
    await app.nextSip('SIP/2.0 503');
  });

  it('does not go on after another refusal, or where the last target failed', async () => {
    const [busy, second] = [await peer(486), await peer(200)];
    const { app } = await start([busy, second]);
    app.send('sip||', invite());
    await app.nextSip('SIP/2.0 486');
    assert.equal(second.requests.length, 0);
    const [one, other] = [await peer(503), await peer(503)];
    const failing = await start([one, other]);
    failing.app.send('sip||', invite());
    await failing.app.nextSip('SIP/2.0 503');
    assert.deepEqual([one.of('INVITE').length, other.of('INVITE').length], [1, 1]);
  });

  it('leaves a target that failed alone for the requests that follow', async () => {
    const [busy, good] = [await peer(503), await peer(200)];
    const { app } = await start([busy, good]);
    for (let call = 0; call < 3; call++) {
      app.send('sip||', compose([`OPTIONS sip:b@${DOMAIN} SIP/2.0`]));
      await app.nextSip('SIP/2.0 200');
    }
    assert.equal(busy.of('OPTIONS').length, 1);
    assert.equal(good.of('OPTIONS').length, 3);
  });

  it('rests a target for 30 s or as long as it asks, and uses it all the same where all rest', () => {
    const clock = new VirtualClock();
    const resting = new RestingTargets(clock);
    const [one, other] = ['192.0.2.1', '192.0.2.2'].map((address) => ({
      transport: 'udp',
      address,
      port: 5060,
    }));
    resting.rest(one!);
    assert.deepEqual(resting.awake([one!, other!]), [other]);
    resting.rest(other!, 60_000);
    assert.deepEqual(resting.awake([one!, other!]), [one, other], 'all rest');
    clock.advance(30_000);
    assert.deepEqual(resting.awake([one!, other!]), [one]);
    clock.advance(30_000);
    assert.deepEqual(resting.awake([one!, other!]), [one, other]);
    resting.rest(one!);
    resting.wake(one!);
    assert.deepEqual(resting.awake([one!, other!]), [one, other], 'it answered');
  });
});
