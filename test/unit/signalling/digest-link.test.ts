import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/common/random.js';
import { parseDigestParams } from '../../../src/sip/auth/digest.js';
import { DigestLink } from '../../../src/signalling/digest-link.js';
import type { SrfSendOptions, SrfSentRequest } from '../../../src/signalling/srf-types.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { FakeLink, type FakeSent } from './support/fake-sip.js';
import { collectingLog } from './support/collecting-log.js';

const CREDENTIALS = { username: 'relevo', password: 'top secret' };
const WWW = 'WWW-Authenticate: Digest realm="pbx", nonce="n1", qop="auth", algorithm=SHA-256';

describe('requests that are challenged', () => {
  let wire: FakeLink;
  let link: DigestLink;
  let log: ReturnType<typeof collectingLog>;
  let heard: number[];
  let owner: SrfSentRequest | undefined;

  beforeEach(() => {
    wire = new FakeLink();
    log = collectingLog();
    heard = [];
    owner = undefined;
    link = new DigestLink({
      link: wire,
      clock: new VirtualClock(),
      random: seededRandom(1),
      log: log.logger,
    });
  });

  const send = (options: Partial<SrfSendOptions> = {}): void => {
    const whole = { method: 'INVITE', headers: { 'X-A': 'b' }, credentials: CREDENTIALS, ...options };
    link.request('sip:1@pbx.example', whole, (failure, sent) => {
      assert.equal(failure, null);
      owner = sent;
      sent?.on('response', (response) => heard.push(response.status));
    });
  };
  const at = (index: number): FakeSent => wire.requests[index]!;

  it('go out again with credentials, the same Call-ID and From, and the next CSeq; their owner hears one answer', () => {
    send();
    at(0).sent().respond(401, [WWW]);
    assert.deepEqual(heard, []);
    const { headers } = at(1).options;
    assert.equal(headers['Call-ID'], 'call1@us');
    assert.equal(headers['From'], '<sip:us@h>;tag=ours');
    assert.equal(headers['X-A'], 'b');
    assert.equal(headers['CSeq'], '8 INVITE');
    assert.equal(parseDigestParams(headers['Authorization'] ?? '')?.get('algorithm'), 'SHA-256');
    assert.ok(!('credentials' in at(1).options));
    at(1).sent().respond(180);
    at(1).respond(200);
    assert.deepEqual(heard, [180, 200]);
  });

  it('end with the 401 where the password is wrong, which is said once and never with the password', () => {
    for (let call = 0; call < 3; call++) {
      send();
      const first = wire.requests.length - 1;
      at(first).sent().respond(401, [WWW]);
      at(first + 1)
        .sent()
        .respond(401, [WWW.replace('n1', `m${call}`)]);
    }
    assert.equal(wire.requests.length, 6);
    assert.deepEqual(heard, [401, 401, 401]);
    assert.equal(link.failures, 3);
    assert.equal(log.lines.filter(({ code }) => code === 'auth_failed').length, 1);
    assert.ok(!JSON.stringify(log.lines).includes('top secret'));
  });

  it('are not sent again once they were cancelled, and a CANCEL between two sendings goes to the second', () => {
    send();
    at(0).sent();
    owner?.cancel({}, () => undefined);
    at(0).respond(401, [WWW]);
    assert.deepEqual(heard, [401]);
    assert.equal(wire.requests.length, 1);

    send();
    at(1).sent().respond(401, [WWW]);
    owner?.cancel({ headers: { Reason: 'SIP;cause=200' } }, () => undefined);
    assert.equal(at(1).cancels.length, 0);
    at(2).sent();
    assert.deepEqual(at(2).cancels, [{ Reason: 'SIP;cause=200' }]);
  });

  it('hand the challenge to their owner where the second sending fails', () => {
    send();
    at(0)
      .sent()
      .respond(407, [WWW.replace('WWW', 'Proxy')]);
    assert.match(at(1).options.headers['Proxy-Authorization'] ?? '', /^Digest /);
    at(1).fail('gone');
    assert.deepEqual(heard, [407]);
  });

  it('keep to the server that asked where the next hop is a name, but not over TLS', () => {
    send({ proxy: 'sip:sbc.example;transport=udp' });
    at(0).sent().respond(401, [WWW], '', '192.0.2.7', 5070, 'udp');
    assert.equal(at(1).options.proxy, 'sip:192.0.2.7:5070;transport=udp');
    send({ proxy: 'sips:sbc.example' });
    at(2).sent().respond(401, [WWW], '', '192.0.2.7', 5061, 'tls');
    assert.equal(at(3).options.proxy, 'sips:sbc.example');
  });

  it('leave dialog, CSeq and route to the server within a dialog', () => {
    send({ method: 'BYE', stackDialogId: 'd', headers: {} });
    at(0).sent().respond(401, [WWW]);
    assert.deepEqual(Object.keys(at(1).options.headers), ['Authorization']);
    assert.equal(at(1).options.stackDialogId, 'd');
  });

  it('give credentials at once after the first challenge of the trunk', () => {
    send();
    at(0).sent().respond(401, [WWW]);
    at(1).sent().respond(200);
    send({ method: 'BYE', stackDialogId: 'd', headers: {} });
    assert.equal(parseDigestParams(at(2).options.headers['Authorization'] ?? '')?.get('nc'), '00000002');
  });

  it('pass unchanged where there are no credentials', () => {
    link.request('sip:1@pbx', { method: 'INVITE', headers: {} }, () => undefined);
    assert.deepEqual(at(0).options, { method: 'INVITE', headers: {} });
  });
});
