import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { parseMessage } from '../../../src/sip/parse-message.js';
import { parseSipUri } from '../../../src/sip/uri.js';
import { Fixture } from '../drachtio/support/fixture.js';
import { compose, headers, status } from '../drachtio/support/sip-text.js';
import { until } from '../drachtio/support/until.js';
import { options } from '../../unit/engine/transport/peer.js';

const FOLDER = 'test/fixtures/torture/ipv6/';

/** The final status of each message; 200 where it is for the application, which takes all that it is given. */
const VERDICTS = JSON.parse(readFileSync(`${FOLDER}verdicts.json`, 'utf8')) as Record<string, number>;

const read = (name: string): Buffer => readFileSync(`${FOLDER}${name}.sip`);

async function hasIpv6(): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => {
      resolve(false);
    });
    server.listen(0, '::1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

describe('torture messages after RFC 5118 (IPv6), each over UDP to a running engine on [::1]', () => {
  let fixture: Fixture;
  let peer: Socket;
  const sent: string[] = [];
  const answers: string[] = [];
  let running = true;

  before(async function () {
    if (!(await hasIpv6())) {
      process.stdout.write('  this machine has no IPv6 loopback: skipped\n');
      this.skip();
    }
    fixture = await Fixture.start({ listen: [{ transport: 'udp', address: '::1', port: 0 }] });
    // Where there is no rport answers go to the port of Via, which is not ours: the tap shows them.
    fixture.engine.onMessage(({ direction, raw }) => {
      if (direction === 'out') sent.push(raw.toString('latin1'));
    });
    peer = createSocket('udp6');
    peer.on('message', (raw) => answers.push(raw.toString()));
    peer.bind(0, '::1');
    await once(peer, 'listening');
    const app = await fixture.raw(['invite', 'register', 'options']);
    const serve = (): void => {
      app
        .next('request', ({ tokens, sip }) => tokens[1] === 'sip' && !sip.startsWith('SIP/'))
        .then(
          ({ tokens }) => {
            app.send(`sip|${tokens[8]!}|`, compose(['SIP/2.0 200 OK']));
            serve();
          },
          () => {
            if (running) serve();
          },
        );
    };
    serve();
  });
  after(async () => {
    running = false;
    peer.close();
    await fixture.close();
  });

  for (const [name, verdict] of Object.entries(VERDICTS))
    it(`${name}: ${verdict}`, async () => {
      sent.length = 0;
      answers.length = 0;
      peer.send(read(name), fixture.udpPort, '::1');
      const final = (): string | undefined =>
        sent.find((one) => status(one) >= 200 && headers(one, 'Call-ID')[0] === `rfc5118-${name}`);
      await until(() => final() !== undefined, 'a final answer');
      assert.equal(status(final()!), verdict);
      // RFC 3261 18.2.1: what the peer wrote is replaced by where it came from, without brackets.
      assert.match(headers(final()!, 'Via')[0]!, /;received=::1(?:;|$)/);
      assert.equal(
        headers(final()!, 'Via').length,
        read(name).toString('latin1').split('\r\nVia:').length - 1,
      );
      // It answers an ordinary request as ever.
      peer.send(options('udp', '[::1]'), fixture.udpPort, '::1');
      await until(() => answers.some((one) => status(one) === 200), 'an answer to OPTIONS');
    });

  const uriOf = (name: string) => {
    const result = parseMessage(read(name));
    assert.ok(result.ok && result.message.kind === 'request');
    return parseSipUri(result.message.uri);
  };

  it('the last group of an address is no port, and what follows the bracket is one (4.3, 4.4)', () => {
    const [ambiguous, plain] = [uriOf('port-ambiguous'), uriOf('port-unambiguous')];
    assert.deepEqual([ambiguous?.host, ambiguous?.port], ['[2001:db8::10:5070]', undefined]);
    assert.deepEqual([plain?.host, plain?.port], ['[2001:db8::10]', 5070]);
  });
});
