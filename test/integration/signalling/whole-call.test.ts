import assert from 'node:assert/strict';
import type { CallRecord } from '../../../src/call/call-record.js';
import type { MediaCommand, MediaEvent } from '../../../src/call/media-port.js';
import { realClock } from '../../../src/common/clock.js';
import { createLogger } from '../../../src/common/log.js';
import { secureRandom } from '../../../src/common/random.js';
import { SignallingNode, type NodeMedia } from '../../../src/signalling/signalling-node.js';
import { Fixture, SECRET } from '../../conformance/drachtio/support/fixture.js';
import type { RawUa } from '../../conformance/drachtio/support/raw-ua.js';
import { body, SDP } from '../../conformance/drachtio/support/sip-text.js';
import { plan } from './support/plan.js';

/** Media that agrees to everything at once and carries nothing. */
function agreeableMedia(onEvent: (callId: string, event: MediaEvent) => void, open: Set<string>): NodeMedia {
  const direction = 'sendrecv';
  const answer = (command: MediaCommand): MediaEvent | null => {
    const { legId } = command;
    switch (command.kind) {
      case 'makeOffer':
      case 'makeAnswer':
        open.add(legId);
        return { kind: 'localSdp', legId, requestId: command.requestId, sdp: SDP, direction };
      case 'takeAnswer':
        return { kind: 'mediaReady', legId, requestId: command.requestId, direction };
      case 'stopGap':
        return { kind: 'gap', legId, requestId: command.requestId, gapMs: 0 };
      case 'close':
        open.delete(legId);
        return { kind: 'closed', legId, stats: null };
      default:
        return null;
    }
  };
  return {
    execute: (callId, command) => {
      const event = answer(command);
      if (event) setImmediate(() => onEvent(callId, event));
    },
    callEnded: () => undefined,
    attachWorker: () => undefined,
    preload: () => undefined,
    close: () => undefined,
  };
}

describe('a whole call on the signalling thread', () => {
  let engine: Fixture;
  let caller: RawUa;
  let bot: RawUa;
  let node: SignallingNode;
  let records: CallRecord[];
  let ended: Promise<void>;
  const openMedia = new Set<string>();

  beforeEach(async () => {
    engine = await Fixture.start();
    caller = await engine.ua();
    bot = await engine.ua();
    records = [];
    let onConnected: () => void = () => undefined;
    let onEnded: () => void = () => undefined;
    const connected = new Promise<void>((resolve) => (onConnected = resolve));
    ended = new Promise((resolve) => (onEnded = resolve));
    node = new SignallingNode({
      control: { host: '127.0.0.1', port: engine.engine.controlPort, secret: SECRET },
      plan: plan(`sip:bot@127.0.0.1:${bot.port}`),
      clock: realClock,
      random: secureRandom(),
      log: createLogger('signalling', 'silent'),
      post: (message) => {
        if (message.kind === 'controlServer' && message.connected) onConnected();
        if (message.kind !== 'records') return;
        records.push(...message.records);
        if (records.some(({ kind }) => kind === 'call.ended')) onEnded();
      },
      makeMedia: (onEvent) => agreeableMedia(onEvent, openMedia),
      farewellMs: 200,
    });
    node.start();
    await connected;
  });
  afterEach(async () => {
    await node.close();
    await engine.close();
    assert.equal(node.legs, 0);
    assert.equal(openMedia.size, 0);
  });

  it('rings, is answered by the bot, and ends with the BYE of the caller', async () => {
    caller.send(caller.invite());
    const invite = await bot.nextRequest('INVITE');
    assert.match(body(invite), /^v=0/);
    bot.send(bot.response(invite, 180, 'Ringing'));
    bot.send(bot.response(invite, 200, 'OK', 'btag', [], SDP));
    await bot.nextRequest('ACK');
    const ok = await caller.nextResponse(200, 'INVITE');
    assert.match(body(ok), /^v=0/);
    caller.send(caller.inDialog('ACK', 1, ok));
    caller.send(caller.inDialog('BYE', 2, ok));
    await caller.nextResponse(200, 'BYE');
    bot.send(bot.response(await bot.nextRequest('BYE'), 200, 'OK'));
    await ended;
    const end = records.find((record) => record.kind === 'call.ended');
    assert.equal(end?.endedBy, 'caller');
  });

  it('ends with a CANCEL of the caller while the bot rings', async () => {
    const invite = caller.invite();
    caller.send(invite);
    const inviteBot = await bot.nextRequest('INVITE');
    bot.send(bot.response(inviteBot, 180, 'Ringing'));
    caller.send(caller.sameHop('CANCEL', invite));
    await caller.nextResponse(487, 'INVITE');
    bot.send(bot.response(await bot.nextRequest('CANCEL'), 200, 'OK'));
    bot.send(bot.response(inviteBot, 487, 'Request Terminated'));
    await ended;
  });
});
