import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { CliIo } from '../../../src/cli/cli-io.js';
import { configCommands } from '../../../src/cli/commands/check.js';
import { dryRunCommand } from '../../../src/cli/commands/dry-run.js';
import { startCommand } from '../../../src/cli/commands/start.js';
import { runCli } from '../../../src/cli/run-cli.js';
import { CallBook } from '../../../src/observe/call-book.js';
import type { ListenerView } from '../../../src/observe/listener-view.js';
import { started, transferEnded, transferStarted, withBot } from '../observe/call-records.js';

const listenerView: ListenerView = {
  listenerId: 'l1',
  callId: 'c1',
  state: 'listening',
  to: 'boss',
  destination: 'boss',
  by: 'ana',
  legId: 'c1.3',
  startedAt: 1,
  answeredAt: null,
  endedAt: null,
  sipStatus: null,
  reason: null,
  detail: null,
};

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('relevo', () => {
  let server: Server;
  let asked: Asked[];
  let answers: Record<string, { status: number; body: unknown }>;
  let env: Record<string, string>;
  beforeEach(async () => {
    asked = [];
    answers = {};
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        asked.push({ method, url, headers, body });
        const answer = answers[`${method} ${url.split('?', 1)[0] ?? ''}`] ?? {
          status: 404,
          body: { code: 'unknown_call', detail: 'no such call', remedy: 'List the calls.' },
        };
        response.writeHead(answer.status);
        response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    env = {
      RELEVO_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      RELEVO_TOKEN: 'secret',
    };
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    if (server.listening) await once(server, 'close');
  });

  async function relevo(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    let out = '';
    let err = '';
    const io: CliIo = { env, out: (text) => (out += text), err: (text) => (err += text) };
    const code = await runCli(args, io, '1.2.3', [configCommands, dryRunCommand, startCommand]);
    return { code, out, err };
  }

  const book = new CallBook();
  for (const record of [started(), withBot(), transferStarted(), transferEnded()]) book.apply(record);
  const call = book.get('c1');
  const transfer = book.transfer('c1', 't1');

  it('lists live calls in a table, with the token of the environment', async () => {
    answers['GET /v1/calls'] = { status: 200, body: { calls: [call], live: 1 } };
    const { code, out } = await relevo('calls');
    assert.equal(code, 0);
    assert.match(out, /^CALL +STATE +PROJECT/);
    assert.match(out, /c1 +with_bot +acme .* completed\n1 shown, 1 live/);
    assert.equal(asked[0]?.url, '/v1/calls?limit=100&live=true');
    assert.equal(asked[0].headers.authorization, 'Bearer secret');
  });

  it('prints the answer of the node as it is with --json', async () => {
    answers['GET /v1/calls'] = { status: 200, body: { calls: [], live: 0 } };
    assert.deepEqual(JSON.parse((await relevo('calls', '--all', '--json')).out), { calls: [], live: 0 });
    assert.equal(asked[0]?.url, '/v1/calls?limit=100');
  });

  it('shows a call with its legs and its transfers', async () => {
    answers['GET /v1/calls/c1'] = { status: 200, body: call };
    const { out } = await relevo('show', 'c1');
    assert.match(out, /c1\.2 +bot +established/);
    assert.match(out, /transfer t1 to support: completed \(the agent answered\)/);
    assert.match(out, /why: user_request, pressed zero, digit 0/);
    assert.match(out, /desk-201 +invite +200 OK +400/);
    assert.match(out, /longest silence to the caller: 20 ms/);
  });

  it('hands a call over, once however often the request is sent, and waits for the result', async () => {
    answers['POST /v1/calls/c1/transfers'] = {
      status: 202,
      body: { ...transfer, state: 'running', result: null },
    };
    answers['GET /v1/calls/c1/transfers/t1'] = { status: 200, body: transfer };
    const { code, out } = await relevo(
      ...['transfer', 'c1', '--to', 'support', '--header', 'X-A: 1', '--mode', 'blind', '--wait'],
    );
    assert.equal(code, 0);
    assert.match(out, /completed/);
    assert.ok(asked[0]?.headers['idempotency-key']);
    assert.deepEqual(JSON.parse(asked[0].body), {
      to: 'support',
      mode: 'blind',
      method: null,
      reason: 'operator',
      summary: null,
      headers: { 'X-A': '1' },
    });
  });

  it('ends with 1 where the transfer waited for was not completed', async () => {
    const busy = { ...transfer, result: { ...transfer?.result, outcome: 'busy', detail: '486' } };
    answers['POST /v1/calls/c1/transfers'] = { status: 202, body: busy };
    const { code, err } = await relevo('transfer', 'c1', '--wait');
    assert.equal(code, 1);
    assert.match(err, /transfer_busy/);
  });

  it('has an operator listen, and lets one go', async () => {
    const listener = { ...listenerView, state: 'calling' };
    answers['POST /v1/calls/c1/listeners'] = { status: 202, body: listener };
    const { code, out } = await relevo('listen', 'c1', 'boss');
    assert.deepEqual([code, out], [0, 'listener l1 at boss: calling, asked for by ana\n']);
    assert.deepEqual(JSON.parse(asked[0]!.body), { to: 'boss' });
    assert.match(String(asked[0]!.headers['idempotency-key']), /^[0-9a-f-]{36}$/);
    assert.deepEqual(JSON.parse((await relevo('listen', 'c1', 'boss', '--json')).out), listener);
    answers['DELETE /v1/calls/c1/listeners/l1'] = { status: 202, body: { accepted: true } };
    assert.equal((await relevo('listen', 'c1', '--stop', 'l1')).out, 'l1 is being let go\n');
    for (const wrong of [['c1'], ['c1', 'boss', '--stop', 'l1']])
      assert.equal((await relevo('listen', ...wrong)).code, 2);
    assert.match((await relevo('listen', '--help')).out, /--stop <listener>/);
  });

  it('draws the ladder, and hangs up', async () => {
    answers['GET /v1/calls/c1/ladder'] = { status: 200, body: 'the diagram\n' };
    answers['DELETE /v1/calls/c1'] = { status: 202, body: { accepted: true } };
    assert.equal((await relevo('ladder', 'c1')).out, 'the diagram\n');
    assert.equal(asked[0]?.headers.accept, 'text/plain');
    assert.equal((await relevo('hangup', 'c1')).code, 0);
  });

  it('reloads, and ends with 2 where the configuration is wrong', async () => {
    answers['POST /v1/reload'] = {
      status: 200,
      body: { applied: true, hash: 'h', changed: ['plan'], needsRestart: ['listen'], warnings: [] },
    };
    assert.match((await relevo('reload')).out, /changed: plan\nleft as they were until a restart: listen/);
    const body = {
      code: 'config_rejected',
      detail: 'errors',
      remedy: 'r',
      errors: [{ key: 'config', message: 'relevo.yaml:3:1: unknown key' }],
    };
    answers['POST /v1/reload'] = { status: 422, body };
    const { code, err } = await relevo('reload');
    assert.equal(code, 2);
    assert.match(err, /relevo\.yaml:3:1/);
  });

  it('drains', async () => {
    answers['POST /v1/drain'] = { status: 202, body: { calls: 2, withinMs: 60_000 } };
    assert.match((await relevo('drain')).out, /2 live calls, ends within 60 s/);
  });

  it('lists the trunks with their last failures', async () => {
    const carrier = {
      name: 'carrier',
      hosts: ['sip:sbc1'],
      allow: [],
      callsIn: 3,
      callsOut: 1,
      maxCalls: 200,
      refused: { unknown_number: 2, rate_limit: 1 },
      attempts: 5,
      failedAttempts: 1,
      lastFailure: { at: 0, what: 'invite refused', status: 404, detail: 'unknown_number', callId: null },
      transferMethod: 'auto',
      learned: { method: 'invite', agoS: 3 },
    };
    answers['GET /v1/trunks'] = { status: 200, body: { trunks: [carrier] } };
    const { out } = await relevo('trunks');
    assert.match(out, /carrier +3 +1 +200 +3 +5 +1 +auto \(learned: invite\) +- +sip:sbc1/);
    assert.match(out, /carrier: last failure 1970.*INVITE refused with 404 unknown_number/);
  });

  it('asks for a dry run with what the options describe', async () => {
    const report = {
      at: '2026-01-01T00:00:00.000Z',
      trunk: 'carrier',
      project: 'acme',
      refused: { status: 503, reason: 'call_limit', detail: 'max_calls 2 of the node is reached (2 now)' },
      limits: [{ name: 'max_calls', of: 'node', limit: 2, now: 2, exceeded: true }],
      bot: null,
      decisions: [
        {
          event: 'dtmf 0',
          durationS: 0,
          rule: 'zero',
          reason: 'user_request',
          evidence: 'e',
          deadlineMs: 20,
        },
      ],
      transfer: null,
      notes: [],
    };
    answers['POST /v1/dry-run'] = { status: 200, body: report };
    const { code, out } = await relevo(
      ...['dry-run', '--trunk', 'carrier', '--called', '1000', '--header', 'X-Tier: gold'],
      ...['--confidence', '0.3', '0.2', '--dtmf', '0', '--transfer'],
    );
    assert.equal(code, 0);
    assert.match(out, /^would be refused: 503 call_limit \(max_calls 2 of the node is reached \(2 now\)\)$/m);
    assert.match(out, /^limit     max_calls 2 of the node, 2 now: full$/m);
    assert.match(out, /0 s: dtmf 0: rule "zero" fires: user_request, e/);
    const turn = { kind: 'turn', intent: null };
    assert.deepEqual(JSON.parse(asked[0]!.body), {
      trunk: 'carrier',
      called: '1000',
      headers: { 'X-Tier': 'gold' },
      events: [
        { ...turn, confidence: 0.3 },
        { ...turn, confidence: 0.2 },
        { kind: 'dtmf', digit: '0' },
        { kind: 'transfer', to: null, mode: null, method: null },
      ],
    });
  });

  it('dry-runs a configuration without a node', async () => {
    const root = new URL('../../../../', import.meta.url).pathname;
    const args = ['dry-run', '-c', `${root}examples/minimal.yaml`, '--trunk', 'carrier', '--called'];
    const { code, out } = await relevo(...args, '+5491155550000', '--dtmf', '0');
    assert.equal(code, 0);
    assert.match(out, /rule "pressed zero" fires[^]*Transfer to [^]*INVITE sip:[^]*If all fail/);
    assert.equal((await relevo(...args, '1', '--after', 'soon')).code, 2);
    assert.equal((await relevo(...args, '1', '--event', '{')).code, 2);
  });

  describe('exit codes', () => {
    it('3: no such call, with what to do about it', async () => {
      const { code, err } = await relevo('show', 'nope');
      assert.equal(code, 3);
      assert.match(err, /no such call \(unknown_call\)\n {2}remedy: List the calls\./);
    });

    it('4: refused in this state', async () => {
      answers['POST /v1/calls/c1/transfers'] = {
        status: 409,
        body: { code: 'transfer_in_flight', detail: 'one runs', remedy: 'Wait.' },
      };
      assert.equal((await relevo('transfer', 'c1')).code, 4);
    });

    it('5: no node answers', async () => {
      server.close();
      server.closeAllConnections();
      const { code, err } = await relevo('calls');
      assert.equal(code, 5);
      assert.match(err, /node_unreachable/);
    });

    it('1: the node fails, or something else answers', async () => {
      answers['GET /v1/calls'] = { status: 502, body: '<html>' };
      const { code, err } = await relevo('calls');
      assert.equal(code, 1);
      assert.match(err, /http_502/);
    });

    it('2: wrong arguments', async () => {
      for (const args of [
        ['calls', '--nonsense'],
        ['show'],
        ['nonsense'],
        ['transfer', 'c', '--mode', 'warm'],
      ])
        assert.equal((await relevo(...args)).code, 2, args.join(' '));
      assert.equal((await relevo('transfer', 'c1', '--header', 'nocolon')).code, 2);
      assert.equal((await relevo('start', '--drain-timeout', 'soon')).code, 2);
    });

    it('0: help and version', async () => {
      assert.equal((await relevo('--version')).out, '1.2.3\n');
      const { code, out } = await relevo('transfer', '--help');
      assert.equal(code, 0);
      assert.match(out, /--wait/);
      assert.match(out, /Exit codes:/);
    });
  });

  it('prints errors as JSON with --json', async () => {
    const { err } = await relevo('show', 'nope', '--json');
    assert.equal((JSON.parse(err) as { error: { code: string } }).error.code, 'unknown_call');
  });

  it('checks a configuration without starting anything', async () => {
    const missing = await relevo('check', '-c', '/nonexistent/relevo.yaml');
    assert.equal(missing.code, 2);
    assert.match(missing.err, /\/nonexistent\/relevo\.yaml:1/);
    const json = await relevo('check', '-c', '/nonexistent/relevo.yaml', '--json');
    assert.equal(json.code, 2);
    assert.equal((JSON.parse(json.out) as { ok: boolean }).ok, false);
    assert.equal((await relevo('start', '-c', '/nonexistent/relevo.yaml')).code, 2);
  });

  it('prints the JSON Schema of the configuration', async () => {
    const schema = JSON.parse((await relevo('schema')).out) as { properties: Record<string, unknown> };
    assert.ok('projects' in schema.properties);
  });
});
