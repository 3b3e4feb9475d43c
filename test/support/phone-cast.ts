import assert from 'node:assert/strict';
import type { CallView } from '../../src/observe/call-view.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from './node-under-test.js';
import { hears, startBaresip, type Softphone, type StartPhone } from './softphone.js';

export const CALLER_HZ = 440;
export const BOT_HZ = 700;
export const AGENT_HZ = 1000;

export type Srtp = 'off' | 'optional' | 'required' | 'dtls';

/** A phone with its side of the agreement, and ours towards it. */
export interface Side {
  readonly start: StartPhone;
  readonly phone: Srtp;
  /** `dtls`: required, with keys from DTLS. */
  readonly trunk: Srtp;
  /** The only codec of our side towards it; both kinds of G.711 where absent. */
  readonly codec?: 'PCMA' | 'PCMU';
}

export const side = (start: StartPhone, phone: Srtp, trunk: Srtp, codec?: Side['codec']): Side => ({
  start,
  phone,
  trunk,
  ...(codec && { codec }),
});

/** A node with three phones around it. */
export interface Cast {
  readonly node: NodeUnderTest;
  readonly caller: Softphone;
  readonly bot: Softphone;
  readonly agent: Softphone;
}

/** Starts them; whatever was started is pushed to `open`, also where something fails. `media` is YAML. */
export async function startCast(
  open: { close(): Promise<void> }[],
  caller: Side,
  agent: Side,
  options: {
    readonly startBot?: StartPhone;
    readonly media?: string;
    readonly noJitterBuffer?: boolean;
  } = {},
): Promise<Cast> {
  const phone = async (
    which: Side,
    user: string,
    toneHz: number,
    autoAnswer: boolean,
  ): Promise<Softphone> => {
    const started = await which.start({
      ...{ toneHz, user, autoAnswer, ...encryption(which.phone) },
      noJitterBuffer: options.noJitterBuffer === true,
    });
    open.push(started);
    return started;
  };
  const plain = side(options.startBot ?? startBaresip, 'off', 'off');
  const bot = await phone(plain, 'bot', BOT_HZ, true);
  const agentPhone = await phone(agent, '201', AGENT_HZ, true);
  const callerPhone = await phone(caller, 'caller', CALLER_HZ, false);
  const node = await startNodeUnderTest({
    botPort: bot.port,
    agentPort: agentPhone.port,
    carrierTrunk: trunkKeys(caller),
    agentTrunk: trunkKeys(agent),
    patient: true,
    ...(options.media !== undefined && { media: options.media }),
  });
  open.push(node);
  return { node, caller: callerPhone, bot, agent: agentPhone };
}

function encryption(phone: Srtp): { srtp?: 'optional' | 'required'; dtls?: boolean } {
  if (phone === 'dtls') return { dtls: true };
  return phone === 'off' ? {} : { srtp: phone };
}

function trunkKeys({ trunk, codec }: Side): string {
  const srtp = trunk === 'dtls' ? 'required, srtp_keys: dtls' : trunk;
  return `, srtp: ${srtp}${codec ? `, codecs: [${codec}]` : ''}`;
}

/** The messages of a call as its ladder shows them. */
export async function ladderOf(
  { node }: Cast,
  callId: string,
): Promise<readonly { readonly party: string; readonly raw: string }[]> {
  const response = await node.api(`/v1/calls/${callId}/ladder`, { headers: { accept: 'application/json' } });
  return ((await response.json()) as { messages: { party: string; raw: string }[] }).messages;
}

/** Calls the bot, is handed over, and everybody has to hear the right one; the callId. */
export async function handOver({ node, caller, bot }: Cast): Promise<string> {
  await caller.dial(`sip:${NUMBERS.bridged}@${node.target}`);
  const { callId } = await node.newestCall((call) => call.state === 'with_bot');
  await hears(caller, BOT_HZ, 10_000);
  await hears(bot, CALLER_HZ, 10_000);
  const response = await node.api(`/v1/calls/${callId}/transfers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'operator' }),
  });
  assert.equal(response.status, 202, await response.text());
  const call = await node.newestCall(
    (one) => one.transfers.some((transfer) => transfer.result !== null),
    20_000,
  );
  assert.equal(call.transfers[0]!.result!.outcome, 'completed');
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return callId;
}

/** Ends the call, and then listens: some phones write their recording at the end of the call alone. */
export async function endAndListen({ node, caller, agent }: Cast): Promise<void> {
  await caller.hangUp();
  await node.newestCall((call) => call.endedAt !== null);
  await hears(caller, AGENT_HZ, 10_000);
  await hears(agent, CALLER_HZ, 10_000);
}

/** Calls the bot, holds and resumes, and hangs up; the call as it ended. The bot hears the caller before and after. */
export async function holdAndResume(all: Cast): Promise<CallView> {
  const { node, caller, bot } = all;
  await caller.dial(`sip:${NUMBERS.basic}@${node.target}`);
  await node.newestCall((call) => call.state === 'with_bot');
  await hears(bot, CALLER_HZ, 10_000);
  await caller.hold();
  await node.newestCall((call) => call.legs.some((leg) => leg.party === 'caller' && leg.onHold));
  const before = bot.heardMs(CALLER_HZ);
  await caller.resume();
  await node.newestCall((call) => call.legs.every((leg) => !leg.onHold));
  await hears(bot, CALLER_HZ, 10_000, before);
  await caller.hangUp();
  const ended = await node.newestCall((call) => call.endedAt !== null);
  await hears(caller, BOT_HZ, 10_000);
  return ended;
}
