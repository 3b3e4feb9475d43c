import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/common/random.js';
import type {
  RegisterRequest,
  RegisterResult,
} from '../../../src/signalling/registration/register-exchange.js';
import {
  BACKOFF_MAX_MS,
  HOST_SILENT_MS,
  REFUSED_WAIT_MS,
  Registration,
} from '../../../src/signalling/registration/registration.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { collectingLog } from './support/collecting-log.js';

const HOSTS = ['sip:a.example;transport=tcp', 'sip:b.example'];

describe('registration at a registrar (RFC 3261 10)', () => {
  let clock: VirtualClock;
  let sent: { request: RegisterRequest; done: (result: RegisterResult) => void }[];
  let log: ReturnType<typeof collectingLog>;
  let registration: Registration;

  const make = (hosts: readonly string[] = HOSTS): Registration =>
    new Registration({
      trunk: 'carrier',
      settings: { expiresS: 600, aor: 'sip:u@a.example', registrar: 'sip:a.example', contactUser: null },
      hosts,
      clock,
      random: seededRandom(5),
      log: log.logger,
      send: (request, done) => {
        sent.push({ request, done });
      },
    });

  beforeEach(() => {
    clock = new VirtualClock();
    sent = [];
    log = collectingLog();
    registration = make();
  });

  const last = (): RegisterRequest => sent.at(-1)!.request;
  const answer = (status: number, headers: RegisterResult['headers'] = {}): void => {
    sent.at(-1)!.done({ status, reason: 'Reason', headers, sourceAddress: '192.0.2.1' });
  };
  const contact = (expiresS: number): string =>
    `<sip:else@x>;expires=5, <sip:${registration.contactUser}@10.0.0.1:5060;transport=tcp>;expires=${expiresS}`;
  const granted = (expiresS = 600, more: RegisterResult['headers'] = {}): void => {
    answer(200, { contact: contact(expiresS), ...more });
  };
  /** Moves time on to the next REGISTER, which must come within `ms`. */
  const nextWithin = (ms: number): void => {
    const before = sent.length;
    for (let past = 0; past < ms && sent.length === before; past += 500) clock.advance(500);
    assert.equal(sent.length, before + 1);
  };
  const cseq = (): number => parseInt(last().headers['CSeq'] ?? '');

  it('registers its Contact over the transport of the host, and says so once', () => {
    registration.start();
    assert.equal(last().uri, 'sip:a.example');
    assert.equal(last().hop, HOSTS[0]);
    assert.equal(
      last().headers['Contact'],
      `<sip:${registration.contactUser}@localhost;transport=tcp>;expires=600`,
    );
    granted();
    assert.equal(registration.view().state, 'registered');
    assert.equal(registration.view().expiresAt, clock.wallMs() + 600_000);
    assert.equal(log.lines.filter(({ msg }) => msg === 'registered').length, 1);
  });

  it('refreshes well before expiry, with the same Call-ID and a higher CSeq, by what was granted to its own Contact', () => {
    registration.start();
    const { 'Call-ID': callId, From: from } = last().headers;
    const first = cseq();
    granted(100);
    clock.advance(74_000);
    assert.equal(sent.length, 1);
    nextWithin(17_000);
    assert.deepEqual([last().headers['Call-ID'], last().headers['From']], [callId, from]);
    assert.ok(cseq() > first);
    answer(200, { contact: contact(100), cseq: `${cseq() + 20} REGISTER` });
    const used = cseq() + 20;
    nextWithin(91_000);
    assert.ok(cseq() > used, 'the answers to challenges have used numbers too');
  });

  it('asks for more after 423, once', () => {
    registration.start();
    answer(423, { 'min-expires': '1800' });
    assert.equal(last().headers['Expires'], '1800');
    answer(423, { 'min-expires': '1800' });
    assert.equal(sent.length, 2);
    assert.equal(registration.view().state, 'failed');
  });

  it('goes to the next host after 503, 408 and silence, and stays with the one that works', () => {
    registration.start();
    answer(503);
    assert.equal(last().hop, HOSTS[1]);
    granted();
    assert.equal(registration.view().host, HOSTS[1]);
    nextWithin(545_000);
    assert.equal(last().hop, HOSTS[1]);
    clock.advance(HOST_SILENT_MS);
    assert.equal(last().hop, HOSTS[0]);
    assert.equal(registration.isRegistered, true, 'the old binding holds until it expires');
    granted();
    assert.equal(registration.view().host, HOSTS[0]);
  });

  it('passes over an answer that comes after its host was given up', () => {
    registration.start();
    const late = sent[0]!;
    clock.advance(HOST_SILENT_MS);
    late.done({ status: 403, reason: 'Forbidden', headers: {}, sourceAddress: '' });
    granted();
    assert.equal(registration.view().host, HOSTS[1]);
  });

  it('backs off, with jitter, up to half an hour when no host works', () => {
    registration = make([HOSTS[0]!]);
    registration.start();
    const waits: number[] = [];
    for (let round = 0; round < 10; round++) {
      answer(503);
      const before = sent.length;
      const { nextTryAt } = registration.view();
      waits.push(nextTryAt! - clock.wallMs());
      clock.advance(nextTryAt! - clock.wallMs() - 2);
      assert.equal(sent.length, before);
      clock.advance(4);
      assert.equal(sent.length, before + 1);
    }
    waits.forEach((waitMs, round) => {
      const upper = Math.min(BACKOFF_MAX_MS, 30_000 * 2 ** round);
      assert.ok(waitMs >= upper / 2 && waitMs <= upper + 1, `round ${round}: ${waitMs}`);
    });
  });

  it('waits at least as long as Retry-After asks', () => {
    registration = make([HOSTS[0]!]);
    registration.start();
    answer(503, { 'retry-after': '900 (maintenance)' });
    clock.advance(899_000);
    assert.equal(sent.length, 1);
    clock.advance(2_000);
    assert.equal(sent.length, 2);
  });

  it('does not insist where the password is refused: no other host, minutes between tries', () => {
    registration.start();
    answer(401);
    assert.deepEqual(registration.view().lastError?.code, 'auth_failed');
    clock.advance(REFUSED_WAIT_MS - 1_000);
    assert.equal(sent.length, 1);
    assert.ok(log.lines.some(({ code }) => code === 'auth_failed'));
  });

  it('is not registered any more once its binding has expired', () => {
    registration = make([HOSTS[0]!]);
    registration.start();
    granted(60);
    clock.advance(59_000);
    answer(503);
    assert.equal(registration.isRegistered, true);
    clock.advance(2_000);
    assert.equal(registration.isRegistered, false);
    assert.equal(registration.route, null);
  });

  it('keeps the Service-Route, in order, for calls (RFC 3608)', () => {
    registration.start();
    granted(600, { 'service-route': ['<sip:p1.example;lr>, <sip:p2.example;lr>', '<sip:p3.example;lr>'] });
    assert.deepEqual(registration.route, {
      host: HOSTS[0],
      serviceRoute: ['<sip:p1.example;lr>', '<sip:p2.example;lr>', '<sip:p3.example;lr>'],
    });
  });

  it('takes its binding away at the end, and waits for the answer no longer than a moment', () => {
    registration.start();
    granted();
    let done = 0;
    registration.stop(() => (done += 1));
    assert.equal(last().headers['Expires'], '0');
    assert.match(last().headers['Contact'] ?? '', /;expires=0$/);
    assert.equal(done, 0);
    answer(200);
    registration.stop(() => (done += 1));
    assert.equal(done, 2);
    assert.equal(clock.pendingTimers, 0);

    registration = make();
    registration.start();
    granted();
    registration.stop(() => (done += 1));
    clock.advance(3_000);
    assert.equal(done, 3);
  });

  it('has nothing to take away before it began or after all failed', () => {
    let done = 0;
    registration.stop(() => (done += 1));
    assert.deepEqual([done, sent.length], [1, 0]);
  });

  it('registers anew when the SIP server is back', () => {
    registration.start();
    granted();
    registration.onLinkLost();
    assert.equal(clock.pendingTimers, 0);
    registration.start();
    assert.equal(sent.length, 2);
  });
});
