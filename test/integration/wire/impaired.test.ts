import assert from 'node:assert/strict';
import { parseRtpPacket } from 'rtp-parser';
import type { DtmfKind } from '../../../src/call/project.js';
import { ToneSender } from '../../../src/media/worker/tone-sender.js';
import { until } from '../hostile/support/hostile-node.js';
import { MediaRig, portOf } from '../media/media-rig.js';
import { ImpairedHop, type Impairment } from './support/impaired-hop.js';
import { RtpEnd, type Arrived } from './support/rtp-end.js';
import { bothIn, pressesIn, toneIn } from './support/stream-reading.js';

const BAD: Impairment = { loss: 0.05, duplication: 0.05, jitterMs: 60, bursts: 0.005, burstLength: 3 };
const WITHIN_MS = 30_000;
const KEYS = '0123456789*#ABCD';

/** A party behind a bad network. */
interface Remote {
  readonly end: RtpEnd;
  readonly hop: ImpairedHop;
}

describe('media over a network that loses, reorders, doubles and delays', function () {
  this.timeout(60_000);
  let rig: MediaRig;
  let open: { close(): void }[];
  let seed = 20_261;

  beforeEach(async () => {
    rig = await MediaRig.start({ first: 38_100, last: 38_199 });
    open = [];
  });
  afterEach(async () => {
    for (const one of open) one.close();
    await rig.close();
  });

  async function remote(
    legId: string,
    hz: number,
    law: 'PCMA' | 'PCMU' = 'PCMA',
    options: { readonly dtmf?: DtmfKind; readonly impairment?: Impairment } = {},
  ): Promise<Remote> {
    const end = await RtpEnd.open(hz, law);
    const hop = await ImpairedHop.open(end.port, options.impairment ?? BAD, seed++);
    open.push(end, hop);
    const offer = end.sdp('sendrecv', 1, hop.port);
    hop.node = portOf(await rig.offer(legId, offer, { dtmf: options.dtmf ?? 'auto' }));
    end.to = hop.partySide;
    return { end, hop };
  }

  const passed = ({ hop }: Remote): number => hop.toNode.came - hop.toNode.lost;
  const heard = ({ end }: Remote, from = 0): readonly Arrived[] => end.rtp.slice(from);
  const has = (party: Remote, count: number): Promise<true> =>
    until('packets', WITHIN_MS, () => (party.end.rtp.length >= count ? true : undefined));
  const digits = (legId: string): string =>
    rig.events
      .flatMap((event) => (event.kind === 'dtmf' && event.legId === legId ? [event.digit] : []))
      .join('');

  /** What a stream must be though packets of it are missing, doubled and out of order. */
  function assertOneStream(packets: readonly Arrived[], source: number): void {
    const read = packets.map(({ packet }) => parseRtpPacket(packet));
    assert.equal(new Set(read.map(({ ssrc }) => ssrc)).size, 1);
    const numbers = new Map<number, string>();
    for (const { sequenceNumber, timestamp, payload } of read) {
      const what = `${timestamp} ${payload.toString('base64')}`;
      assert.equal(
        numbers.get(sequenceNumber) ?? what,
        what,
        `number ${sequenceNumber} stands for two packets`,
      );
      numbers.set(sequenceNumber, what);
    }
    const audio = read.filter(({ payloadType }) => payloadType === source);
    const offsets = new Set(audio.map((one) => (one.timestamp - one.sequenceNumber * 160) % (65_536 * 160)));
    assert.ok(offsets.size >= 1);
  }

  it('relays and transcodes: each tone is known at the other end, and the figures are those of the network', async () => {
    const [a, b] = [await remote('call.1', 500, 'PCMA'), await remote('call.2', 900, 'PCMU')];
    rig.bridge('call.1', 'call.2');
    a.end.speak(a.end.to);
    b.end.speak(b.end.to);
    await Promise.all([has(a, 260), has(b, 260)]);
    for (const [one, other, hz] of [
      [a, b, 900],
      [b, a, 500],
    ] as const) {
      const packets = heard(one);
      // Silence stands in until the other's first packet.
      assert.ok(
        toneIn(packets, hz, one.end.audioType) > 0.95,
        `${hz} Hz in ${toneIn(packets, hz, one.end.audioType)}`,
      );
      assertOneStream(packets, one.end.audioType);
      const through = passed(other) + other.hop.toNode.duplicated;
      assert.ok(
        one.hop.toParty.came > 0.97 * through,
        `${one.hop.toParty.came} of ${through} were passed on`,
      );
      assert.ok(one.hop.toParty.came < through + 25, 'and little was made up');
    }
    a.end.hush();
    b.end.hush();
    await new Promise((resolve) => setTimeout(resolve, BAD.jitterMs * 2));
    for (const [legId, party] of [
      ['call.1', a],
      ['call.2', b],
    ] as const) {
      const { stats } = await rig.closeLeg(legId);
      const { came, lost, duplicated } = party.hop.toNode;
      process.stdout.write(
        `      ${legId}: ${came} packets, ${lost} lost, ${duplicated} doubled; counted ${stats!.packetsLost} lost, jitter ${stats!.jitterMs} ms, MOS ${stats!.mos}\n`,
      );
      assert.equal(stats!.packetsReceived, came - lost + duplicated);
      // What was lost before the first packet or behind the last one is not known of.
      assert.ok(Math.abs(stats!.packetsLost! - lost) <= 3, `${stats!.packetsLost} for ${lost}`);
      // Two draws from 0 to 60 ms differ by 20 ms on average; a busy machine adds its own.
      assert.ok(stats!.jitterMs! > 8 && stats!.jitterMs! < 120, `jitter ${stats!.jitterMs}`);
      assert.ok(stats!.mos! < 4, `MOS ${stats!.mos}`);
    }
  });

  it('mixes three: each hears both others through its jitter buffer, and nobody itself', async () => {
    const parties = [await remote('call.1', 500), await remote('call.2', 900), await remote('call.3', 1300)];
    const legIds = ['call.1', 'call.2', 'call.3'];
    for (const legId of legIds) rig.hear(legId, { kind: 'mix', legIds });
    for (const { end } of parties) end.speak(end.to);
    await Promise.all(parties.map((party) => has(party, 25)));
    const from = parties.map(({ end }) => end.rtp.length);
    await Promise.all(parties.map((party, at) => has(party, from[at]! + 120)));
    const hz = [500, 900, 1300];
    for (const [at, party] of parties.entries()) {
      const [one = 0, other = 0] = hz.filter((_, index) => index !== at);
      const packets = heard(party, from[at]);
      const share = bothIn(packets, one, other);
      // Late by more than the buffer, or lost, in either of two: a frame has a hole.
      assert.ok(share > 0.55, `${one} and ${other} Hz together in ${share} of the frames`);
      assert.ok(toneIn(packets, hz[at]!) === 0, 'nobody hears itself');
      assertOneStream(packets, party.end.audioType);
    }
  });

  it('takes each press by RFC 4733 once, and passes it on once', async () => {
    const [a, b] = [await remote('call.1', 500), await remote('call.2', 900)];
    rig.bridge('call.1', 'call.2');
    a.end.speak(a.end.to);
    b.end.speak(b.end.to);
    await Promise.all([has(a, 10), has(b, 10)]);
    for (let event = 0; event < KEYS.length; event++) a.end.press(event);
    await until('every press', WITHIN_MS, () =>
      digits('call.1').length >= KEYS.length && a.end.idle ? true : undefined,
    );
    await has(b, b.end.rtp.length + 25);
    assert.equal(digits('call.1'), KEYS);
    assert.equal(pressesIn(heard(b)), KEYS);
  });

  it('takes a press by INFO and telephone-event once, whichever comes first, and passes it on once', async () => {
    const [a, b] = [await remote('call.1', 500), await remote('call.2', 900)];
    rig.bridge('call.1', 'call.2');
    a.end.speak(a.end.to);
    b.end.speak(b.end.to);
    await Promise.all([has(a, 10), has(b, 10)]);
    const byInfo = (key: string): void => {
      rig.do({ kind: 'sendDtmf', legId: 'call.2', digits: key, pressedOn: 'call.1' });
    };
    const afterwards = (): Promise<true> => has(b, b.end.rtp.length + 30);
    // INFO before the event, within it, and again for a press of which every packet is lost.
    byInfo('1');
    a.end.press(1, 12);
    await afterwards();
    a.end.press(2, 12);
    await until('the event', WITHIN_MS, () => (pressesIn(heard(b)).endsWith('2') ? true : undefined));
    byInfo('2');
    await afterwards();
    byInfo('3');
    await afterwards();
    a.end.press(4);
    a.end.press(4);
    await afterwards();
    assert.equal(pressesIn(heard(b)), '12344');
    assert.equal(digits('call.1'), '1244');
  });

  it('finds each press in the audio once, though its packets are lost, doubled and out of order', async () => {
    const [a, b] = [await remote('call.1', 500, 'PCMA', { dtmf: 'inband' }), await remote('call.2', 900)];
    rig.bridge('call.1', 'call.2');
    a.end.speak(a.end.to);
    b.end.speak(b.end.to);
    await Promise.all([has(a, 10), has(b, 10)]);
    const tones = new ToneSender();
    const frames: Buffer[] = [];
    const pressed = '159D*0#73';
    tones.enqueue(pressed);
    while (tones.busy) {
      const frame = Buffer.alloc(160);
      tones.next(frame, 0, 'PCMA');
      frames.push(frame);
    }
    a.end.say(frames);
    await until('every tone', WITHIN_MS, () => (a.end.idle ? true : undefined));
    await has(b, b.end.rtp.length + 30);
    assert.equal(digits('call.1'), pressed);
    assert.equal(pressesIn(heard(b)), pressed);
  });
});
