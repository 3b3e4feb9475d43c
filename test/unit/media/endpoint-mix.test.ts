import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import { melodySamples } from '../../../src/media/prompt/melody.js';
import { promptOfSamples } from '../../../src/media/prompt/prompt-audio.js';
import { Endpoint } from '../../../src/media/worker/endpoint.js';
import { decodeG711, encodeG711 } from '../../../src/rtp/g711.js';
import { toneAmplitude } from '../../../src/rtp/goertzel.js';
import { rtpSequence, rtpSsrc, rtpTimestamp } from '../../../src/rtp/packet.js';
import { sequenceDistance, timestampDistance } from '../../../src/rtp/sequence.js';
import { toneSamples } from '../../../src/rtp/tone.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { endpointContext, plainSettings } from './endpoint-parts.js';

const FRAME = 160;
const NAMES = ['caller', 'bot', 'agent'] as const;
type Name = (typeof NAMES)[number];
const TONE: Readonly<Record<Name, number>> = { caller: 500, bot: 900, agent: 1300 };

/** Three parties on endpoints without sockets; each speaks its tone every 20 ms, 7 ms apart. */
class Table {
  readonly clock = new VirtualClock();
  readonly sent: Record<Name, Buffer[]> = { caller: [], bot: [], agent: [] };
  readonly at: Record<Name, Endpoint>;
  readonly #talking = new Map<Name, () => void>();

  constructor() {
    const context = endpointContext(this.clock, 3);
    const make = (name: Name, index: number): Endpoint => {
      const endpoint = new Endpoint('call', name, false, context, () => undefined);
      const rtp = {
        send: (packet: Buffer, at?: number, length?: number): void => {
          const whole = packet.length === FRAME + 12 || length === undefined;
          this.sent[name].push(Buffer.from(whole ? packet : packet.subarray(at, at! + length)));
        },
      } as unknown as Socket;
      endpoint.attach({ rtpPort: 4000 + 2 * index, rtp, rtcp: rtp, close: () => undefined });
      endpoint.configure({ ...plainSettings(5000 + 2 * index), remoteRtcp: null });
      return endpoint;
    };
    this.at = { caller: make('caller', 0), bot: make('bot', 1), agent: make('agent', 2) };
  }

  talk(name: Name): void {
    const codes = encodeG711(toneSamples(TONE[name], 8 * FRAME, 6000), 'PCMU');
    const index = NAMES.indexOf(name);
    let frame = 0;
    let stopped = false;
    const say = (): void => {
      if (stopped) return;
      const head = Buffer.alloc(12);
      head.writeUInt8(0x80, 0);
      head.writeUInt16BE(frame & 0xffff, 2);
      head.writeUInt32BE((1000 + frame * FRAME) >>> 0, 4);
      head.writeUInt32BE(77 + index, 8);
      const from = (frame++ % 8) * FRAME;
      const packet = Buffer.concat([head, codes.subarray(from, from + FRAME)]);
      this.at[name].handlers.onRtp(packet, {
        address: '127.0.0.1',
        port: 5000 + 2 * index,
        family: 'IPv4',
        size: packet.length,
      });
      this.clock.after(20, say);
    };
    this.clock.after(1 + 7 * index, say);
    this.#talking.set(name, () => (stopped = true));
  }
  hush(name: Name): void {
    this.#talking.get(name)?.();
  }

  /** `name` hears these; a mix where there is more than one. */
  hear(name: Name, others: readonly Name[], mixed = others.length > 1): void {
    for (const one of NAMES)
      this.at[one].listeners = this.at[one].listeners.filter((each) => each !== this.at[name]);
    for (const one of others) this.at[one].listeners = [...this.at[one].listeners, this.at[name]];
    if (mixed) this.at[name].hearMix(others);
    else this.at[name].hearLeg();
  }

  /** Amplitudes of the three tones in the last packets sent to `name`. */
  amplitudes(name: Name, packets: number): number[] {
    const codes = Buffer.concat(this.sent[name].slice(-packets).map((packet) => packet.subarray(12)));
    return NAMES.map((one) => toneAmplitude(decodeG711(codes, 'PCMU'), TONE[one]));
  }
  assertOneStream(name: Name): void {
    const packets = this.sent[name];
    assert.equal(new Set(packets.map(rtpSsrc)).size, 1);
    for (const [at, packet] of packets.slice(1).entries()) {
      assert.equal(sequenceDistance(rtpSequence(packet), rtpSequence(packets[at]!)), 1);
      const moved = timestampDistance(rtpTimestamp(packet), rtpTimestamp(packets[at]!));
      assert.ok(moved === FRAME || moved === 2 * FRAME, `timestamp moved by ${moved}`);
    }
  }
}

describe('three parties at one table', () => {
  for (const waiting of ['music', 'the bot'] as const) {
    it(`nobody is sent a silence of more than 20 ms from ${waiting} through three to two`, () => {
      const table = new Table();
      for (const name of NAMES) table.talk(name);
      if (waiting === 'music') table.at.caller.hearPrompt(promptOfSamples(melodySamples()), true, null);
      else table.hear('caller', ['bot']);
      table.hear('bot', ['agent']);
      table.hear('agent', ['bot']);
      table.clock.advance(500);
      for (const name of NAMES) table.at[name].startGap();
      table.hear('caller', ['bot', 'agent']);
      table.hear('bot', ['caller', 'agent']);
      table.hear('agent', ['caller', 'bot']);
      table.clock.advance(1000);
      for (const name of NAMES) {
        const [caller, bot, agent] = table.amplitudes(name, 24);
        for (const [one, amplitude] of [
          ['caller', caller!],
          ['bot', bot!],
          ['agent', agent!],
        ] as const)
          assert.ok(
            one === name ? amplitude < 300 : amplitude > 4500,
            `${name} hears ${one} at ${amplitude}`,
          );
      }
      table.hear('bot', [], true);
      table.hear('caller', ['agent'], false);
      table.hear('agent', ['caller'], false);
      table.clock.advance(500);
      for (const name of ['caller', 'agent'] as const) {
        const gapMs = table.at[name].stopGap();
        assert.ok(gapMs <= 20, `${name}: ${gapMs} ms`);
        table.assertOneStream(name);
      }
      assert.ok(table.amplitudes('caller', 16)[2]! > 4500);
      assert.ok(table.amplitudes('caller', 16)[1]! < 300, 'the bot is not heard any more');
    });
  }

  it('music goes on while nobody of the mix has spoken, and the silence of all is told as it is', () => {
    const table = new Table();
    table.at.caller.hearPrompt(promptOfSamples(melodySamples()), true, null);
    table.clock.advance(200);
    table.at.caller.startGap();
    table.hear('caller', ['bot', 'agent']);
    table.clock.advance(300);
    assert.ok(table.at.caller.stopGap() <= 20);
    table.talk('bot');
    table.clock.advance(300);
    table.at.caller.startGap();
    table.hush('bot');
    table.clock.advance(400);
    const gapMs = table.at.caller.stopGap();
    assert.ok(gapMs > 300, `${gapMs} ms`);
  });

  it('what the mix holds yet is heard out where the one who is left speaks late', () => {
    const table = new Table();
    for (const name of NAMES) table.talk(name);
    table.hear('caller', ['bot', 'agent']);
    table.clock.advance(500);
    for (const name of NAMES) table.hush(name);
    const from = table.sent.caller.length;
    table.hear('caller', ['agent'], false);
    table.clock.advance(200);
    const sounding = table.sent.caller
      .slice(from)
      .filter((packet) => decodeG711(packet.subarray(12), 'PCMU').some((sample) => Math.abs(sample) > 1000));
    assert.ok(sounding.length >= 2, `${sounding.length} packets of 20 ms`);
    table.assertOneStream('caller');
  });
});
