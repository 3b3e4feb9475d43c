import assert from 'node:assert/strict';
import type { TrunkView } from '../../src/api/trunk-schema.js';
import { freeMediaPort, freePort } from '../support/free-ports.js';
import { startRegistrar } from '../support/kamailio.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import { sippAvailable, startSipp, succeeded } from '../support/sipp.js';
import { available, startBaresip, startLinphone } from '../support/softphone.js';

describe('Interop: authentication', function () {
  this.timeout(60_000);
  const open: { close(): Promise<unknown> }[] = [];
  const opened = <T extends { close(): Promise<unknown> }>(one: T): T => {
    open.push(one);
    return one;
  };

  before(function () {
    if (!sippAvailable() || !available('kamailio')) {
      process.stdout.write('  kamailio or SIPp is not installed: these tests are skipped\n');
      this.skip();
    }
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const trunk = async (node: NodeUnderTest, name: string): Promise<TrunkView> => {
    const { trunks } = (await (await node.api('/v1/trunks')).json()) as { trunks: TrunkView[] };
    return trunks.find((one) => one.name === name)!;
  };
  const registration = async (
    node: NodeUnderTest,
    ready: (one: NonNullable<TrunkView['registration']>) => boolean,
  ): Promise<NonNullable<TrunkView['registration']>> => {
    const until = Date.now() + 20_000;
    for (;;) {
      const { registration: found } = await trunk(node, 'desk');
      if (found && ready(found)) return found;
      assert.ok(Date.now() < until, JSON.stringify(found));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    it(`kamailio as registrar with ${algorithm}: registered, called by the Contact, and calling through its 407`, async () => {
      const onwardPort = await freePort();
      const sbc = opened(
        await startRegistrar(await freePort(), { password: 'secret', algorithm, onwardPort }),
      );
      const node = opened(
        await startNodeUnderTest({
          agentPort: sbc.port,
          deskNumber: '1001',
          agentTrunk: ', auth: { username: "1001", password: "secret" }, register: { expires: 2m }',
        }),
      );
      const { aor } = await registration(node, ({ state }) => state === 'registered');
      assert.equal(aor, 'sip:1001@127.0.0.1');

      const bot = opened(await startSipp({ scenario: 'bot-answers', port: node.botPort }));
      const inward = opened(
        await startSipp({
          scenario: 'caller-basic-answered',
          port: await freePort(),
          target: `127.0.0.1:${sbc.port}`,
          service: '1001',
          args: ['-mp', String(await freeMediaPort())],
        }),
      );
      await succeeded(inward, 'caller by the registrar');
      await succeeded(bot, 'bot');
      assert.equal((await node.newestCall((call) => call.endedAt !== null)).trunk, 'desk');

      const secondBot = opened(await startSipp({ scenario: 'bot-answers', port: node.botPort }));
      const agent = opened(await startSipp({ scenario: 'agent-rings-answers', port: onwardPort }));
      const caller = opened(
        await startSipp({
          scenario: 'caller-presses-zero-hangs-up',
          port: await freePort(),
          target: node.target,
          service: NUMBERS.bridged,
          args: ['-mp', String(await freeMediaPort())],
        }),
      );
      const { exitCode, messages } = await caller.done;
      const attempt = await node.newestCall((one) => one.trunk === 'carrier');
      assert.equal(exitCode, 0, `${JSON.stringify(attempt.transfers)}\n${messages}`);
      await succeeded(agent, 'agent behind the proxy that challenges');
      await succeeded(secondBot, 'bot');
      const call = await node.newestCall((one) => one.trunk === 'carrier' && one.endedAt !== null);
      assert.equal(call.transfers[0]?.result?.outcome, 'completed');
    });
  }

  it('kamailio refuses a wrong password: auth_failed in the trunk, and no storm', async () => {
    const onwardPort = await freePort();
    const options = { password: 'secret', algorithm: 'MD5', onwardPort } as const;
    const sbc = opened(await startRegistrar(await freePort(), options));
    const node = opened(
      await startNodeUnderTest({
        agentPort: sbc.port,
        agentTrunk: ', auth: { username: "1001", password: "wrong" }, register: true',
      }),
    );
    const failed = await registration(node, ({ lastError }) => lastError !== null);
    assert.equal(failed.state, 'failed');
    assert.equal(failed.lastError?.code, 'auth_failed');
    assert.ok(failed.nextTryAt! - Date.now() > 200_000);
  });

  const login = (algorithms: string): string =>
    `, login: { users: { alice: { password: wonderland } }, algorithms: [${algorithms}] }`;

  it('SIPp logs in', async () => {
    const node = opened(await startNodeUnderTest({ carrierTrunk: login('MD5') }));
    opened(await startSipp({ scenario: 'bot-answers', port: node.botPort }));
    const caller = opened(
      await startSipp({
        scenario: 'caller-logs-in',
        port: await freePort(),
        target: node.target,
        service: NUMBERS.basic,
        args: ['-mp', String(await freeMediaPort()), '-au', 'alice', '-ap', 'wonderland'],
      }),
    );
    await succeeded(caller, 'caller-logs-in');
  });

  // The baresip of Debian 12 (1.0) knows MD5 alone, and gives up where anything else is offered beside it.
  for (const start of [startBaresip, startLinphone])
    for (const algorithms of start === startBaresip ? ['MD5'] : ['MD5', 'SHA-256', 'SHA-256, MD5'])
      it(`${start.name.replace('start', '')} logs in, where ${algorithms} is offered`, async function () {
        if (!available('baresip') || !available('linphonec')) this.skip();
        const bot = opened(await startBaresip({ toneHz: 700, user: 'bot', autoAnswer: true }));
        const node = opened(await startNodeUnderTest({ botPort: bot.port, carrierTrunk: login(algorithms) }));
        const phone = opened(
          await start({ toneHz: 440, user: 'alice', autoAnswer: false, password: 'wonderland' }),
        );
        await phone.dial(`sip:${NUMBERS.basic}@${node.target}`);
        await node.newestCall((call) => call.state === 'with_bot', 20_000);
        await phone.hangUp();
        await node.newestCall((call) => call.endedAt !== null);
        assert.equal((await trunk(node, 'carrier')).refused['login_failed'] ?? 0, 0);
      });
});
