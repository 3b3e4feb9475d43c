import assert from 'node:assert/strict';
import { dryRunBody, dryRunReport, type DryRunReport } from '../../../src/api/dry-run-schema.js';
import type { Rule } from '../../../src/call/decision.js';
import type { CallPlan, Project } from '../../../src/call/project.js';
import type { DirectoryState } from '../../../src/call/destinations/destination-directory.js';
import type { AdmissionState } from '../../../src/signalling/admission.js';
import { dryRun } from '../../../src/main/dry-run/dry-run.js';
import { CallBench } from '../../support/call/call-bench.js';
import { DESTINATIONS, makePlan, makeProject, makeTrunk } from '../../support/call/call-plan.js';

const base = { reason: 'user_request', to: null, mode: null, method: null } as const;
const RULES: readonly Rule[] = [
  { ...base, name: 'zero', condition: { kind: 'dtmf', digits: '0' } },
  { ...base, name: 'asks', condition: { kind: 'intent', intents: ['agent'] } },
  {
    ...base,
    name: 'lost',
    reason: 'low_confidence',
    condition: { kind: 'low_confidence', below: 0.4, turns: 3 },
  },
  {
    ...base,
    name: 'long gold',
    reason: 'business_rule',
    to: 'front',
    condition: { kind: 'when', expression: "call.durationS > 600 && call.headers['X-Tier'] == 'gold'" },
  },
];
const IDLE: DirectoryState = {
  busy: {},
  lastUsedAt: {},
  turns: {},
  slots: {},
  methods: { refusedAgoMs: {}, workedAgoMs: {} },
};
const CALL = { trunk: 'carrier', called: '+5491155550000', caller: '+5491144440000' };

function ask(
  request: object,
  options: { plan?: CallPlan; project?: Project; state?: DirectoryState; admission?: AdmissionState } = {},
): DryRunReport {
  const project = options.project ?? makeProject({ rules: RULES });
  const plan = options.plan ?? makePlan(project);
  const body = dryRunBody.parse(request);
  const report = dryRun(body, {
    plan,
    host: '203.0.113.10',
    state: options.state ?? null,
    admission: options.admission ?? null,
    nowMs: 0,
  });
  return dryRunReport.parse(report);
}
const transferOf = (report: DryRunReport): NonNullable<DryRunReport['transfer']> => {
  assert.ok(report.transfer, JSON.stringify(report));
  return report.transfer;
};

describe('dry run', () => {
  it('says which project takes a call, by trunk or by source address, and how the bot is called', () => {
    const report = ask({ source: '198.51.100.7', called: '+5491155550000', headers: { 'X-Tier': 'gold' } });
    assert.deepEqual([report.trunk, report.project, report.refused], ['carrier', 'acme', null]);
    assert.equal(report.bot?.requestUri, 'sip:bot@10.0.0.5:5070');
    assert.equal(report.bot.headers['X-Tier'], 'gold');
    assert.equal(report.transfer, null);
  });

  it('says why a call would not be taken', () => {
    assert.equal(ask({ source: '203.0.113.1', called: '1' }).refused?.reason, 'source_not_allowed');
    assert.equal(ask({ trunk: 'carrier', called: '1' }).refused?.status, 404);
    assert.equal(ask({ trunk: 'nobody', called: '1' }).refused?.reason, 'unknown_trunk');
    assert.equal(ask({ ...CALL, headers: { 'Max-Forwards': '0' } }).refused?.status, 483);
  });

  describe('limits', () => {
    const project = makeProject({ rules: RULES, limits: { transfers: 3, perCall: 5 } });
    const trunks = { carrier: makeTrunk({ name: 'carrier', maxCalls: 2, maxCps: 5 }) };
    const plan = makePlan(project, { trunks, limits: { maxCalls: 10, maxCps: 20 } });
    const load = (calls: number, attemptsLeft: number): AdmissionState => ({
      calls,
      attemptsLeft: 20,
      trunks: { carrier: { calls, attemptsLeft } },
    });

    it('are stated where no node is asked', () => {
      const { limits, refused } = ask(CALL, { plan, project });
      assert.equal(refused, null);
      assert.deepEqual(
        limits.map(({ name, of, limit, now, exceeded }) => [name, of, limit, now, exceeded]),
        [
          ['max_calls', 'node', 10, null, null],
          ['max_calls', 'trunk carrier', 2, null, null],
          ['max_cps', 'node', 20, null, null],
          ['max_cps', 'trunk carrier', 5, null, null],
          ['limits.transfers', 'project acme', 3, null, null],
        ],
      );
    });

    it('refuse the call where the running node has as many calls, or gets them as fast, as it may', () => {
      const state = { ...IDLE, slots: { 'project acme': 1 } };
      const free = ask(CALL, { plan, project, state, admission: load(1, 5) });
      assert.equal(free.refused, null);
      assert.deepEqual(free.limits.at(-1), {
        name: 'limits.transfers',
        of: 'project acme',
        limit: 3,
        now: 1,
        exceeded: false,
      });
      const full = ask(
        { ...CALL, events: [{ kind: 'dtmf', digit: '0' }] },
        {
          plan,
          project,
          state,
          admission: load(2, 5),
        },
      );
      assert.deepEqual([full.refused?.status, full.refused?.reason], [503, 'trunk_call_limit']);
      assert.equal(full.refused?.detail, 'max_calls 2 of trunk carrier is reached (2 now)');
      assert.ok(full.transfer, 'the rest is told as if there were room');
      const fast = ask(CALL, { plan, project, state, admission: load(1, 0) });
      assert.equal(fast.refused?.reason, 'trunk_rate_limit');
    });
  });

  it('names the rule that fires and what it saw', () => {
    const pressed = ask({ ...CALL, events: [{ kind: 'dtmf', digit: '120' }] });
    assert.deepEqual(
      pressed.decisions.map(({ event, rule, evidence }) => [event, rule, evidence]),
      [
        ['dtmf 1', null, null],
        ['dtmf 2', null, null],
        ['dtmf 0', 'zero', 'digit 0'],
      ],
    );
    const turn = { kind: 'turn', confidence: 0.3 };
    const lost = transferOf(ask({ ...CALL, events: [turn, turn, turn] }));
    assert.equal(lost.reason, 'low_confidence');
    assert.match(lost.evidence ?? '', /turns 1, 2, 3 had confidence 0\.3, 0\.3, 0\.3/);
    assert.equal(ask({ ...CALL, events: [turn, turn] }).transfer, null);
  });

  it('lets time pass to the second in which a rule fires', () => {
    const events = [{ kind: 'duration', seconds: 900 }];
    const gold = ask({ ...CALL, headers: { 'x-tier': 'gold' }, events });
    assert.deepEqual(
      gold.decisions.map(({ rule, durationS }) => [rule, durationS]),
      [['long gold', 601]],
    );
    assert.equal(transferOf(gold).to, 'front');
    assert.equal(ask({ ...CALL, events }).transfer, null);
  });

  it('shows the very requests that a call sends', () => {
    const project = makeProject({ rules: RULES }, { headers: { 'X-Reason': '{reason}' } });
    const requestUri = 'sip:+5491155550000@203.0.113.10';
    const bench = new CallBench({ project, callId: 'c1' }).withBot({ requestUri });
    bench.transfer();
    const sent = bench.sent('invite').at(-1)!;
    const wished = { kind: 'transfer' };
    const report = ask(
      { ...CALL, callerName: 'Ana', headers: { 'Max-Forwards': '70' }, events: [wished] },
      { project },
    );
    const attempt = transferOf(report).attempts[0]!;
    assert.equal(attempt.requestUri, sent.uri);
    assert.deepEqual(attempt.proxies, sent.proxies);
    assert.equal(attempt.from, '"Ana" <sip:+5491144440000@localhost>');
    const { 'Session-ID': ours, ...headers } = sent.headers;
    const { 'Session-ID': theirs, ...shown } = attempt.headers;
    assert.deepEqual(shown, headers);
    assert.ok(ours && theirs);
    assert.deepEqual([attempt.timers['ring'], attempt.timers['transfer.total']], [25_000, 120_000]);
  });

  it('shows REFER, and the INVITE that auto falls back to', () => {
    const project = makeProject({ rules: RULES }, { method: 'auto' });
    const transfer = transferOf(ask({ ...CALL, events: [{ kind: 'dtmf', digit: '0' }] }, { project }));
    assert.deepEqual(
      transfer.attempts.map(({ destination, method, toward, supposed }) => [
        destination,
        method,
        toward,
        supposed,
      ]),
      [
        ['desk', 'REFER', 'caller', '405 Method Not Allowed'],
        ['desk', 'INVITE', 'agent', '486 Busy Here'],
      ],
    );
    assert.match(transfer.attempts[0]?.headers['Refer-To'] ?? '', /^<sip:201@10\.0\.0\.7:5080/);
    assert.deepEqual([transfer.ifAllFail.outcome, transfer.ifAnswered.outcome], ['busy', 'completed']);
    assert.equal(transfer.ifAllFail.then, 'the caller is with the bot again');
  });

  it('goes by what the running node has learned of a trunk, and by what the peer allows', () => {
    const project = makeProject({ rules: RULES }, { method: 'auto' });
    const events = [{ kind: 'dtmf', digit: '0' }];
    const first = (report: DryRunReport): string | undefined => transferOf(report).attempts[0]?.method;
    const state = { ...IDLE, methods: { refusedAgoMs: { carrier: 60_000 }, workedAgoMs: {} } };
    assert.equal(first(ask({ ...CALL, events }, { project, state })), 'INVITE');
    assert.equal(first(ask({ ...CALL, events, headers: { Allow: 'INVITE, BYE' } }, { project })), 'INVITE');
  });

  it('says what follows where the consulted agent takes the call', () => {
    const project = makeProject(
      { rules: RULES },
      { mode: 'attended', method: 'refer', acceptDigit: '1', brief: 'audio', briefFile: '/brief.wav' },
    );
    const transfer = transferOf(ask({ ...CALL, events: [{ kind: 'dtmf', digit: '0' }] }, { project }));
    assert.equal(transfer.attempts[0]?.method, 'INVITE');
    assert.equal(transfer.ifAnswered.outcome, 'completed');
    const [refer] = transfer.ifAnswered.requests;
    assert.deepEqual([refer?.method, refer?.toward], ['REFER', 'caller']);
    assert.match(refer?.headers['Refer-To'] ?? '', /Replaces=/);
  });

  describe('destinations', () => {
    const group = {
      name: 'support',
      type: 'group',
      ringTimeoutMs: null,
      strategy: 'sequential',
      members: ['desk', 'second'],
      hours: { timezone: 'America/Bogota', open: ['mon-fri 08:00-18:00'] },
      maxConcurrent: 2,
      overflow: ['front'],
    } as const;
    const project = makeProject({ rules: RULES }, { to: 'support' });
    const plan = makePlan(project, { destinations: { ...DESTINATIONS, support: group } });
    const events = [{ kind: 'dtmf', digit: '0' }];
    const names = (report: DryRunReport): readonly string[] =>
      transferOf(report).targets.map(({ destination }) => destination);

    it('are those of the hour', () => {
      const open = ask({ ...CALL, events, at: '2026-03-02T10:00:00-05:00' }, { plan });
      assert.deepEqual(names(open), ['desk', 'second', 'front']);
      const closed = ask({ ...CALL, events, at: '2026-03-02T20:00:00-05:00' }, { plan });
      assert.deepEqual(names(closed), ['front']);
      assert.deepEqual(transferOf(closed).skipped, [{ destination: 'support', detail: 'support is closed' }]);
    });

    it('leave out a group that is full on the running node', () => {
      const state = { ...IDLE, busy: { support: 2 } };
      const full = ask({ ...CALL, events, at: '2026-03-02T10:00:00-05:00' }, { plan, state });
      assert.deepEqual(names(full), ['front']);
      assert.match(transferOf(full).skipped[0]?.detail ?? '', /full \(2 at once\)/);
    });

    it('are refused while as many transfers run as the project may have', () => {
      const limited = makeProject({ rules: RULES, limits: { ...project.limits, transfers: 1 } });
      const state = { ...IDLE, slots: { 'project acme': 1 } };
      const transfer = transferOf(ask({ ...CALL, events }, { project: limited, state }));
      assert.match(transfer.refusal?.detail ?? '', /1 transfers at once already/);
      assert.equal(ask({ ...CALL, events }, { project: limited }).transfer?.refusal, null);
    });

    it('are refused where the project does not allow them, before any SIP', () => {
      const stranger = { kind: 'transfer', to: 'sip:boss@evil.example' };
      const transfer = transferOf(ask({ ...CALL, events: [stranger] }, { plan }));
      assert.equal(transfer.refusal?.code, 'not_allowed');
      assert.deepEqual([transfer.attempts, transfer.ifAllFail.outcome], [[], 'not_allowed']);
    });
  });

  it('plays a bot that cannot be reached', () => {
    const project = makeProject({ botFailure: { to: 'front', status: 503 } });
    const events = [{ kind: 'bot_unreachable', status: 500 }];
    const transfer = transferOf(ask({ ...CALL, events }, { project }));
    assert.deepEqual([transfer.reason, transfer.targets[0]?.destination], ['bot_failure', 'front']);
    assert.equal(transfer.ifAllFail.then, 'the call is ended');
    const alone = ask({ ...CALL, events }, { project: makeProject() });
    assert.equal(alone.refused?.status, 503);
  });

  it('leaves the plan and the running state as they were', () => {
    const state = { ...IDLE, turns: { support: 1 } };
    const before = JSON.stringify(state);
    ask({ ...CALL, events: [{ kind: 'transfer' }] }, { state });
    assert.equal(JSON.stringify(state), before);
  });
});
