import assert from 'node:assert/strict';
import { headerOf } from '../../../bench/peer/sip-text.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { startNodeUnderTest, type NodePorts, type NodeUnderTest } from '../../support/node-under-test.js';
import { LightPeer, type Incoming } from '../soak/light-peer.js';
import { eventually } from './support/told.js';

function config(ports: NodePorts): string {
  return `
listen: [{ transport: udp, address: 127.0.0.1, port: ${ports.sip} }]
media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: error }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8] }
  desk: { hosts: ["sip:127.0.0.1:${ports.agent}"] }
  second: { hosts: ["sip:127.0.0.1:${ports.second}"] }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${ports.bot}" }
destinations:
  agent: { type: extension, extension: "201", trunk: desk, ring_timeout: 30s }
  colleague: { type: extension, extension: "202", trunk: second, ring_timeout: 30s }
  team: { type: group, strategy: simultaneous, members: [agent, colleague] }
projects:
  team: { match: [{ trunk: carrier, to: "1000" }], bot: bot, transfer: { to: team, method: invite } }
`;
}

/** A phone that rings, and says 487 when it is cancelled. */
class RingingPhone {
  readonly methods: string[] = [];
  invite: Incoming | null = null;
  cancel: Incoming | null = null;

  readonly asked = (request: Incoming): void => {
    this.methods.push(request.method);
    if (request.method === 'INVITE' && !headerOf(request.text, 'To').includes(';tag=')) {
      this.invite = request;
      request.respond('180 Ringing');
      return;
    }
    request.respond('200 OK');
    if (request.method !== 'CANCEL') return;
    this.cancel = request;
    this.invite?.respond('487 Request Terminated');
  };
}

describe('a simultaneous group on the wire', function () {
  this.timeout(60_000);
  let node: NodeUnderTest;
  const peers: LightPeer[] = [];
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.close();
    await node.close();
  });

  it('the phone that loses gets CANCEL with the reason, and nothing more', async () => {
    node = await startNodeUnderTest({ config });
    const winner = new RingingPhone();
    const loser = new RingingPhone();
    const bot = (request: Incoming): void => request.respond('200 OK', request.method === 'INVITE');
    const caller = await LightPeer.open(0, node.sipPort, (request) => request.respond('200 OK'));
    peers.push(
      caller,
      await LightPeer.open(node.botPort, node.sipPort, bot),
      await LightPeer.open(node.agentPort, node.sipPort, loser.asked),
      await LightPeer.open(node.secondAgentPort, node.sipPort, winner.asked),
    );
    assert.equal(await caller.call('1000', 'group'), 200);
    const { callId } = await node.newestCall((call) => call.state === 'with_bot');
    const headers = { 'content-type': 'application/json' };
    const order = await node.api(`/v1/calls/${callId}/transfers`, { method: 'POST', headers, body: '{}' });
    assert.equal(order.status, 202);
    await eventually('both ring', () => (winner.invite && loser.invite ? true : null));
    winner.invite!.respond('200 OK', true);
    const cancel = await eventually('CANCEL to the loser', () => loser.cancel);
    assert.match(headerOf(cancel.text, 'Reason'), /^SIP;cause=200;text="Call completed elsewhere"$/);
    assert.equal(cancel.callId, loser.invite!.callId);
    await node.newestCall((call) => call.state === 'with_agent');
    caller.request('group@soak', 'BYE');
    const ended: CallView = await node.newestCall((call) => call.state === 'ended');
    const [transfer] = ended.transfers;
    assert.equal(transfer?.result?.outcome, 'completed');
    assert.deepEqual(
      transfer.result.attempts.map(({ destination, sipStatus, endedBy }) => [
        destination,
        sipStatus,
        endedBy,
      ]),
      [
        ['agent', null, 'relevo'],
        ['colleague', 200, null],
      ],
    );
    assert.deepEqual(loser.methods, ['INVITE', 'CANCEL']);
    assert.deepEqual(winner.methods, ['INVITE', 'BYE']);
  });
});
