import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import type { MediaEvent, PacketSource } from '../../../src/call/media-port.js';
import { promptOfSamples } from '../../../src/media/prompt/prompt-audio.js';
import { Endpoint } from '../../../src/media/worker/endpoint.js';
import { Latch } from '../../../src/media/worker/latch.js';
import { rtpSequence } from '../../../src/rtp/packet.js';
import { toneSamples } from '../../../src/rtp/tone.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { endpointContext, plainSettings } from './endpoint-parts.js';

type Name = 'caller' | 'agent';
const NAMES: readonly Name[] = ['caller', 'agent'];
const MUSIC = promptOfSamples(toneSamples(400, 8000, 6000));

/** Caller and agent, joined, on endpoints without sockets. */
class Pair {
  readonly clock = new VirtualClock();
  readonly rtp: Record<Name, Buffer[]> = { caller: [], agent: [] };
  readonly rtcp: Record<Name, Buffer[]> = { caller: [], agent: [] };
  readonly events: MediaEvent[] = [];
  readonly at: Record<Name, Endpoint>;
  readonly #sequence: Record<Name, number> = { caller: 100, agent: 7000 };

  constructor() {
    const context = endpointContext(this.clock, 3);
    const socket = (sent: Buffer[]): Socket =>
      ({
        send: (packet: Buffer, at?: number, length?: number, port?: number): void => {
          sent.push(Buffer.from(port === undefined ? packet : packet.subarray(at, at! + length!)));
        },
      }) as unknown as Socket;
    const make = (name: Name, index: number): Endpoint => {
      const endpoint = new Endpoint('call', name, true, context, (event) => this.events.push(event));
      const [rtp, rtcp] = [socket(this.rtp[name]), socket(this.rtcp[name])];
      endpoint.attach({ rtpPort: 4000 + 2 * index, rtp, rtcp, close: () => undefined });
      endpoint.configure(plainSettings(5000 + 2 * index));
      return endpoint;
    };
    this.at = { caller: make('caller', 0), agent: make('agent', 1) };
    this.at.caller.listeners = [this.at.agent];
    this.at.agent.listeners = [this.at.caller];
    for (const name of NAMES) this.at[name].hearLeg();
    const check = (): void => {
      for (const name of NAMES) this.at[name].check(this.clock.now());
      this.clock.after(100, check);
    };
    check();
  }

  /** The party sends for so long: to us, or past us to the other party. */
  speak(names: readonly Name[], forMs: number, to: 'us' | 'past us' = 'us'): void {
    for (let at = 0; at < forMs; at += 20) {
      for (const name of names) {
        const sequence = this.#sequence[name]++;
        if (to === 'past us') continue;
        const packet = Buffer.alloc(172);
        packet[0] = 0x80;
        packet.writeUInt16BE(sequence, 2);
        packet.writeUInt32BE(sequence * 160, 4);
        packet.writeUInt32BE(NAMES.indexOf(name) + 1, 8);
        const port = 5000 + 2 * NAMES.indexOf(name);
        this.at[name].handlers.onRtp(packet, { address: '127.0.0.1', port, family: 'IPv4', size: 172 });
      }
      this.clock.advance(20);
    }
  }
  rest(on: boolean): void {
    for (const name of NAMES) this.at[name].rest(on);
  }
  counts(): number[] {
    return [this.rtp, this.rtcp].flatMap((sent) => NAMES.map((name) => sent[name].length));
  }
  assertOneStream(name: Name): void {
    const numbers = this.rtp[name].map(rtpSequence);
    numbers.forEach((number, index) => {
      if (index > 0) assert.equal(number, (numbers[index - 1]! + 1) & 0xffff, `packet ${index} to ${name}`);
    });
  }
}

describe('a leg whose party hears another one directly', () => {
  it('is sent nothing: no silence, no music, no RTCP, and nobody is told of silence', () => {
    const pair = new Pair();
    pair.speak(NAMES, 1_000);
    pair.rest(true);
    const before = pair.counts();
    pair.at.agent.hearPrompt(MUSIC, true, null);
    pair.speak(NAMES, 60_000, 'past us');
    assert.deepEqual(pair.counts(), before);
    assert.deepEqual(pair.events, []);
  });

  it('is sent what still comes for it', () => {
    const pair = new Pair();
    pair.speak(NAMES, 1_000);
    pair.rest(true);
    const before = pair.rtp.agent.length;
    pair.speak(['caller'], 100);
    assert.equal(pair.rtp.agent.length, before + 5);
    pair.assertOneStream('agent');
  });

  it('hears us at once when it is taken back, in the same stream without a hole', () => {
    const pair = new Pair();
    pair.speak(NAMES, 1_000);
    pair.rest(true);
    pair.speak(NAMES, 30_000, 'past us');
    // The first packets are here before the answer is.
    pair.speak(['caller'], 60);
    pair.rest(false);
    pair.speak(NAMES, 1_000);
    for (const name of NAMES) pair.assertOneStream(name);
    const sent = pair.rtp.agent.length;
    pair.at.agent.hearPrompt(MUSIC, true, null);
    pair.speak([], 200);
    assert.ok(pair.rtp.agent.length >= sent + 9);
  });

  it('its figures leave out what went past us', () => {
    const pair = new Pair();
    pair.speak(NAMES, 1_000);
    pair.rest(true);
    pair.speak(NAMES, 100);
    pair.speak(NAMES, 30_000, 'past us');
    pair.speak(NAMES, 60);
    pair.rest(false);
    pair.speak(NAMES, 1_000);
    const { packetsLost, packetsReceived, mos } = pair.at.caller.close();
    assert.deepEqual([packetsLost, packetsReceived], [0, 108]);
    assert.ok(mos !== null && mos > 4, String(mos));
  });

  it('a digit for it waits until it hears us', () => {
    const pair = new Pair();
    pair.speak(NAMES, 1_000);
    pair.rest(true);
    const before = pair.rtp.agent.length;
    pair.at.agent.sendDtmf('5');
    pair.speak([], 500);
    assert.equal(pair.rtp.agent.length, before);
    pair.rest(false);
    pair.speak([], 500);
    const events = pair.rtp.agent.slice(before).filter((packet) => (packet[1]! & 0x7f) === 101);
    assert.ok(events.length > 3);
  });

  it('one-way audio is looked for anew afterwards', () => {
    const pair = new Pair();
    pair.speak(NAMES, 1_000);
    pair.rest(true);
    pair.speak(NAMES, 30_000, 'past us');
    pair.rest(false);
    pair.speak(['caller'], 9_000);
    assert.equal(pair.events.length, 0);
    pair.speak(['caller'], 2_000);
    assert.deepEqual(
      pair.events.map(({ kind }) => kind),
      ['oneWayAudio'],
    );
  });

  it('says goodbye by RTCP only to who hears us', () => {
    const [resting, awake] = [new Pair(), new Pair()];
    for (const pair of [resting, awake]) pair.speak(NAMES, 200);
    resting.rest(true);
    for (const pair of [resting, awake]) pair.at.caller.close();
    assert.deepEqual([resting.rtcp.caller.length, awake.rtcp.caller.length], [0, 1]);
  });
});

describe('from where a party sends', () => {
  const source = (symmetric: boolean, packets: readonly [string, number, number][]): PacketSource => {
    const latch = new Latch(symmetric);
    latch.signal({ address: '192.0.2.1', port: 4000 }, 0);
    for (const [address, port, atMs] of packets) latch.judge(address, port, atMs);
    return latch.source;
  };

  it('is known once its packets are taken', () => {
    assert.equal(new Latch(true).source, 'nothing');
    assert.equal(source(true, []), 'nothing');
    assert.equal(source(true, [['192.0.2.1', 4000, 0]]), 'as_signalled');
  });

  it('is elsewhere for another address or port, also before that one is taken', () => {
    assert.equal(source(true, [['203.0.113.1', 4000, 0]]), 'elsewhere');
    assert.equal(
      source(true, [
        ['192.0.2.1', 4001, 0],
        ['192.0.2.1', 4001, 200],
      ]),
      'elsewhere',
    );
  });

  it('a stranger cannot take the place of a party that sends past us', () => {
    const latch = new Latch(true);
    latch.signal({ address: '192.0.2.1', port: 4000 }, 0);
    latch.signalledOnly = true;
    for (const atMs of [0, 200, 400]) assert.equal(latch.judge('203.0.113.1', 9, atMs), 'reject');
    assert.equal(latch.judge('192.0.2.1', 4000, 500), 'accept');
  });

  it('is what the trunk says where no other address is taken', () => {
    assert.equal(source(false, []), 'as_signalled');
  });
});
