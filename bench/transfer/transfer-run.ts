import { pause } from '../common/child.js';
import type { BenchNode } from '../node/bench-node.js';
import { AnsweringPeer } from '../peer/answering-peer.js';
import { CallerPeer } from '../peer/caller-peer.js';
import { pacedLoop } from '../peer/paced-loop.js';
import { RtpTalker } from '../peer/rtp-talker.js';

/** How the transfer is asked for, and how it is carried out. */
export interface TransferCase {
  readonly name: string;
  readonly number: string;
  /** `key`: the caller presses 0 (SIP INFO) and a rule decides; `api`: an operator orders it over HTTP. */
  readonly asked: 'key' | 'api';
  readonly method: 'refer' | 'invite';
}

export interface TransferRun {
  /** From the decision's cause to the first SIP packet of the transfer on the wire (ms). */
  readonly delaysMs: readonly number[];
  readonly asked: number;
  /** Calls that the node or the bot refused. */
  readonly refused: number;
  readonly longestStallMs: number;
}

const BEFORE_ASKING_MS = 300;
const WITH_AGENT_MS = 400;
const SETTLE_MS = 1500;

/**
 * Calls at a steady rate; each is answered by the bot, transferred, and ended a moment later. `first` keeps the
 * names of the calls of several runs apart.
 */
export async function runTransfers(
  node: BenchNode,
  test: TransferCase,
  perSecond: number,
  count: number,
  first: number,
): Promise<TransferRun> {
  const { ports } = node;
  const askedAt = new Map<string, number>();
  const delaysMs: number[] = [];
  let asked = 0;
  let refused = 0;
  const talkers = await Promise.all([RtpTalker.open(), RtpTalker.open(), RtpTalker.open()]);
  const [callerTalker, botTalker, agentTalker] = talkers;

  const onWire = (mark: string, atMs: number): void => {
    const asked = askedAt.get(mark);
    if (asked !== undefined) delaysMs.push(atMs - asked);
    askedAt.delete(mark);
    setTimeout(() => caller.hangUp(mark), WITH_AGENT_MS);
  };
  const bot = await AnsweringPeer.start({
    port: ports.bot,
    nodePort: ports.sip,
    answerAfterMs: 10,
    talker: botTalker,
    onInvite: () => undefined,
  });
  const agent = await AnsweringPeer.start({
    port: ports.agent,
    nodePort: ports.sip,
    answerAfterMs: 100,
    talker: agentTalker,
    onInvite: ({ mark, arrivedAtMs }) => onWire(mark, arrivedAtMs),
  });
  const caller: CallerPeer = await CallerPeer.start({
    port: ports.caller,
    nodePort: ports.sip,
    talker: callerTalker,
    onEvent: (mark, event) => {
      if (event.kind === 'refused') refused++;
      if (event.kind === 'refer') onWire(mark, event.atMs);
      if (event.kind === 'answered') setTimeout(() => ask(mark), BEFORE_ASKING_MS);
    },
  });

  function ask(mark: string): void {
    if (test.asked === 'key') {
      const atMs = caller.press(mark, '0');
      if (Number.isNaN(atMs)) return;
      asked++;
      askedAt.set(mark, atMs);
      return;
    }
    void order(mark);
  }

  /** The API names calls by an id of the node: it is found by the caller's Call-ID first. */
  async function order(mark: string): Promise<void> {
    const callId = await node.callIdOf(`${mark}@bench`);
    if (callId === null) return;
    asked++;
    askedAt.set(mark, performance.now());
    await node.api(`/v1/calls/${encodeURIComponent(callId)}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
  }

  try {
    const longestStallMs = await pacedLoop(perSecond, count, (index) => {
      caller.call(test.number, `${first + index}`);
    });
    await pause(BEFORE_ASKING_MS + WITH_AGENT_MS + SETTLE_MS);
    return { delaysMs, asked, refused, longestStallMs };
  } finally {
    caller.close();
    bot.close();
    agent.close();
    for (const talker of talkers) talker.close();
  }
}
