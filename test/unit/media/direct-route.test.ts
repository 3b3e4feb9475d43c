import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import fc from 'fast-check';
import { melodySamples } from '../../../src/media/prompt/melody.js';
import { promptOfSamples } from '../../../src/media/prompt/prompt-audio.js';
import { DirectRoute } from '../../../src/media/worker/direct-route.js';
import { Endpoint } from '../../../src/media/worker/endpoint.js';
import type { OpenRecording } from '../../../src/media/worker/recording-desk.js';
import type { Overhearer } from '../../../src/media/worker/taps.js';
import type { StreamSettings } from '../../../src/media/worker-messages.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { endpointContext, plainSettings } from './endpoint-parts.js';

const NAMES = ['caller', 'bot', 'agent'] as const;
type Name = (typeof NAMES)[number];
const SPEECH = [
  'ulaw',
  'alaw',
  'marked',
  'padded',
  'giant',
  'event',
  'noise',
  'unknown',
  'lossy',
  'restart',
  'moved',
  'nothing',
] as const;
type Speech = (typeof SPEECH)[number];
const PROMPT = promptOfSamples(melodySamples().slice(0, 1600));
const KEY = Buffer.alloc(30, 7).toString('base64');

const SETTINGS: StreamSettings = {
  ...plainSettings(5000),
  rtcpMux: true,
  receivePayloadTypes: [
    { payloadType: 0, codec: 'PCMU' },
    { payloadType: 8, codec: 'PCMA' },
  ],
};
/** Frames after which a silent source is filled in for. */
const STALLED = 60;

/** What an offer of the peer may change. */
const CHANGES: readonly Partial<StreamSettings>[] = [
  {},
  { maySend: false, mayReceive: false },
  { maySend: false },
  { mayReceive: false },
  { sendCodec: 'PCMA', sendPayloadType: 8 },
  { sendPayloadType: 97 },
  { packetSamples: 80 },
  { remoteRtp: null },
  { remoteRtp: { address: '127.0.0.1', port: 5900 } },
  { dtmf: 'inband' },
  { dtmf: 'info', sendEventPayloadType: null },
  { srtp: { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey: KEY, receiveKey: KEY } },
];

type Step = { readonly who: number; readonly frames: number } & (
  | { readonly does: 'hear'; readonly whom: readonly number[] }
  | { readonly does: 'speak'; readonly speech: Speech }
  | { readonly does: 'agree'; readonly change: number }
  | {
      readonly does:
        | 'prompt'
        | 'digit'
        | 'interject'
        | 'record'
        | 'tap'
        | 'beep'
        | 'stranger'
        | 'gap'
        | 'rest'
        | 'wake'
        | 'close';
    }
);

/** Three parties on endpoints without sockets that speak every 20 ms; everything that leaves is written down. */
class Scene {
  readonly left: string[] = [];
  readonly #clock = new VirtualClock();
  readonly #endpoints: Record<Name, Endpoint>;
  readonly #speech: Record<Name, Speech> = { caller: 'ulaw', bot: 'ulaw', agent: 'ulaw' };
  readonly #tap: Overhearer = {
    overhear: (name, timestamp, packet, start, end, codec) => {
      this.left.push(`${name} ${timestamp} ${codec} ${packet.toString('hex', start, end)}`);
    },
  };
  #frame = 0;

  constructor() {
    const clock = this.#clock;
    const context = endpointContext(clock, 5);
    const make = (name: Name): Endpoint => {
      const endpoint = new Endpoint('call', name, true, context, (event) => {
        this.left.push(`${name} ${JSON.stringify(event)}`);
      });
      const send = (packet: Buffer, ...where: readonly unknown[]): void => {
        const [head, length] = where.length === 4 ? (where as number[]) : [0, packet.length];
        const sent = packet.subarray(head, head! + length!).toString('hex');
        this.left.push(`${name} ${clock.now()} ${where.slice(-2).join(' ')} ${sent}`);
      };
      const rtp = { send } as unknown as Socket;
      endpoint.attach({ rtpPort: 4000, rtp, rtcp: rtp, close: () => undefined });
      endpoint.configure(SETTINGS);
      return endpoint;
    };
    this.#endpoints = { caller: make('caller'), bot: make('bot'), agent: make('agent') };
    this.#hear('caller', ['bot']);
    this.#hear('bot', ['caller']);
  }

  play(steps: readonly Step[]): void {
    this.#advance(5);
    for (const step of steps) {
      this.#take(step);
      this.#advance(step.frames);
    }
    for (const name of NAMES) this.left.push(`${name} ${JSON.stringify(this.#endpoints[name].close())}`);
  }

  #take(step: Step): void {
    const name = NAMES[step.who]!;
    const endpoint = this.#endpoints[name];
    switch (step.does) {
      case 'hear':
        this.#hear(
          name,
          [...new Set(step.whom)].map((one) => NAMES[one]!).filter((one) => one !== name),
        );
        return;
      case 'speak':
        this.#speech[name] = step.speech;
        return;
      case 'agree':
        endpoint.configure({ ...SETTINGS, ...CHANGES[step.change] });
        return;
      case 'prompt':
        this.#hear(name, []);
        return;
      case 'digit':
        endpoint.sendDtmf('5');
        return;
      case 'interject':
        endpoint.interject(PROMPT, () => this.left.push(`${name} interjected`));
        return;
      case 'record':
        endpoint.record(this.#recording(name));
        return;
      case 'tap':
        endpoint.taps.add(this.#tap);
        return;
      case 'beep':
        endpoint.beep();
        return;
      case 'stranger':
        this.#packet(name, 'ulaw', 6000);
        return;
      case 'gap':
        this.left.push(`${name} gap ${endpoint.stopGap()}`);
        endpoint.startGap();
        return;
      case 'rest':
      case 'wake':
        endpoint.rest(step.does === 'rest');
        return;
      case 'close':
        endpoint.close();
    }
  }

  #hear(name: Name, others: readonly Name[]): void {
    const endpoint = this.#endpoints[name];
    for (const one of NAMES) {
      const heard = this.#endpoints[one];
      const rest = heard.listeners.filter((each) => each !== endpoint);
      heard.listeners = others.includes(one) ? [...rest, endpoint] : rest;
    }
    if (others.length === 0) endpoint.hearPrompt(PROMPT, false, () => this.left.push(`${name} played`));
    else if (others.length === 1) endpoint.hearLeg();
    else endpoint.hearMix(others);
  }

  #recording(name: Name): OpenRecording {
    const push: OpenRecording['recorder']['push'] = (side, timestamp, packet, start, end, codec, nowMs) => {
      const codes = packet.toString('hex', start, end);
      this.left.push(`${name} records ${side} ${timestamp} ${codec} ${nowMs} ${codes}`);
    };
    const recorder = { push, flush: () => undefined } as unknown as OpenRecording['recorder'];
    return { recorder, mark: () => undefined, close: () => this.left.push(`${name} recorded`) };
  }

  #advance(frames: number): void {
    for (let frame = 0; frame < frames; frame++) {
      this.#frame++;
      for (const name of NAMES) {
        this.#packet(name, this.#speech[name], 5000);
        this.#clock.advance(6.5);
        if (this.#frame % 5 === 0) this.#endpoints[name].check(this.#clock.now());
      }
      this.#clock.advance(0.5);
    }
  }

  #packet(name: Name, speech: Speech, port: number): void {
    const frame = this.#frame;
    if (speech === 'nothing' || (speech === 'lossy' && frame % 3 === 0)) return;
    const type = { alaw: 8, event: 101, noise: 13, unknown: 77 }[speech as string] ?? 0;
    const payload =
      speech === 'event'
        ? Buffer.from([5, frame % 4 === 0 ? 0x8a : 10, 3, 0x20])
        : Buffer.alloc(speech === 'giant' ? 2100 : 160, frame);
    if (speech === 'padded') payload[159] = 8;
    const head = Buffer.alloc(12);
    head[0] = speech === 'padded' ? 0xa0 : 0x80;
    head[1] = speech === 'marked' ? 0x80 | type : type;
    head.writeUInt16BE((65_500 + frame) & 0xffff, 2);
    const timestamp = speech === 'event' ? frame - (frame % 4) : frame;
    head.writeUInt32BE((0xffff_ff00 + timestamp * 160) >>> 0, 4);
    head.writeUInt32BE(0xf000_0000 + NAMES.indexOf(name) + (speech === 'restart' ? 16 : 0), 8);
    const packet = Buffer.concat([head, payload]);
    const from = speech === 'moved' ? 5800 : port;
    const { handlers } = this.#endpoints[name];
    handlers.onRtp(packet, { address: '127.0.0.1', port: from, family: 'IPv4', size: packet.length });
  }
}

const SILENT_FOR_A_WHILE: readonly Step[] = [
  { does: 'speak', who: 0, speech: 'nothing', frames: STALLED },
  { does: 'speak', who: 0, speech: 'ulaw', frames: 10 },
];

const steps = fc.array(
  fc
    .tuple(
      fc.record({
        who: fc.nat(2),
        frames: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 12 }) }, fc.constant(STALLED)),
      }),
      fc.oneof(
        fc.record({
          does: fc.constant('hear' as const),
          whom: fc.array(fc.nat(2), { minLength: 1, maxLength: 2 }),
        }),
        fc.record({ does: fc.constant('speak' as const), speech: fc.constantFrom(...SPEECH) }),
        fc.record({ does: fc.constant('agree' as const), change: fc.nat(CHANGES.length - 1) }),
        fc.record({
          does: fc.constantFrom(
            'prompt',
            'digit',
            'interject',
            'record',
            'tap',
            'beep',
            'stranger',
            'gap',
            'rest',
            'wake',
          ),
        }),
        fc.record({ does: fc.constant('close' as const) }),
      ),
    )
    .map(([common, step]): Step => ({ ...common, ...step })),
  { maxLength: 25 },
);

/** What leaves a scene; the short way is closed to it where `longWay`. */
function played(script: readonly Step[], longWay: boolean): { left: readonly string[]; short: number } {
  const { prototype } = DirectRoute;
  const open = Object.getOwnPropertyDescriptor(prototype, 'open')!;
  const relay = Object.getOwnPropertyDescriptor(prototype, 'relay')!;
  let short = 0;
  if (longWay) Object.defineProperty(prototype, 'open', { ...open, get: () => false });
  Object.defineProperty(prototype, 'relay', {
    ...relay,
    value(this: DirectRoute, ...packet: Parameters<DirectRoute['relay']>): void {
      short++;
      (relay.value as DirectRoute['relay']).apply(this, packet);
    },
  });
  try {
    const scene = new Scene();
    scene.play(script);
    return { left: scene.left, short };
  } finally {
    Object.defineProperty(prototype, 'open', open);
    Object.defineProperty(prototype, 'relay', relay);
  }
}

describe('the short way of a packet', () => {
  it('is taken by G.711 between two parties, from the second packet on', () => {
    const { short } = played([{ does: 'gap', who: 0, frames: 50 }], false);
    assert.ok(short >= 100, String(short));
  });

  it('sends, records, reports and counts what the long way does, whatever changes in between', () => {
    fc.assert(
      fc.property(steps, (script) => {
        assert.deepEqual(played(script, false).left, played(script, true).left);
      }),
      { numRuns: 300, examples: [[SILENT_FOR_A_WHILE]] },
    );
  });
});
