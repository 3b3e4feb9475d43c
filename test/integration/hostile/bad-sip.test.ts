import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { RawUa } from '../../conformance/drachtio/support/raw-ua.js';
import { header, headers, status } from '../../conformance/drachtio/support/sip-text.js';
import { HostileNode, LEVEL } from './support/hostile-node.js';
import { answerTo, establish, hangUp, Peer, type Talk } from './support/talk.js';

const BAD_MESSAGES = 'relevo_sip_bad_messages_total';
const REFUSED = 'relevo_calls_refused_total';

/** What one TCP connection got, until the node closed it or `enough` holds. */
async function tcpExchange(
  port: number,
  bytes: string | Buffer,
  enough: (text: string) => boolean,
): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let text = '';
  const over = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (enough(text)) resolve();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => resolve());
  });
  socket.write(bytes);
  await over;
  socket.destroy();
  return text;
}

describe('Hostile SIP while another call is up', function () {
  this.timeout(60_000);
  let node: HostileNode;
  let bot: Peer;
  let caller: Peer;
  let rude: Peer;
  let talk: Talk;

  before(async () => {
    node = await HostileNode.start();
    bot = await Peer.open(node, node.botPort);
    caller = await Peer.open(node);
    rude = await Peer.open(node);
    talk = await establish(node, caller, bot);
  });

  after(async () => {
    const alive = node.alive;
    await hangUp(talk);
    const { endedBy } = await node.call(talk.sipCallId, (call) => call.endedAt !== null);
    for (const peer of [bot, caller, rude]) peer.close();
    await node.close();
    assert.deepEqual(
      { alive, endedBy },
      { alive: true, endedBy: 'caller' },
      'the call in progress was untouched',
    );
  });

  /** A good request; its answer proves that everything sent before it has been dealt with. */
  const stillServes = async (): Promise<void> => {
    const options = rude.ua.request('OPTIONS');
    rude.ua.send(options);
    assert.equal(status(await answerTo(rude, options)), 200);
  };

  it('answers 400 to what can be answered, drops the rest, logs the source once, and counts each', async () => {
    const good = (): string => rude.ua.request('OPTIONS');
    const dropped: (string | Buffer)[] = [
      'HELLO\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      good().replace(/^Via: .*\r\n/m, ''),
      good().replace(/^Call-ID: .*\r\n/m, ''),
      randomBytes(600),
      Buffer.alloc(900),
      good().slice(0, 60),
      'SIP/2.0 abc Strange\r\n\r\n',
    ];
    for (const one of dropped) rude.ua.send(one);
    const answered: [string, number][] = [
      [good().replace(/^CSeq: .*$/m, 'CSeq: none OPTIONS'), 400],
      [good().replace(/^CSeq: 1 OPTIONS$/m, 'CSeq: 1 INVITE'), 400],
      [good().replace(/ SIP\/2\.0\r/, ' SIP/7.0\r'), 505],
      [good().replace(/^Content-Length: 0$/m, 'Content-Length: 50'), 400],
      [good().replace(/^OPTIONS sip:/, 'OPTIONS mailto:'), 416],
    ];
    for (const [message, wanted] of answered) {
      rude.ua.send(message);
      const id = header(message, 'Call-ID');
      const got = await rude.ua.next(
        `${wanted} to ${message}`,
        (one) => status(one) > 0 && headers(one, 'Call-ID')[0] === id,
      );
      assert.equal(status(got), wanted, message);
    }
    await stillServes();
    await node.metric(BAD_MESSAGES, '', (value) => value >= dropped.length + answered.length - 1);
    await node.logged(({ msg }) => /malformed SIP/.test(msg));
    const lines = node.log.filter(({ msg, level }) => level >= LEVEL.warn && /malformed SIP/.test(msg));
    assert.equal(lines.length, 1, JSON.stringify(lines));
  });

  it('takes headers of 100 kB for an attack: over UDP they do not fit, over TCP the connection is closed', async () => {
    const before = await node.metric(BAD_MESSAGES, '', () => true);
    const huge = rude.ua.request('OPTIONS', [`X-Padding: ${'x'.repeat(50_000)}`]);
    rude.ua.send(huge);
    const over = await tcpExchange(
      node.sipPort,
      rude.ua.request('OPTIONS', [`X-Padding: ${'x'.repeat(100_000)}`]),
      () => false,
    );
    assert.equal(over, '');
    await stillServes();
    await node.metric(BAD_MESSAGES, '', (value) => value >= before + 2);
  });

  it('closes a TCP connection whose Content-Length is wrong, and answers keep-alives', async () => {
    const options = (): string => rude.ua.request('OPTIONS').replace('SIP/2.0/UDP', 'SIP/2.0/TCP');
    const wrong = options().replace(/^Content-Length: 0$/m, 'Content-Length: -5');
    assert.equal(await tcpExchange(node.sipPort, wrong, () => false), '');
    assert.equal(await tcpExchange(node.sipPort, '\r\n\r\n', (text) => text.length >= 2), '\r\n');
    const tooShort = options().replace(/^Content-Length: 0$/m, 'Content-Length: 4');
    // The next message's first bytes are taken for the body; what is left is noise, and the connection is of no use.
    const mixed = await tcpExchange(node.sipPort, `${tooShort}${options()}`, (text) =>
      /^SIP\/2\.0 200/.test(text),
    );
    assert.match(mixed, /^SIP\/2\.0 200/);
    await stillServes();
  });

  it('ignores lone CRLF over UDP without a word', async () => {
    // A reading of the metrics is at most a second old.
    const reading = async (): Promise<number> => {
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      return node.metric(BAD_MESSAGES, '', () => true);
    };
    const before = await reading();
    for (const nothing of ['\r\n', '\r\n\r\n', '\0\0\0\0']) rude.ua.send(nothing);
    await stillServes();
    assert.equal(await reading(), before);
  });

  it('says in OPTIONS what it can do, and no more', async () => {
    const options = rude.ua.request('OPTIONS');
    rude.ua.send(options);
    const answer = await answerTo(rude, options);
    assert.equal(header(answer, 'Supported'), '100rel, replaces, timer');
    assert.match(header(answer, 'Allow'), /INVITE.*REFER/);
  });

  for (const [name, wanted] of [
    ['FROBNICATE', 501],
    ['REGISTER', 405],
    ['MESSAGE', 405],
    ['SUBSCRIBE', 405],
    ['REFER', 403],
    ['BYE', 481],
    ['INFO', 481],
    ['NOTIFY', 481],
    ['PRACK', 481],
    ['UPDATE', 481],
  ] as const) {
    it(`answers ${name} outside a dialog with ${wanted}`, async () => {
      const request = rude.ua.request(name);
      rude.ua.send(request);
      const answer = await answerTo(rude, request);
      assert.equal(status(answer), wanted, answer);
      if (wanted === 405) assert.match(header(answer, 'Allow'), /INVITE/);
    });
  }

  it('drops an ACK, a CANCEL and a response that belong to nothing', async () => {
    rude.ua.send(rude.ua.request('ACK'));
    const cancel = rude.ua.request('CANCEL');
    rude.ua.send(cancel);
    assert.equal(status(await answerTo(rude, cancel)), 481);
    rude.ua.send(rude.ua.response(rude.ua.request('INVITE'), 200, 'OK'));
    await stillServes();
  });

  it('refuses an unknown number with 404, counted, in one log line for many', async () => {
    for (let time = 0; time < 3; time++) {
      const invite = rude.ua.request('INVITE', [], rude.sdp, `sip:999@127.0.0.1:${node.sipPort}`);
      rude.ua.send(invite);
      const answer = await answerTo(rude, invite);
      assert.equal(status(answer), 404);
      rude.ua.send(rude.ua.sameHop('ACK', invite, header(answer, 'To')));
    }
    await node.metric(REFUSED, 'unknown_number', (value) => value === 3);
    await node.logged(({ code }) => code === 'unknown_number');
    assert.equal(node.log.filter(({ code }) => code === 'unknown_number').length, 1);
  });

  it('refuses a source that no trunk allows with 403, counted, in one log line for many', async () => {
    const stranger = await RawUa.open(node.sipPort, 0, '127.0.0.2');
    for (let time = 0; time < 3; time++) {
      const invite = stranger.request('INVITE', [], rude.sdp, `sip:1000@127.0.0.1:${node.sipPort}`);
      stranger.send(invite);
      const answer = await stranger.nextResponse(403, 'INVITE');
      stranger.send(stranger.sameHop('ACK', invite, header(answer, 'To')));
    }
    stranger.close();
    await node.metric(REFUSED, 'source_not_allowed', (value) => value === 3);
    await node.logged(({ code }) => code === 'source_not_allowed');
    assert.equal(node.log.filter(({ code }) => code === 'source_not_allowed').length, 1);
  });

  it('refuses what an INVITE may not lack or require', async () => {
    const to = `sip:1000@127.0.0.1:${node.sipPort}`;
    const cases: [string, number][] = [
      [rude.ua.request('INVITE', [], rude.sdp, to).replace(/^Contact: .*\r\n/m, ''), 400],
      [rude.ua.request('INVITE', ['Require: telepathy'], rude.sdp, to), 420],
      [rude.ua.request('INVITE', ['Require: gruu'], rude.sdp, to), 420],
      [rude.ua.request('INVITE', ['Replaces: nonsense'], rude.sdp, to), 400],
      [rude.ua.request('INVITE', [], rude.sdp, to).replace('application/sdp', 'text/html'), 415],
      [rude.ua.request('INVITE', [], rude.sdp, to).replace('Max-Forwards: 70', 'Max-Forwards: 0'), 483],
    ];
    for (const [invite, wanted] of cases) {
      rude.ua.send(invite);
      const answer = await answerTo(rude, invite);
      assert.equal(status(answer), wanted, invite);
      rude.ua.send(rude.ua.sameHop('ACK', invite, header(answer, 'To')));
    }
  });
});
