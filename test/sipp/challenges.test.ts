import assert from 'node:assert/strict';
import { freeMediaPort, freePort } from '../support/free-ports.js';
import {
  NUMBERS,
  startNodeUnderTest,
  type NodePorts,
  type NodeUnderTest,
} from '../support/node-under-test.js';
import { sippAvailable, startSipp, succeeded, type Sipp } from '../support/sipp.js';

const AUTH = 'auth: { username: "1001", password: secret }';

describe('SIPp challenges the node (RFC 3261 22, RFC 7616)', function () {
  this.timeout(90_000);
  let node: NodeUnderTest | null = null;
  const running: Sipp[] = [];

  before(function () {
    if (!sippAvailable()) this.skip();
  });
  afterEach(async () => {
    await node?.close();
    node = null;
    for (const sipp of running.splice(0)) await sipp.close();
  });

  async function sipp(
    scenario: string,
    port: number,
    more: { target?: string; service?: string } = {},
  ): Promise<Sipp> {
    const media = String(await freeMediaPort());
    const started = await startSipp({ scenario, port, ...more, args: ['-mp', media], timeoutMs: 60_000 });
    running.push(started);
    return started;
  }

  it('registrar: the REGISTER goes out again with credentials that it accepts, and the trunk is registered', async () => {
    const registrar = await freePort();
    const played = await sipp('registrar-challenges-accepts', registrar);
    const config = (ports: NodePorts): string => `
listen: [{ transport: udp, address: 127.0.0.1, port: ${ports.sip} }]
media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: error }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:${registrar}"], ${AUTH}, register: true }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${ports.bot}" }
projects:
  acme: { match: [{ trunk: carrier, to: "1001" }], bot: bot }
`;
    node = await startNodeUnderTest({ config });
    const { messages } = await succeeded(played, 'registrar');
    assert.match(messages, /SIP\/2\.0 200 OK/);
    assert.doesNotMatch(messages, /SIP\/2\.0 403/);
    const { trunks } = (await (await node.api('/v1/trunks')).json()) as {
      trunks: { name: string; registration: { state: string } | null }[];
    };
    assert.equal(trunks.find(({ name }) => name === 'carrier')?.registration?.state, 'registered');
  });

  it('carrier: the INVITE to a person goes out again with credentials, and caller and person are joined', async () => {
    node = await startNodeUnderTest({ patient: true, agentTrunk: `, ${AUTH}` });
    const bot = await sipp('bot-answers', node.botPort);
    const carrier = await sipp('carrier-challenges-invite', node.agentPort);
    const caller = await sipp('caller-presses-zero-stays', await freePort(), {
      target: node.target,
      service: NUMBERS.bridged,
    });
    await succeeded(caller, 'caller');
    await succeeded(bot, 'bot');
    const { messages } = await succeeded(carrier, 'carrier');
    assert.doesNotMatch(messages, /SIP\/2\.0 403/);
    const call = await node.newestCall(({ state }) => state === 'ended');
    const [transfer] = call.transfers;
    assert.equal(transfer?.result?.outcome, 'completed');
    assert.equal(transfer.result.attempts.length, 1);
  });
});
