import assert from 'node:assert/strict';
import type { CallPlan } from '../../../src/call/project.js';
import { seededRandom } from '../../../src/common/random.js';
import { realClock } from '../../../src/common/clock.js';
import { DigestVerifier, type DigestVerdict } from '../../../src/sip/auth/digest-verifier.js';
import type { SignallingTrunks } from '../../../src/signalling/thread-messages.js';
import type { RawUa } from '../../conformance/drachtio/support/raw-ua.js';
import { header, headers } from '../../conformance/drachtio/support/sip-text.js';
import { BridgeCall } from './support/bridge-call.js';
import { plan, project, trunk } from './support/plan.js';
import { SignallingFixture } from './support/signalling-fixture.js';

const AUTH = { username: '1001', password: 'secret' };

describe('a trunk that registers', () => {
  let fixture: SignallingFixture;
  let registrar: RawUa;
  let verifier: DigestVerifier;
  let hosts: string[];

  const planOf = (botUri: string, registered = true): CallPlan => {
    const port = /:(\d+)$/.exec(botUri)![1]!;
    hosts = [`sip:127.0.0.1:${port}`];
    const carrier = trunk('carrier', {
      hosts,
      allow: [],
      auth: AUTH,
      registration: registered
        ? { expiresS: 600, aor: 'sip:1001@pbx.example', registrar: 'sip:pbx.example', contactUser: null }
        : null,
    });
    const acme = project('acme', { match: [{ trunk: 'carrier', to: '1001' }] });
    return plan(botUri, { trunks: { carrier }, projects: { acme } });
  };

  beforeEach(async () => {
    verifier = new DigestVerifier({
      clock: realClock,
      random: seededRandom(2),
      realm: 'pbx',
      algorithms: ['SHA-256'],
      nonceLifetimeMs: 60_000,
    });
    fixture = await SignallingFixture.start({
      plan: planOf,
      makeCall: (seed) => new BridgeCall(seed, { proxies: hosts, auth: AUTH }),
    });
    registrar = fixture.bot;
  });
  afterEach(async () => {
    // The registrar answers the unregistration, where one comes.
    const farewell = registrar.next('REGISTER', (message) => /^REGISTER.*\r\nExpires: 0/s.test(message), 500);
    const answered = farewell.then(
      (register) => registrar.send(registrar.response(register, 200, 'OK', 'r')),
      () => undefined,
    );
    await fixture.node.close();
    await answered;
    await fixture.close();
  });

  const judge = (request: string): DigestVerdict => {
    const [method, uri] = request.split(' ', 2);
    return verifier.verify(
      { method: method!, uri: uri!, body: Buffer.alloc(0), values: headers(request, 'Authorization') },
      () => AUTH.password,
    );
  };
  /** Challenges the first REGISTER and accepts the second; returns that. */
  const registered = async (more: readonly string[] = []): Promise<string> => {
    const first = await registrar.nextRequest('REGISTER');
    const challenge = verifier.challenges().map((value) => `WWW-Authenticate: ${value}`);
    registrar.send(registrar.response(first, 401, 'Unauthorized', 'r', challenge));
    const second = await registrar.nextRequest('REGISTER');
    assert.equal(judge(second).kind, 'accepted');
    assert.equal(parseInt(header(second, 'CSeq')), parseInt(header(first, 'CSeq')) + 1);
    registrar.send(
      registrar.response(second, 200, 'OK', 'r', [`Contact: ${header(second, 'Contact')}`, ...more]),
    );
    await until(async () => (await view()).state === 'registered');
    return second;
  };
  const trunksNow = async (): Promise<SignallingTrunks> => {
    const requestId = `t${fixture.said.length}`;
    fixture.node.handle({ kind: 'getTrunks', requestId });
    const said = await fixture.saying((one) => one.kind === 'trunks' && one.requestId === requestId);
    return said.kind === 'trunks' ? said.trunks : assert.fail();
  };
  const view = async () => (await trunksNow()).registrations['carrier']!;
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const contactOf = (register: string): string => /<(sip:[^>]+)>/.exec(header(register, 'Contact'))![1]!;

  it('names itself, answers the challenge, and tells its state', async () => {
    const register = await registered();
    assert.match(register, /^REGISTER sip:pbx\.example SIP\/2\.0/);
    assert.match(header(register, 'From'), /^<sip:1001@pbx\.example>;tag=/);
    assert.equal(
      contactOf(register),
      `${contactOf(register).split('@')[0]!}@127.0.0.1:${fixture.engine.udpPort}`,
    );
    const { state, host, lastError } = await view();
    assert.deepEqual([state, host, lastError], ['registered', hosts[0], null]);
    assert.deepEqual(fixture.node.stats().registered, { carrier: true });
  });

  it('takes calls to its Contact, from any address of the carrier, for the number in To', async () => {
    const register = await registered();
    const { caller } = fixture;
    const invite = caller
      .invite()
      .replace(/^INVITE \S+/, `INVITE ${contactOf(register)}`)
      .replace(/\r\nTo: [^\r]+/, '\r\nTo: <sip:1001@pbx.example>');
    caller.send(invite);
    const toBot = await registrar.nextRequest('INVITE');
    registrar.send(registrar.response(toBot, 486, 'Busy Here'));
    await caller.nextResponse(486, 'INVITE');
  });

  it('sends calls by the Service-Route, with credentials at once', async () => {
    const via = `<sip:edge@127.0.0.1:${registrar.port};lr>`;
    const register = await registered([`Service-Route: ${via}`, 'Service-Route: <sip:core.example;lr>']);
    fixture.caller.send(
      fixture.caller
        .invite()
        .replace(/^INVITE \S+/, `INVITE ${contactOf(register)}`)
        .replace(/\r\nTo: [^\r]+/, '\r\nTo: <sip:1001@pbx.example>'),
    );
    const out = await registrar.nextRequest('INVITE');
    assert.deepEqual(headers(out, 'Route').join(', '), `${via}, <sip:core.example;lr>`);
    assert.equal(judge(out).kind, 'accepted');
    registrar.send(registrar.response(out, 486, 'Busy Here'));
    await fixture.caller.nextResponse(486, 'INVITE');
  });

  it('takes its binding away when the node drains', async () => {
    await registered();
    fixture.node.handle({ kind: 'drain' });
    const last = await registrar.nextRequest('REGISTER');
    assert.equal(header(last, 'Expires'), '0');
    assert.match(header(last, 'Contact'), /;expires=0$/);
    registrar.send(registrar.response(last, 200, 'OK', 'r'));
    await until(async () => (await view()).state === 'unregistered');
  });

  it('comes and goes with a reload, and goes on undisturbed where nothing changed', async () => {
    await registered();
    const botUri = `sip:bot@127.0.0.1:${registrar.port}`;
    fixture.node.handle({ kind: 'plan', plan: planOf(botUri) });
    assert.equal((await view()).state, 'registered');
    fixture.node.handle({ kind: 'plan', plan: planOf(botUri, false) });
    const last = await registrar.nextRequest('REGISTER');
    assert.equal(header(last, 'Expires'), '0');
    registrar.send(registrar.response(last, 200, 'OK', 'r'));
    assert.deepEqual((await trunksNow()).registrations, {});
    fixture.node.handle({ kind: 'plan', plan: planOf(botUri) });
    assert.notEqual(header(await registrar.nextRequest('REGISTER'), 'Expires'), '0');
  });
});
