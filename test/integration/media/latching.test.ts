import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { MediaRig } from './media-rig.js';
import { rtp, type Phone } from './phone.js';

const VOICE = Buffer.alloc(160, 0x11);
const STRANGE = Buffer.alloc(160, 0x22);

/** Sends `payload` every 20 ms until `done` resolves. */
async function while20ms<T>(send: () => void, done: Promise<T>): Promise<T> {
  const timer = setInterval(send, 20);
  try {
    return await done;
  } finally {
    clearInterval(timer);
  }
}

describe('media latching', () => {
  let rig: MediaRig;
  let listener: Phone;
  beforeEach(async () => {
    rig = await MediaRig.start();
    listener = await rig.phone();
    await rig.leg('call.2', listener);
  });
  afterEach(() => rig.close());

  const fromParty = (): Promise<unknown> => listener.hearsOne((packet) => packet.payload.equals(VOICE));

  it('drops a stranger that comes first, takes the signalled source, and counts what was dropped', async () => {
    const [party, stranger] = [await rig.phone(), await rig.phone()];
    const to = await rig.leg('call.1', party, { symmetricRtp: true });
    rig.bridge('call.1', 'call.2');
    stranger.say(to, STRANGE);
    stranger.say(to, STRANGE);
    await while20ms(() => {
      party.say(to, VOICE);
      stranger.say(to, STRANGE);
    }, fromParty());
    await while20ms(
      () => {
        party.say(to, VOICE);
        stranger.say(to, STRANGE);
      },
      listener.hears(listener.heard.length + 10),
    );
    assert.ok(!listener.heard.some((packet) => packet.payload.equals(STRANGE)));
    const { stats } = await rig.closeLeg('call.1');
    assert.ok(stats!.packetsRejected >= 8, JSON.stringify(stats));
  });

  it('follows a peer behind NAT to the address that it sends from, and stays there', async () => {
    const [party, stranger, decoy] = [await rig.phone(), await rig.phone(), await rig.phone()];
    const to = await rig.leg('call.1', party, { symmetricRtp: true, signalledPort: decoy.port });
    rig.bridge('call.1', 'call.2');
    rig.hear('call.1', { kind: 'silence' });
    await while20ms(() => party.say(to, VOICE), fromParty());
    const from = party.heard.length;
    await while20ms(() => stranger.say(to, STRANGE), party.hears(from + 15));
    assert.equal(stranger.heard.length, 0);
    assert.ok(!listener.heard.some((packet) => packet.payload.equals(STRANGE)));
  });

  it('does not follow another address where symmetric RTP is off', async () => {
    const [party, stranger] = [await rig.phone(), await rig.phone()];
    const to = await rig.leg('call.1', party);
    rig.bridge('call.1', 'call.2');
    rig.hear('call.1', { kind: 'silence' });
    await while20ms(() => stranger.say(to, STRANGE), party.hears(15));
    assert.equal(stranger.heard.length, 0);
  });

  it('moves when signalling moves the peer', async () => {
    const [before, after] = [await rig.phone(), await rig.phone()];
    const to = await rig.leg('call.1', before, { symmetricRtp: true });
    rig.bridge('call.1', 'call.2');
    await while20ms(() => before.say(to, VOICE), fromParty());
    await rig.leg('call.1', after, { symmetricRtp: true });
    const moved = listener.hearsOne((packet) => packet.payload.equals(STRANGE));
    await while20ms(() => {
      before.say(to, VOICE);
      after.say(to, STRANGE);
    }, moved);
    rig.hear('call.1', { kind: 'silence' });
    await after.hears(2);
  });

  it('survives hostile packets and counts them', async () => {
    const party = await rig.phone();
    const to = await rig.leg('call.1', party);
    rig.bridge('call.1', 'call.2');
    await while20ms(() => party.say(to, VOICE), fromParty());
    const good = rtp(0, 1, 1, party.ssrc, VOICE);
    const lies = [
      Buffer.alloc(0),
      good.subarray(0, 11),
      mutated(good, 0, 0x40),
      mutated(good.subarray(0, 20), 0, 0x8f),
      mutated(good, 0, 0x90, [14, 0xff], [15, 0xff]),
      mutated(good, 0, 0xa0, [171, 0]),
      mutated(good, 0, 0xa0, [171, 255]),
      mutated(good, 1, 97),
    ];
    for (const packet of lies) party.socket.send(packet, to, '127.0.0.1');
    for (let i = 0; i < 300; i++) party.socket.send(randomBytes(i % 60), to + (i % 2), '127.0.0.1');
    await while20ms(() => party.say(to, VOICE), fromParty());
    const { stats } = await rig.closeLeg('call.1');
    assert.ok(stats!.packetsRejected >= lies.length - 1, JSON.stringify(stats));
  });
});

function mutated(packet: Buffer, at: number, value: number, ...more: readonly [number, number][]): Buffer {
  const copy = Buffer.from(packet);
  copy[at] = value;
  for (const [offset, other] of more) copy[offset] = other;
  return copy;
}
