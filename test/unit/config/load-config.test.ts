import assert from 'node:assert/strict';
import { CALLER_GONE } from '../../../src/call/media-port.js';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULTS } from '../../../src/config/defaults.js';
import { formatProblems } from '../../../src/config/format-problems.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { BASE, bad, good, load } from './load.js';

const inProject = (lines: string): string => BASE.replace('    transfer: { to: desk }\n', lines);

describe('configuration: a valid file', () => {
  it('has every default filled in', () => {
    const config = good(BASE);
    assert.equal(config.engine.kind, 'embedded');
    const { kind, controlPort, sessionTimer, timers } = config.engine;
    assert.deepEqual(
      { kind, controlPort, sessionTimer, timers },
      {
        kind: 'embedded',
        controlPort: 0,
        sessionTimer: { offer: false, defaultS: 1800, minS: 90 },
        timers: { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 },
      },
    );
    assert.deepEqual(config.media, {
      kind: 'embedded',
      address: '127.0.0.1',
      advertise: '127.0.0.1',
      ipv6: null,
      ports: { min: 20000, max: 29999 },
      workers: 'auto',
      nodes: [],
    });
    assert.deepEqual(config.api, { address: '127.0.0.1', port: 8080, tokens: [] });
    assert.deepEqual(config.log, { level: 'info' });
    assert.deepEqual(config.observe, { cdrFile: null, keepCalls: 1000, webhooks: [] });
    assert.deepEqual(config.plan.limits, { maxCalls: 2500, maxCps: DEFAULTS.limits.maxCps });
    assert.deepEqual(config.plan.trunks['carrier'], {
      name: 'carrier',
      hosts: ['sip:10.0.0.1'],
      allow: ['10.0.0.0/8'],
      auth: null,
      login: null,
      registration: null,
      srtp: 'off',
      srtpKeys: 'sdes',
      maxCalls: null,
      maxCps: null,
      codecs: ['PCMA', 'PCMU'],
      dtmf: 'auto',
      numberFormat: 'as-is',
      dialPlan: null,
      identity: {
        from: { kind: 'caller' },
        pAssertedIdentity: true,
        diversion: false,
        historyInfo: false,
        privacy: 'pass',
        displayName: 'pass',
      },
      referSub: true,
      referPolicy: 'terminate',
      maxTransfers: null,
      deny: [],
      followRedirects: false,
      transferMethod: 'auto',
      acceptReplaces: false,
      acceptReferOutOfDialog: false,
      symmetricRtp: true,
    });
    assert.deepEqual(config.plan.bots['bot'], {
      name: 'bot',
      kind: 'sip',
      uri: 'sip:bot@10.0.0.2',
      trunk: null,
      headers: {},
      referPolicy: 'terminate',
      answerTimeoutMs: 10_000,
      mediaTimeoutMs: 0,
    });
    assert.deepEqual(config.plan.projects['acme'], {
      name: 'acme',
      match: [{ trunk: 'carrier', to: '1*' }],
      bot: 'bot',
      transfer: {
        to: 'desk',
        mode: 'blind',
        method: 'auto',
        waiting: 'ringback',
        ringback: 'eu',
        musicFile: null,
        brief: 'none',
        briefFile: null,
        threeWay: null,
        callerGoneNotice: CALLER_GONE,
        acceptDigit: null,
        onFailure: ['next', 'resume-bot'],
        announceFile: null,
        afterAgent: 'end',
        onNoNotify: 'resume-bot',
        headers: {},
        uui: null,
        summaryHeader: null,
        botFinishMs: 0,
        announceBeforeFile: null,
        allow: [],
        timers: {
          referReplyMs: 10_000,
          firstNotifyMs: 10_000,
          totalMs: 300_000,
          ringMs: 30_000,
          acceptMs: 10_000,
          byeGraceMs: 3_000,
          lateNotifyMs: 1_000,
        },
      },
      rules: [],
      policyDeadlineMs: 250,
      botFailure: { to: null, status: 503 },
      maxDurationMs: 14_400_000,
      callerMediaTimeoutMs: 300_000,
      codecs: null,
      recording: null,
      listen: null,
      carryHeaders: [],
      carryAnswerHeaders: [],
      limits: { transfers: null, perCall: 10 },
    });
    assert.match(config.source.hash, /^[0-9a-f]{16}$/);
  });

  it('is frozen all the way down and can be posted to a thread', () => {
    const config = good(BASE);
    assert.ok(Object.isFrozen(config.plan.projects['acme']!.transfer.timers));
    assert.ok(Object.isFrozen(config.listen[0]));
    assert.deepEqual(structuredClone(config), config);
  });

  it('takes direct and assisted for blind and attended', () => {
    const mode = (word: string) =>
      good(inProject(`    transfer: { to: desk, mode: ${word} }\n`)).plan.projects['acme']!.transfer.mode;
    assert.equal(mode('direct'), 'blind');
    assert.equal(mode('assisted'), 'attended');
  });

  it('reads each kind of rule, with the reason that its condition suggests', () => {
    const { rules } = good(
      `${BASE}    rules:
      - { name: a, intent: agent }
      - { name: b, low_confidence: {} }
      - { name: c, no_match: 2 }
      - { name: d, no_input: { turns: 4 } }
      - { name: e, dtmf: "*0" }
      - { name: f, duration: 10m }
      - { name: g, bot_unreachable: true }
      - { name: h, when: "call.durationS > 5", reason: operator, to: desk, mode: assisted, method: refer }
`,
    ).plan.projects['acme']!;
    assert.deepEqual(
      rules.map((rule) => [rule.condition, rule.reason]),
      [
        [{ kind: 'intent', intents: ['agent'] }, 'user_request'],
        [{ kind: 'low_confidence', below: 0.4, turns: 3 }, 'low_confidence'],
        [{ kind: 'no_match', turns: 2 }, 'low_confidence'],
        [{ kind: 'no_input', turns: 4 }, 'low_confidence'],
        [{ kind: 'dtmf', digits: '*0' }, 'user_request'],
        [{ kind: 'duration', overS: 600 }, 'business_rule'],
        [{ kind: 'bot_unreachable' }, 'bot_failure'],
        [{ kind: 'when', expression: 'call.durationS > 5' }, 'operator'],
      ],
    );
    assert.deepEqual([rules[7]!.to, rules[7]!.mode, rules[7]!.method], ['desk', 'attended', 'refer']);
  });

  it('takes anchors, aliases and merge keys, and finds the line within them', () => {
    const text = BASE.replace(
      '  desk: { type: phone, number: "100", trunk: carrier }',
      '  desk: &d { type: phone, number: "100", trunk: carrier }\n  other: { <<: *d, number: "200" }\n  wrong: { <<: *d, ring_timeout: 9 }',
    );
    const problems = bad(text);
    assert.equal(problems.length, 1);
    assert.equal(problems[0]!.line, 10);
    assert.equal(problems[0]!.key, 'destinations.wrong.ring_timeout');
  });

  it('writes a lone address in allow as a block of one', () => {
    const config = good(BASE.replace('[10.0.0.0/8]', '[192.0.2.7]'));
    assert.deepEqual(config.plan.trunks['carrier']!.allow, ['192.0.2.7/32']);
  });

  it('resolves the files of a transfer against the folder of the file, and checks that they are WAV files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'relevo-config-'));
    try {
      writeFileSync(join(folder, 'music.wav'), Buffer.from('RIFF\0\0\0\0WAVEfmt ', 'latin1'));
      writeFileSync(join(folder, 'text.wav'), 'hello, I am text');
      const path = join(folder, 'relevo.yaml');
      const options = { env: {}, checkExpression, localAddress: null };
      writeFileSync(path, inProject('    transfer: { to: desk, waiting: music, music_file: music.wav }\n'));
      const loaded = loadConfig({ path }, options);
      assert.ok(loaded.ok);
      assert.equal(loaded.config.plan.projects['acme']!.transfer.musicFile, join(folder, 'music.wav'));

      writeFileSync(
        path,
        inProject('    transfer: { to: desk, music_file: text.wav, announce_file: none.wav }\n'),
      );
      const refused = loadConfig({ path }, options);
      assert.ok(!refused.ok);
      assert.deepEqual(
        refused.problems.map((problem) => [problem.key, problem.message]),
        [
          ['projects.acme.transfer.music_file', 'the file is no WAV file'],
          ['projects.acme.transfer.announce_file', 'there is no such file'],
        ],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('configuration: the environment', () => {
  const withAuth = (password: string): string =>
    BASE.replace('allow:', () => `auth: { username: u, password: ${password} }, allow:`);

  it('gives ${NAME}, and $${ stands for itself', () => {
    assert.equal(
      good(withAuth('"a-${PW}-$${x}"'), { PW: 'secret' }).plan.trunks['carrier']!.auth!.password,
      'a-secret-${x}',
    );
  });

  it('gives text even where it looks like a number, and numbers where a number is wanted', () => {
    const text = withAuth('"${PW}"').replace('port: 5060', 'port: "${PORT}"');
    const config = good(text, { PW: '0042', PORT: '5099' });
    assert.equal(config.plan.trunks['carrier']!.auth!.password, '0042');
    assert.equal(config.listen[0]!.port, 5099);
  });

  it('that lacks a variable is one error at its line', () => {
    const problems = bad(BASE.replace('port: 5060', 'port: "${PORT}"'));
    assert.equal(problems.length, 1);
    assert.deepEqual(
      [problems[0]!.code, problems[0]!.line, problems[0]!.key, problems[0]!.found],
      ['missing_environment', 2, 'listen[0].port', '${PORT}'],
    );
  });

  it('never shows its values in an error', () => {
    const text = withAuth('"${PW}"')
      .replace('port: 5060', 'port: "${PORT}"')
      .replace('bot: bot', 'bot: "${BOT}"');
    const problems = bad(text, { PW: '', PORT: 'hunter2', BOT: 'hunter3' });
    assert.equal(problems.length, 3);
    assert.doesNotMatch(formatProblems(problems, text) + JSON.stringify(problems), /hunter/);
  });

  it('is not needed for a secret to stay hidden', () => {
    const text = withAuth('123456');
    const problems = bad(text);
    assert.equal(problems[0]!.found, '(hidden)');
    assert.doesNotMatch(formatProblems(problems, text), /123456/);
  });
});

describe('configuration: addresses', () => {
  const any = BASE.replace('127.0.0.1', '0.0.0.0');

  it('0.0.0.0 without advertise takes the address of the machine, and says so', () => {
    const loaded = load(any, {}, '192.0.2.5');
    assert.ok(loaded.ok);
    assert.equal(loaded.config.listen[0]!.advertise, '192.0.2.5');
    assert.equal(loaded.config.media.advertise, '192.0.2.5');
    assert.equal(loaded.warnings[0]!.code, 'address_guessed');
  });

  it('0.0.0.0 without advertise is an error on a machine that has only loopback', () => {
    assert.equal(bad(any)[0]!.code, 'no_address');
  });

  it('an API that listens to the network needs a token', () => {
    assert.equal(bad(`${BASE}api: { address: 0.0.0.0 }\n`)[0]!.code, 'api_open');
    assert.equal(
      good(`${BASE}api: { address: 0.0.0.0, tokens: [{ name: a, token: "12345678" }] }\n`).api.tokens[0]!
        .role,
      'admin',
    );
  });
});
