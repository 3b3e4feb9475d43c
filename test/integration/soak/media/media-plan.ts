import { seededRandom, type Random } from '../../../../src/common/random.js';
import type { NodePorts } from '../../../support/node-under-test.js';
import type { Network } from './media-party.js';
import type { Traits } from './party-sdp.js';

/** How a call is handed over, if it is. */
export type Hand = 'music' | 'ringback' | 'consulted' | 'three';
export type End = 'caller' | 'peer' | 'caller vanishes' | 'bot vanishes';

export type Step =
  | { readonly kind: 'talk'; readonly ms: number }
  | { readonly kind: 'press'; readonly by: 'caller' | 'peer'; readonly digit: string }
  | { readonly kind: 'hold'; readonly by: 'caller' | 'peer'; readonly ms: number }
  | { readonly kind: 'hand over' };

/** One call, from its first packet to its last. */
export interface CallPlan {
  readonly index: number;
  readonly number: string;
  readonly hand: Hand;
  readonly recorded: boolean;
  readonly traits: Readonly<Record<'caller' | 'bot' | 'agent', Traits>>;
  readonly network: Network;
  readonly steps: readonly Step[];
  readonly end: End;
  /** Whoever hangs up goes on talking to the node for a while. */
  readonly lingers: boolean;
}

/** What a trunk of bots or agents has, and what the party behind it can. */
interface Side {
  readonly name: string;
  readonly trunk: string;
  readonly traits: Traits;
}

const PLAIN: Traits = { formats: ['PCMA', 'PCMU'], digits: 'event', srtp: null, mux: true, family: 4 };
const WIDE = ', codecs: [opus, G722, PCMA, PCMU]';

/** Bots and agents are of these kinds; the trunk has the kind's settings. */
const SIDES: readonly Side[] = [
  { name: 'alaw', trunk: '', traits: PLAIN },
  {
    name: 'ulaw',
    trunk: ', codecs: [PCMU, PCMA]',
    traits: { ...PLAIN, formats: ['PCMU'], mux: false },
  },
  {
    name: 'opus',
    trunk: WIDE,
    traits: { ...PLAIN, formats: ['opus', 'PCMA'] },
  },
  {
    name: 'g722',
    trunk: WIDE,
    traits: { ...PLAIN, formats: ['G722', 'PCMU', 'PCMA'], mux: false },
  },
  {
    name: 'secret',
    trunk: ', srtp: required',
    traits: { ...PLAIN, srtp: 'AES_CM_128_HMAC_SHA1_80' },
  },
  {
    name: 'gcm',
    trunk: ', srtp: required, codecs: [PCMU, PCMA]',
    traits: { ...PLAIN, formats: ['PCMU', 'PCMA'], srtp: 'AEAD_AES_128_GCM', mux: false },
  },
  {
    name: 'tones',
    trunk: ', dtmf: inband',
    traits: { ...PLAIN, digits: 'tones' },
  },
  {
    name: 'info',
    trunk: ', dtmf: info',
    traits: { ...PLAIN, formats: ['PCMU', 'PCMA'], digits: 'info' },
  },
];

/** What callers are: their trunk takes everything. */
const CALLERS: readonly Traits[] = [
  PLAIN,
  { ...PLAIN, formats: ['PCMU'], mux: false },
  { ...PLAIN, formats: ['PCMU', 'PCMA'], digits: 'info' },
  { ...PLAIN, formats: ['opus', 'PCMU'] },
  { ...PLAIN, formats: ['G722', 'PCMA'] },
  { ...PLAIN, srtp: 'AES_CM_128_HMAC_SHA1_80' },
  { ...PLAIN, formats: ['PCMU', 'PCMA'], srtp: 'AEAD_AES_128_GCM', mux: false },
  { ...PLAIN, family: 6 },
];

const HANDS: readonly Hand[] = ['music', 'ringback', 'consulted', 'three'];
const HAND_SETTINGS: Readonly<Record<Hand, string>> = {
  music: 'method: invite, waiting: music',
  ringback: 'method: invite, waiting: ringback',
  consulted: 'mode: attended, method: invite, waiting: music, accept: { digit: "1", timeout: 30s }',
  three:
    'mode: attended, method: invite, waiting: music, accept: { digit: "1", timeout: 30s }, three_way: { duration: 4s }',
};
/** A party that vanished is noticed after this. */
export const VANISHED_MS = 8000;
const GOOD: Network = { loss: 0, twice: 0, swapped: 0 };
const BAD: Network = { loss: 0.02, twice: 0.02, swapped: 0.02 };

/** How many distinct mixtures of bot, agent and hand-over there are. */
const PROJECTS = SIDES.length * SIDES.length;

const numberOf = (bot: number, agent: number, hand: number, recorded: boolean): string =>
  `7${bot}${agent}${hand}${recorded ? 1 : 0}`;

/** The configuration of the node: a trunk of bots and one of agents of each kind, and a project for each mixture. */
export function soakConfig(ports: NodePorts, folder: string, rest: string): string {
  const projects: string[] = [];
  for (let mixture = 0; mixture < PROJECTS; mixture++) {
    const [bot, agent] = [mixture % SIDES.length, Math.floor(mixture / SIDES.length)];
    HANDS.forEach((hand, at) => {
      for (const recorded of [false, true])
        projects.push(
          `  p${numberOf(bot, agent, at, recorded)}: { match: [{ trunk: callers, to: "${numberOf(bot, agent, at, recorded)}" }], bot: bot-${bot}, ` +
            `caller_media_timeout: ${VANISHED_MS}ms, transfer: { to: agent-${agent}, ${HAND_SETTINGS[hand]}, timers: { total: 90s } }` +
            `${recorded ? `, recording: { directory: ${folder} }` : ''} }`,
        );
    });
  }
  const each = (make: (side: Side, at: number) => string): string => SIDES.map(make).join('\n');
  return `
listen: [{ transport: udp, address: 127.0.0.1, port: ${ports.sip} }]
media: { address: 127.0.0.1, address_ipv6: "::1", advertise_ipv6: "::1", ports: ${ports.rtp}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
${rest}
trunks:
  callers: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8], codecs: [opus, G722, PCMA, PCMU], srtp: optional }
${each(({ trunk }, at) => `  bots-${at}: { hosts: ["sip:127.0.0.1:${ports.bot}"]${trunk} }`)}
${each(({ trunk }, at) => `  agents-${at}: { hosts: ["sip:127.0.0.1:${ports.agent}"]${trunk} }`)}
bots:
${each((_, at) => `  bot-${at}: { kind: sip, uri: "sip:bot@127.0.0.1:${ports.bot}", trunk: bots-${at}, answer_timeout: 30s, media_timeout: ${VANISHED_MS}ms }`)}
destinations:
${each((_, at) => `  agent-${at}: { type: extension, extension: "20${at}", trunk: agents-${at}, ring_timeout: 30s }`)}
projects:
${projects.join('\n')}
`;
}

/** The calls of a soak, one after the other: the same seed, the same calls. */
export class MediaPlan {
  readonly #random: Random;
  readonly #longestMs: number;
  #next = 0;

  /** `longestMs`: how long the longest calls talk. */
  constructor(seed: number, longestMs: number) {
    this.#random = seededRandom(seed);
    this.#longestMs = longestMs;
  }

  next(): CallPlan {
    const index = this.#next++;
    const random = this.#random;
    const below = (count: number): number => Math.floor(random.fraction() * count);
    const chance = (share: number): boolean => random.fraction() < share;
    const [bot, agent, hand] = [below(SIDES.length), below(SIDES.length), below(HANDS.length)];
    const recorded = chance(0.2);
    const bad = chance(0.25);
    const handed = chance(0.45);
    const end = this.#end(handed);
    // What falls out of a tone, or comes twice, is another tone: digits of such parties go over a good network.
    const tones = [SIDES[bot]!, ...(handed ? [SIDES[agent]!] : [])].some(
      ({ traits }) => traits.digits === 'tones',
    );
    const length = random.fraction();
    const talkMs =
      length < 0.75
        ? 500 + below(5000)
        : length < 0.95
          ? 5000 + below(10_000)
          : 10_000 + below(this.#longestMs);
    const steps = this.#steps(talkMs, handed);
    return {
      index,
      number: numberOf(bot, agent, hand, recorded),
      hand: HANDS[hand]!,
      recorded,
      traits: {
        caller: CALLERS[below(CALLERS.length)]!,
        bot: SIDES[bot]!.traits,
        agent: SIDES[agent]!.traits,
      },
      network: bad && !tones ? BAD : GOOD,
      steps,
      end,
      lingers: chance(0.1),
    };
  }

  #end(handed: boolean): End {
    const luck = this.#random.fraction();
    if (luck < 0.04) return 'caller vanishes';
    if (luck < 0.07 && !handed) return 'bot vanishes';
    return luck < 0.7 ? 'caller' : 'peer';
  }

  #steps(talkMs: number, handed: boolean): Step[] {
    const random = this.#random;
    const by = (): 'caller' | 'peer' => (random.fraction() < 0.5 ? 'caller' : 'peer');
    const some = (): Step[] => {
      const steps: Step[] = [{ kind: 'talk', ms: talkMs / (handed ? 4 : 2) }];
      const luck = random.fraction();
      if (luck < 0.35)
        steps.push({ kind: 'press', by: by(), digit: String(2 + Math.floor(random.fraction() * 8)) });
      else if (luck < 0.55) steps.push({ kind: 'hold', by: by(), ms: 400 + random.fraction() * 2000 });
      steps.push({ kind: 'talk', ms: talkMs / (handed ? 4 : 2) });
      return steps;
    };
    return handed ? [...some(), { kind: 'hand over' }, ...some()] : some();
  }
}

/** A call in one line, for whoever looks into a fault. */
export function storyOf(plan: CallPlan): string {
  const { number, hand, traits, network, steps, end } = plan;
  const parts = Object.entries(traits).map(
    ([role, { formats, digits, srtp }]) => `${role} ${formats.join('/')} ${digits}${srtp ? ' srtp' : ''}`,
  );
  return `${number} ${hand}, ${parts.join('; ')}, ${network.loss > 0 ? 'bad network, ' : ''}${steps.map(({ kind }) => kind).join(' ')}, ${end}`;
}
