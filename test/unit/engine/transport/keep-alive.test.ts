import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { isStun, parseStun, stunRequest, stunSuccess } from '../../../../src/engine/transport/stun.js';
import { Fixture } from '../../../conformance/drachtio/support/fixture.js';
import { compose, header } from '../../../conformance/drachtio/support/sip-text.js';
import { until } from '../../../conformance/drachtio/support/until.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import type { KeepAliveOptions } from '../../../../src/engine/engine-options.js';
import type { RawClient } from '../../../conformance/drachtio/support/raw-client.js';
import { options, Peer } from './peer.js';

const ID = Buffer.from('0102030405060708090a0b0c', 'hex');

function answerTo(request: string, code = 200): string {
  return compose([
    `SIP/2.0 ${code} Whatever`,
    `Via: ${header(request, 'Via')}`,
    `From: ${header(request, 'From')}`,
    `To: ${header(request, 'To')};tag=b`,
    `Call-ID: ${header(request, 'Call-ID')}`,
    `CSeq: ${header(request, 'CSeq')}`,
  ]);
}

describe('Keep-alives that the engine sends (RFC 5626)', () => {
  const open: { close(): unknown }[] = [];
  let clock: VirtualClock;

  beforeEach(() => {
    clock = new VirtualClock();
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const start = async (keepAlive: KeepAliveOptions): Promise<Fixture> => {
    const fixture = await Fixture.start({ keepAlive }, clock);
    open.push(fixture);
    return fixture;
  };

  describe('double CRLFs on a TCP connection of ours (4.4.1)', () => {
    const listening = async (): Promise<{ port: number; next: () => Promise<Peer> }> => {
      const server = createServer();
      const waiting: Peer[] = [];
      server.on('connection', (socket) => waiting.push(Peer.ofSocket(socket)));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      open.push({
        close: () => {
          for (const peer of waiting) peer.close();
          server.close();
        },
      });
      let taken = 0;
      return {
        port: (server.address() as AddressInfo).port,
        next: async () => {
          await until(() => waiting.length > taken, 'connection');
          return waiting[taken++]!;
        },
      };
    };

    const connected = async (
      keepAlive: KeepAliveOptions,
    ): Promise<{ fixture: Fixture; peer: Peer; redial: () => Promise<Peer> }> => {
      const fixture = await start(keepAlive);
      const app = await fixture.raw();
      const { port, next } = await listening();
      const dial = async (): Promise<Peer> => {
        app.send('sip||', compose([`OPTIONS sip:b@127.0.0.1:${port};transport=tcp SIP/2.0`]));
        const peer = await next();
        peer.write(answerTo(await peer.next(/\r\n\r\n$/)));
        await app.nextSip('SIP/2.0 200');
        return peer;
      };
      return { fixture, peer: await dial(), redial: dial };
    };

    /** Answers a keep-alive; resolves when the engine has read that. */
    const pong = async (peer: Peer): Promise<void> => {
      peer.write(`\r\n${options('tcp', '127.0.0.1')}`);
      await peer.next(/^SIP\/2\.0 200/);
    };

    /** A request on the connection that the peer leaves unanswered. */
    const unanswered = async (app: RawClient, peer: Peer): Promise<void> => {
      app.send('sip||', compose([`OPTIONS sip:c@127.0.0.1:${peer.localPort};transport=tcp SIP/2.0`]));
      await peer.next(/OPTIONS sip:c/);
    };

    it('go out within the interval, and the answer keeps the connection', async () => {
      const { fixture, peer } = await connected({ streamMs: 20_000, pongMs: 5_000 });
      clock.advance(15_900);
      assert.equal(peer.text, '', 'not in the first four fifths');
      clock.advance(4_100);
      assert.equal(await peer.next(/^\r\n\r\n$/), '\r\n\r\n');
      await pong(peer);
      clock.advance(5_000);
      assert.equal(fixture.engine.stats().tcpConnections, 1);
      assert.equal(fixture.engine.stats().keepAlivesSent, 1);
    });

    it('a peer that has answered and does so no more loses the connection, and requests on it fail', async () => {
      const { fixture, peer, redial } = await connected({ streamMs: 20_000, pongMs: 5_000 });
      const app = await fixture.raw();
      clock.advance(20_000);
      await peer.next(/^\r\n\r\n$/);
      await pong(peer);
      clock.advance(20_000);
      await peer.next(/^\r\n\r\n$/);
      await unanswered(app, peer);
      clock.advance(5_000);
      await peer.closed;
      await app.nextSip('SIP/2.0 503');
      assert.equal(fixture.engine.stats().pathsSilent, 1);
      assert.notEqual(await redial(), peer, 'a new connection is opened');
    });

    it('a peer that never answers keeps its connection, unless answers are required', async () => {
      const { fixture, peer } = await connected({ streamMs: 20_000, pongMs: 5_000 });
      clock.advance(20_000);
      await peer.next(/^\r\n\r\n$/);
      clock.advance(5_000);
      assert.equal(fixture.engine.stats().tcpConnections, 1);
      peer.close();
      const strict = await connected({ streamMs: 20_000, pongMs: 5_000, pongRequired: true });
      clock.advance(20_000);
      await strict.peer.next(/^\r\n\r\n$/);
      clock.advance(5_000);
      await strict.peer.closed;
    });

    it('a connection that the peer closes fails the requests that wait on it', async () => {
      const { fixture, peer } = await connected({});
      const app = await fixture.raw();
      await unanswered(app, peer);
      peer.close();
      await app.nextSip('SIP/2.0 503');
    });
  });

  describe('over UDP (4.4.2)', () => {
    const datagrams = async (
      answer: (raw: Buffer, send: (text: string | Buffer) => void) => void,
    ): Promise<Socket> => {
      const socket = createSocket('udp4');
      socket.on('message', (raw, from) => {
        answer(raw, (text) => {
          socket.send(text, from.port, from.address);
        });
      });
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      open.push(socket);
      return socket;
    };

    it('CRLFs go to those to whom requests have gone, from the same port', async () => {
      const seen: string[] = [];
      const peer = await datagrams((raw, send) => {
        const text = raw.toString();
        if (text.startsWith('OPTIONS')) send(answerTo(text));
        else seen.push(text);
      });
      const fixture = await start({ udp: 'crlf', udpMs: 29_000 });
      const app = await fixture.raw();
      app.send('sip||', compose([`OPTIONS sip:b@127.0.0.1:${peer.address().port} SIP/2.0`]));
      await app.nextSip('SIP/2.0 200');
      clock.advance(23_000);
      assert.equal(fixture.engine.stats().keepAlivesSent, 0);
      clock.advance(6_000);
      await until(() => seen.length === 1, 'a keep-alive');
      assert.deepEqual(seen, ['\r\n\r\n']);
      for (let round = 0; round < 130; round++) clock.advance(29_000);
      const { keepAlivesSent } = fixture.engine.stats();
      for (let round = 0; round < 5; round++) clock.advance(29_000);
      assert.equal(
        fixture.engine.stats().keepAlivesSent,
        keepAlivesSent,
        'none after an hour without a request',
      );
    });

    it('STUN is sent, and a target that ceases to answer it is given up', async () => {
      let answers = true;
      let asked = 0;
      const peer = await datagrams((raw, send) => {
        if (!isStun(raw)) {
          send(answerTo(raw.toString()));
          return;
        }
        asked++;
        const request = parseStun(raw);
        if (answers && request) send(stunSuccess(request.id, { address: '203.0.113.9', port: 4444 }));
      });
      const fixture = await start({ udp: 'stun', udpMs: 20_000 });
      const app = await fixture.raw();
      app.send('sip||', compose([`OPTIONS sip:b@127.0.0.1:${peer.address().port} SIP/2.0`]));
      await app.nextSip('SIP/2.0 200');
      const round = async (): Promise<void> => {
        const before = asked;
        clock.advance(20_000);
        await until(() => asked > before, 'a STUN request');
        await fixture.settled();
      };
      await round();
      await round();
      answers = false;
      await round();
      await round();
      await round();
      assert.equal(fixture.engine.stats().pathsSilent, 0, 'two silent rounds');
      await round();
      assert.equal(fixture.engine.stats().pathsSilent, 1);
    });

    it('STUN of a client is answered with the address that it comes from (8)', async () => {
      const fixture = await start({});
      const answers: Buffer[] = [];
      const client = await datagrams((raw) => answers.push(raw));
      client.send(stunRequest(ID), fixture.udpPort, '127.0.0.1');
      await until(() => answers.length === 1, 'an answer');
      const answer = asSuccess(answers[0]!);
      assert.deepEqual(answer?.id, ID);
      assert.deepEqual(answer.mapped, { address: '127.0.0.1', port: client.address().port });
      assert.equal(fixture.engine.stats().received, 0, 'it is no SIP message');
    });

    it('reads and writes IPv6 addresses, and takes no nonsense', () => {
      const written = stunSuccess(ID, { address: '2001:db8::9:255', port: 5060 });
      assert.deepEqual(asSuccess(written)?.mapped, { address: '2001:db8:0:0:0:0:9:255', port: 5060 });
      assert.equal(parseStun(written.subarray(0, 30)), undefined);
      assert.equal(parseStun(Buffer.from('\r\n\r\n')), undefined);
      const broken = Buffer.from(written);
      broken.writeUInt16BE(60_000, 22);
      assert.equal(asSuccess(broken)?.mapped, undefined);
    });
  });
});

function asSuccess(raw: Buffer) {
  const message = parseStun(raw);
  return message?.kind === 'success' ? message : undefined;
}
