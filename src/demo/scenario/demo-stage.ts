import { randomInt } from 'node:crypto';
import { loadConfig } from '../../config/load-config.js';
import { formatProblems } from '../../config/format-problems.js';
import type { RelevoConfig } from '../../config/relevo-config.js';
import { RelevoError } from '../../common/errors.js';
import { checkExpression } from '../../policy/rules/expression.js';
import { Agent } from '../agent.js';
import { busy } from '../call-policy.js';
import { Caller } from '../caller.js';
import { Voicebot } from '../voicebot.js';
import { DemoApi } from './demo-api.js';
import { demoNodeConfig } from './demo-node-config.js';
import type { DeskName, Scenario } from './scenario.js';

/** Frequencies that are no notes: the node's music may not be mistaken for a party. */
export const TONES = { caller: 570, bot: 720, 'desk-1': 1210, 'desk-2': 1610 } as const;
const MEDIA_PORTS = 400;

/** What the demonstration needs of a running node; `startNode` of src/main.ts gives it. */
export interface DemoNode {
  readonly sipListeners: readonly { readonly transport: string; readonly port: number }[];
  readonly apiAddress: { readonly url: string };
  close(): Promise<void>;
}

export type StartDemoNode = (config: RelevoConfig) => Promise<DemoNode>;

/** Everybody who plays a part: the node, the caller, the voicebot and the agents, all on loopback and free ports. */
export class DemoStage {
  readonly node: DemoNode;
  readonly api: DemoApi;
  readonly caller: Caller;
  readonly bot: Voicebot;
  readonly desks: Readonly<Record<DeskName, Agent>>;
  readonly #owned: readonly { close(): Promise<void> }[];
  readonly #sipPort: number;

  private constructor(
    node: DemoNode,
    peers: { caller: Caller; bot: Voicebot; desks: Record<DeskName, Agent> },
    owned: readonly { close(): Promise<void> }[],
  ) {
    this.node = node;
    this.api = new DemoApi(node.apiAddress.url);
    this.caller = peers.caller;
    this.bot = peers.bot;
    this.desks = peers.desks;
    this.#owned = owned;
    const tcp = node.sipListeners.find((listener) => listener.transport === 'tcp');
    if (tcp === undefined) throw new Error('the node does not listen on TCP');
    this.#sipPort = tcp.port;
  }

  /** Starts everything; on a failure nothing is left running. */
  static async start(scenarios: readonly Scenario[], startNode: StartDemoNode): Promise<DemoStage> {
    const owned: { close(): Promise<void> }[] = [];
    const own = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
      const peer = await starting;
      owned.unshift(peer);
      return peer;
    };
    try {
      const bot = await own(Voicebot.start({ toneHz: TONES.bot }));
      const answer = { kind: 'answer', afterMs: 150 } as const;
      const desks = {
        'desk-1': await own(Agent.start({ name: 'desk-1', toneHz: TONES['desk-1'], answer })),
        'desk-2': await own(Agent.start({ name: 'desk-2', toneHz: TONES['desk-2'], answer })),
      };
      const busyOne = await own(Agent.start({ name: 'busy-1', answer: busy }));
      const busyTwo = await own(Agent.start({ name: 'busy-2', answer: busy }));
      const caller = await own(Caller.start({ toneHz: TONES.caller }));
      const uris = {
        bot: bot.uri,
        desks: {
          'desk-1': desks['desk-1'].uri,
          'desk-2': desks['desk-2'].uri,
          'busy-1': busyOne.uri,
          'busy-2': busyTwo.uri,
        },
      };
      // Below the range from which the system takes ephemeral ports.
      const first = 20_000 + 2 * randomInt(5800);
      const text = demoNodeConfig(uris, scenarios, `${first}-${first + MEDIA_PORTS - 1}`);
      const node = await own(startNode(readConfig(text)));
      return new DemoStage(node, { caller, bot, desks }, owned);
    } catch (error) {
      await Promise.all(owned.map((peer) => peer.close()));
      throw error;
    }
  }

  /** The SIP URI of a number at the node. */
  numberUri(number: string): string {
    return `sip:${number}@127.0.0.1:${this.#sipPort};transport=tcp`;
  }

  /** Ends what a scenario has left over. */
  async clear(): Promise<void> {
    const parties = [
      this.caller.userAgent,
      this.bot.userAgent,
      ...Object.values(this.desks).map((d) => d.userAgent),
    ];
    const open = parties.flatMap((party) => party.calls.filter((call) => call.state !== 'ended'));
    await Promise.allSettled(
      open.map(async (call) => {
        await call.hangUp();
        await call.ended;
      }),
    );
  }

  /** Idempotent. The node goes first, so that it can say goodbye to its peers. */
  async close(): Promise<void> {
    for (const one of this.#owned) await one.close();
  }
}

function readConfig(text: string): RelevoConfig {
  const loaded = loadConfig({ text, path: 'demonstration' }, { env: {}, checkExpression });
  if (loaded.ok) return loaded.config;
  throw new RelevoError(
    'demo_config',
    `the configuration of the demonstration is not accepted:\n${formatProblems(loaded.problems, loaded.text)}`,
    'Report this: the demonstration and the configuration schema have come apart.',
  );
}
