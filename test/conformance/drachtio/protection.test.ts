import assert from 'node:assert/strict';
import { VirtualClock } from '../../support/virtual-clock.js';
import type { ProtectionOptions } from '../../../src/engine/engine-options.js';
import { Fixture } from './support/fixture.js';
import type { RawUa } from './support/raw-ua.js';
import { compose, header, SDP, status } from './support/sip-text.js';
import { until } from './support/until.js';

describe('limits and protection of the embedded engine', () => {
  let fixture: Fixture;
  let clock: VirtualClock;
  let a: RawUa;

  const start = async (protection: ProtectionOptions): Promise<void> => {
    clock = new VirtualClock();
    fixture = await Fixture.start({ protection }, clock);
    a = await fixture.ua();
  };
  afterEach(() => fixture.close());

  const refused = (): number => a.count((message) => status(message) === 503);

  it('answers calls over the rate of one source with 503 and Retry-After before the application hears of them', async () => {
    await start({ callsPerSecondPerSource: 2, retryAfterS: 7 });
    const app = await fixture.raw(['invite']);
    for (let call = 0; call < 5; call++) a.send(a.invite());
    await until(() => refused() === 3, 'three refusals');
    assert.equal(header(await a.nextResponse(503, 'INVITE'), 'Retry-After'), '7');
    for (let call = 0; call < 2; call++) await app.nextSip('INVITE');
    await fixture.settled();
    assert.equal(
      app.unread(({ tokens }) => tokens[1] === 'sip'),
      0,
    );
    assert.equal(fixture.engine.stats().transactions.inviteServers, 2, 'a refusal keeps nothing');
    clock.advance(1_000);
    a.send(a.invite());
    await app.nextSip('INVITE');
  });

  it('keeps the calls it has: nothing within a dialog counts, nor does a retransmission', async () => {
    await start({ callsPerSecond: 1 });
    const app = await fixture.raw(['invite']);
    const invite = a.invite();
    a.send(invite);
    a.send(invite);
    const { tokens } = await app.nextSip('INVITE');
    await app.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 200 OK'], SDP));
    const ok = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, ok));
    await app.nextSip('ACK');
    a.send(a.inDialog('INVITE', 2, ok, [], SDP));
    await app.nextSip('INVITE');
    assert.equal(refused(), 0);
  });

  it('says nothing to a source that is not allowed, or 403 where asked to', async () => {
    await start({ allow: ['192.0.2.0/24'] });
    a.send(a.request('OPTIONS'));
    await until(() => fixture.engine.stats().protection.unknownSources === 1, 'count');
    assert.equal(a.seen.length, 0);
    await fixture.close();
    await start({ allow: ['192.0.2.0/24'], unknownSources: 'refuse' });
    a.send(a.invite());
    await a.nextResponse(403, 'INVITE');
    assert.equal(fixture.engine.stats().transactions.inviteServers, 0);
  });

  it('answers a flood of malformed messages a few times only, and counts the rest', async () => {
    await start({});
    const bad = a.request('OPTIONS').replace(/CSeq: .*/, 'CSeq: nonsense');
    for (let sent = 0; sent < 50; sent++) a.send(bad);
    await until(() => fixture.engine.stats().protection.malformedUnanswered === 45, 'count');
    assert.equal(fixture.engine.stats().malformed, 50);
    a.send(a.request('OPTIONS'));
    await a.nextResponse(200, 'OPTIONS');
    assert.equal(
      a.count((message) => status(message) === 400),
      5,
    );
  });
});

describe('requests whose answer has nowhere to go', () => {
  let fixture: Fixture;
  let a: RawUa;

  beforeEach(async () => {
    fixture = await Fixture.start();
    a = await fixture.ua();
  });
  afterEach(() => fixture.close());

  for (const [what, via] of [
    ['port 0 in Via', 'SIP/2.0/UDP 127.0.0.1:0;branch=z9hG4bKzero'],
    ['a maddr that is a name', 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKname;maddr=victim.invalid'],
    ['a port too large in Via', 'SIP/2.0/UDP 127.0.0.1:70000;branch=z9hG4bKlarge'],
  ] as const)
    it(`${what} does no harm`, async () => {
      a.send(a.request('OPTIONS').replace(/Via: .*/, `Via: ${via}`));
      a.send(a.request('OPTIONS'));
      await a.nextResponse(200, 'OPTIONS');
    });

  it('a Contact with port 0 does no harm: the request in the dialog is refused with 503', async () => {
    const app = await fixture.raw(['invite']);
    a.send(a.invite().replace(/Contact: .*/, 'Contact: <sip:A@127.0.0.1:0>'));
    const { tokens } = await app.nextSip('INVITE');
    await app.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 200 OK'], SDP));
    const ok = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, ok));
    const ack = await app.nextSip('ACK');
    await app.ask(`sip||${ack.tokens[9]!}`, compose(['INFO sip:placeholder SIP/2.0']));
    await app.nextSip('SIP/2.0 503');
  });
});
