import assert from 'node:assert/strict';
import { hasOpenssl, TestAuthority } from '../support/certificates.js';
import { freePort } from '../support/free-ports.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import {
  available,
  hears,
  startBaresip,
  startLinphone,
  type Softphone,
  type SoftphoneOptions,
} from '../support/softphone.js';

const CALLER_HZ = 440;
const BOT_HZ = 700;
const AGENT_HZ = 1000;

type Start = (options: SoftphoneOptions) => Promise<Softphone>;

describe('Interop: softphones over TLS', function () {
  this.timeout(60_000);
  let authority: TestAuthority;
  const issuers: TestAuthority[] = [];
  const open: { close(): Promise<void> }[] = [];

  before(function () {
    const missing = ['baresip', 'linphonec'].filter((program) => !available(program));
    if (!hasOpenssl()) missing.push('openssl');
    if (missing.length > 0) {
      process.stdout.write(`  ${missing.join(' and ')} not installed: TLS interop tests are skipped\n`);
      this.skip();
    }
    authority = new TestAuthority();
    issuers.push(authority);
  });
  after(() => {
    for (const one of issuers) one.close();
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const start = async (
    caller: Start,
    agent: Start,
  ): Promise<{
    node: NodeUnderTest;
    target: string;
    caller: Softphone;
    bot: Softphone;
    agent: Softphone;
  }> => {
    const phone = (): SoftphoneOptions['tls'] => ({ ...authority.issue('IP:127.0.0.1'), ca: authority.ca });
    const botPhone = await startBaresip({ toneHz: BOT_HZ, user: 'bot', autoAnswer: true });
    const agentPhone = await agent({ toneHz: AGENT_HZ, user: '201', autoAnswer: true, tls: phone() });
    const callerPhone = await caller({ toneHz: CALLER_HZ, user: 'caller', autoAnswer: false, tls: phone() });
    open.push(botPhone, agentPhone, callerPhone);
    // linphone looks for an address among the DNS names.
    const { cert, key } = authority.issue('IP:127.0.0.1', 'DNS:127.0.0.1');
    const port = await freePort(15_000, 15_499);
    const node = await startNodeUnderTest({
      botPort: botPhone.port,
      agentPort: agentPhone.port,
      agentParameters: ';transport=tls',
      agentTrunk: `, tls: { ca: ${authority.ca}, cert: ${cert}, key: ${key} }`,
      listen: [
        `{ transport: tls, address: 127.0.0.1, port: ${port}, cert: ${cert}, key: ${key}, ca: ${authority.ca}, client_cert: request }`,
      ],
    });
    open.push(node);
    return {
      node,
      target: `127.0.0.1:${port};transport=tls`,
      caller: callerPhone,
      bot: botPhone,
      agent: agentPhone,
    };
  };

  // linphone takes no TLS connections, so that it can only call; it is reached on its own connection then.
  const casts: [string, Start, Start][] = [
    ['baresip calls, baresip is the agent', startBaresip, startBaresip],
    ['linphone calls, baresip is the agent', startLinphone, startBaresip],
  ];
  for (const [title, callerPhone, agentPhone] of casts) {
    it(`a call over TLS is handed over to an agent over TLS: ${title}`, async () => {
      const { node, target, caller, bot, agent } = await start(callerPhone, agentPhone);
      await caller.dial(`sip:${NUMBERS.bridged}@${target}`);
      const { callId } = await node.newestCall((one) => one.state === 'with_bot');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const asked = await node.api(`/v1/calls/${callId}/transfers`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ reason: 'operator' }),
      });
      assert.equal(asked.status, 202);
      const done = await node.newestCall((one) => one.transfers.some(({ result }) => result !== null));
      assert.equal(done.transfers[0]?.result?.outcome, 'completed', JSON.stringify(done.transfers[0]));
      await new Promise((resolve) => setTimeout(resolve, 2000));
      await caller.hangUp();
      await node.newestCall((one) => one.endedAt !== null);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await hears(bot, CALLER_HZ, 3000);
      await hears(caller, AGENT_HZ, 3000);
      await hears(agent, CALLER_HZ, 3000);
    });
  }

  it('an agent whose certificate is that of a stranger is not called', async () => {
    const stranger = new TestAuthority();
    issuers.push(stranger);
    const wrong: Start = (options) =>
      startBaresip({ ...options, tls: { ...stranger.issue('IP:127.0.0.1'), ca: authority.ca } });
    const { node, target, caller } = await start(startBaresip, wrong);
    await caller.dial(`sip:${NUMBERS.bridged}@${target}`);
    const { callId } = await node.newestCall((one) => one.state === 'with_bot');
    await node.api(`/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'operator' }),
    });
    const done = await node.newestCall((one) => one.transfers.some(({ result }) => result !== null));
    assert.equal(done.transfers[0]?.result?.outcome, 'unavailable');
    assert.equal(done.state, 'with_bot', 'the caller stays with the bot');
  });
});
