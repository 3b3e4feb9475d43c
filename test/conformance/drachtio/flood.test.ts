import assert from 'node:assert/strict';
import Srf from 'drachtio-srf';
import { startEngineThread } from '../../../src/engine/engine-thread-host.js';
import { Flooder } from './support/flooder.js';
import { Fixture, SECRET } from './support/fixture.js';
import { header, SDP } from './support/sip-text.js';
import type { SrfApp } from './support/srf-types.js';
import { RawUa } from './support/raw-ua.js';
import { until } from './support/until.js';
import { Peer } from '../../unit/engine/transport/peer.js';

const CALLS = 100;
const AT_ONCE = 10;
const FLOODER = '127.0.0.9';

/** What a flooder sends: noise, half a message, messages that say nonsense, and a scanner's request. */
const NONSENSE = [
  Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x0a]),
  Buffer.from('INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP'),
  Buffer.from(
    'INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bKx;rport\r\nFrom: <sip:a@b>;tag=1\r\n' +
      'To: <sip:a@b>\r\nCall-ID: f\r\nCSeq: nonsense\r\nContent-Length: 0\r\n\r\n',
  ),
  Buffer.from(`OPTIONS sip:a@b SIP/2.0\r\n${'X: y\r\n'.repeat(400)}\r\n`),
];

describe('A flood from one source while another one calls', function () {
  this.timeout(120_000);
  const open: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  /** One call from INVITE to the 200 of its BYE; each message is sent again until it is answered, as UDP needs. */
  const call = async (ua: RawUa): Promise<boolean> => {
    const patiently = async (message: string, name: string): Promise<string> => {
      const callId = header(message, 'Call-ID');
      const again = setInterval(() => {
        ua.send(message);
      }, 500);
      try {
        ua.send(message);
        return await ua.next(
          `answer to ${name}`,
          (answer) =>
            /^SIP\/2\.0 [2-6]/.test(answer) &&
            header(answer, 'Call-ID') === callId &&
            header(answer, 'CSeq').endsWith(name),
          32_000,
        );
      } finally {
        clearInterval(again);
      }
    };
    const answer = await patiently(ua.invite(), 'INVITE');
    if (!answer.startsWith('SIP/2.0 200')) return false;
    ua.send(ua.inDialog('ACK', 1, answer));
    return (await patiently(ua.inDialog('BYE', 2, answer), 'BYE')).startsWith('SIP/2.0 200');
  };

  for (const [what, protection, bans] of [
    ['which is banned', {}, 1],
    // Whoever turns bans off may see calls shed while the flood keeps the engine busy; here every one is to be tried.
    ['which is not banned, as bans are off', { banMs: 0, overloadLagMs: 0 }, 0],
  ] as const)
    it(`malformed messages at full speed, ${what}: every call goes through`, async () => {
      const engine = await startEngineThread(
        {
          listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
          control: { address: '127.0.0.1', port: 0, secret: SECRET },
          tap: true,
          protection,
        },
        { logLevel: 'silent' },
      );
      open.push(engine);
      const { port } = engine.listeners[0]!;
      const app = new Srf() as unknown as SrfApp;
      answerAll(app);
      const connected = new Promise((resolve) => {
        app.on('connect', resolve);
      });
      app.connect({ host: '127.0.0.1', port: engine.controlPort, secret: SECRET });
      await connected;
      const ua = await RawUa.open(port);
      open.push({ close: () => app.disconnect() }, ua);
      await call(ua);
      const flooder = new Flooder(FLOODER, port, NONSENSE);
      open.push({ close: () => flooder.kill() });
      let good = 0;
      const some = async (): Promise<void> => {
        for (let number = 0; number < CALLS / AT_ONCE; number++) if (await call(ua)) good++;
      };
      await Promise.all(Array.from({ length: AT_ONCE }, some));
      const sent = await flooder.stop();
      assert.equal(good, CALLS);
      const stats = await engine.stats();
      assert.ok(sent > 1_000 && stats.received > 1_000, `a flood of ${sent}`);
      assert.equal(stats.protection.bans, bans);
      assert.equal(stats.protection.banned, bans);
      if (bans > 0) assert.ok(stats.protection.dropped > 0, 'dropped before they are read');
      assert.ok(stats.transactions.inviteServers <= CALLS + 1, 'the flood leaves no transactions');
      assert.ok(stats.protection.sources <= 2);
    });
});

describe('What the engine does against single sources', () => {
  let fixture: Fixture;
  const closers: (() => void)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await fixture.close();
  });

  const application = (): Promise<SrfApp> => fixture.srf(answerAll);

  it('a scanner hears nothing, not even when it asks nicely afterwards', async () => {
    fixture = await Fixture.start();
    const scanner = await RawUa.open(fixture.udpPort, 0, FLOODER);
    closers.push(() => {
      scanner.close();
    });
    const ua = await fixture.ua();
    const exchange = async (): Promise<void> => {
      ua.send(ua.request('OPTIONS'));
      await ua.nextResponse(200, 'OPTIONS');
    };
    scanner.send(
      scanner.request('OPTIONS').replace('Max-Forwards', 'User-Agent: Friendly-Scanner\r\nMax-Forwards'),
    );
    await exchange();
    scanner.send(scanner.request('OPTIONS'));
    await exchange();
    assert.equal(scanner.seen.length, 0);
    const { scanners, dropped, banned } = fixture.engine.stats().protection;
    assert.deepEqual({ scanners, dropped, banned }, { scanners: 1, dropped: 1, banned: 1 });
  });

  it('an address that is trusted, or whose call is up, is not banned for what may be forged', async () => {
    fixture = await Fixture.start({ protection: { malformedBeforeBan: 10 } });
    await application();
    const ua = await fixture.ua();
    const invite = ua.invite();
    ua.send(invite);
    const ok = await ua.nextResponse(200, 'INVITE');
    ua.send(ua.inDialog('ACK', 1, ok));
    for (let sent = 0; sent < 30; sent++) ua.send(NONSENSE[2]!);
    ua.send(ua.request('OPTIONS').replace('Max-Forwards', 'User-Agent: sipvicious\r\nMax-Forwards'));
    ua.send(ua.inDialog('BYE', 2, ok));
    await ua.nextResponse(200, 'BYE');
    assert.equal(fixture.engine.stats().protection.bans, 0);
    fixture.engine.setTrusted(['127.0.0.0/8']);
    for (let sent = 0; sent < 30; sent++) ua.send(NONSENSE[2]!);
    ua.send(ua.request('OPTIONS'));
    await ua.nextResponse(200, 'OPTIONS');
    assert.equal(fixture.engine.stats().protection.bans, 0);
    fixture.engine.setTrusted([]);
    for (let sent = 0; sent < 30; sent++) ua.send(NONSENSE[2]!);
    await until(() => fixture.engine.stats().protection.bans === 1);
  });

  it('calls at once are bounded by source and in total, with 503 and Retry-After, and those that are up go on', async () => {
    fixture = await Fixture.start({ protection: { maxCalls: 3, maxCallsPerSource: 2, retryAfterS: 9 } });
    await application();
    const one = await fixture.ua();
    const other = await RawUa.open(fixture.udpPort, 0, FLOODER);
    closers.push(() => {
      other.close();
    });
    const up: string[] = [];
    for (let number = 0; number < 2; number++) {
      one.send(one.invite());
      const ok = await one.nextResponse(200, 'INVITE');
      one.send(one.inDialog('ACK', 1, ok));
      up.push(ok);
    }
    one.send(one.invite());
    assert.equal(header(await one.nextResponse(503, 'INVITE'), 'Retry-After'), '9');
    other.send(other.invite());
    await other.nextResponse(200, 'INVITE');
    other.send(other.invite());
    await other.nextResponse(503, 'INVITE');
    assert.equal(fixture.engine.stats().protection.callsBeyondLimit, 2);
    one.send(one.inDialog('BYE', 2, up[0]!));
    await one.nextResponse(200, 'BYE');
    // The census is taken twice a second.
    for (let taken = false; !taken;) {
      one.send(one.invite());
      const answer = await one.next('answer', (text) => /^SIP\/2\.0 (?:200|503)[\s\S]*INVITE/.test(text));
      taken = answer.startsWith('SIP/2.0 200');
    }
  });

  it('connections of an address that is not heard are ended at once', async () => {
    fixture = await Fixture.start({ protection: { deny: ['127.0.0.0/8'] } });
    const peer = await Peer.tcp(fixture.tcpPort);
    await peer.closed;
    const ua = await fixture.ua();
    ua.send(ua.request('OPTIONS'));
    await until(() => fixture.engine.stats().protection.denied === 1);
    assert.equal(ua.seen.length, 0);
  });
});

/** Takes every call. */
function answerAll(app: SrfApp): void {
  app.on('error', () => undefined);
  app.invite((req, res) => {
    app
      .createUAS(req, res, { localSdp: SDP })
      .then((dialog) => {
        dialog.on('destroy', () => undefined);
      })
      .catch(() => undefined);
  });
}
