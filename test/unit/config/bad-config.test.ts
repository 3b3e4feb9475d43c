import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { formatProblems } from '../../../src/config/format-problems.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { BASE, bad, load } from './load.js';

/** code, line, key, found, what the message or the remedy must hold */
type Expected = readonly [string, number, string, string | null, RegExp];

const FIXTURE = 'test/fixtures/config/bad/many-errors.yaml';

const MANY: readonly Expected[] = [
  ['unsupported', 3, 'listen[0].transport', 'sctp', /use udp, tcp, tls, ws or wss/],
  ['bad_value', 4, 'listen[1].address', '127.0.0.300', /an IPv4 or IPv6 address/],
  ['bad_value', 4, 'listen[1].port', '70000', /0 to 65535/],
  ['bad_value', 5, 'media.ports', '20001-20010', /even to odd/],
  [
    'unsupported',
    8,
    'trunks.carrier.hosts[0]',
    '"sip:sbc.example.net;transport=sctp"',
    /use udp, tcp or tls/,
  ],
  ['bad_value', 9, 'trunks.carrier.allow[0]', '10.0.0.0/99', /198\.51\.100\.0\/24/],
  [
    'missing_environment',
    10,
    'trunks.carrier.auth.password',
    '${NOT_SET_ANYWHERE}',
    /export NOT_SET_ANYWHERE/,
  ],
  ['bad_value', 11, 'trunks.carrier.srtp', 'mandatory', /off, optional or required/],
  ['bad_value', 12, 'trunks.carrier.register', 'always', /true, false, or a mapping/],
  ['unknown_reference', 14, 'bots.reception.trunk', 'carier', /did you mean `carrier`/],
  ['unsupported', 15, 'bots.sales.kind', 'twilio', /not supported by this version/],
  ['bad_value', 17, 'destinations.desk.extension', '201', /in quotes: "201"/],
  ['destination_ring', 19, 'destinations.b.members[0]', 'a', /a → b → a/],
  ['unknown_reference', 23, 'projects.acme.bot', 'receptoin', /did you mean `reception`/],
  ['unknown_key', 26, 'projects.acme.transfer.ring_timeuot', 'ring_timeuot', /did you mean `ring_timeout`/],
  ['bad_value', 27, 'projects.acme.transfer.mode', 'blnd', /did you mean `blind`/],
  ['bad_value', 28, 'projects.acme.transfer.timers.total', '30', /add the unit, such as 30s/],
  ['rule_condition', 30, 'projects.acme.rules[0].name', 'intent, dtmf', /exactly one of/],
  ['bad_expression', 31, 'projects.acme.rules[1].when', '"call.durationS >"', /character 17/],
  ['bad_expression', 32, 'projects.acme.rules[2].when', '"call.duration > 5"', /No such key: duration/],
  ['match_taken', 34, 'projects.other.match[0].to', '"+100"', /projects\.acme\.match\[0\]/],
];

/** A change of the base file, and the one error that it makes. */
const ONE: readonly (readonly [string, string, string, Expected])[] = [
  [
    'a missing key',
    'bot: bot',
    'max_duration: 1h',
    ['missing_key', 10, 'projects.acme.bot', 'nothing', /name of a bot/],
  ],
  [
    'T2 below T1',
    'trunks:',
    'engine: { kind: embedded, timers: { t1: 1s, t2: 500ms } }\ntrunks:',
    ['bad_value', 3, 'engine.timers', 'a mapping', /t2 of at least t1/],
  ],
  [
    'an unknown section',
    'trunks:',
    'trunk: {}\ntrunks:',
    ['unknown_key', 3, 'trunk', 'trunk', /did you mean `trunks`/],
  ],
  [
    'a section to come',
    'trunks:',
    'redis: {}\ntrunks:',
    ['unsupported', 3, 'redis', 'redis', /not supported/],
  ],
  [
    'rtpengine',
    'trunks:',
    'media: { kind: rtpengine }\ntrunks:',
    ['missing', 3, 'media.kind', 'rtpengine', /at least one entry in media.nodes/],
  ],
  [
    'where an rtpengine is',
    'trunks:',
    'media: { kind: rtpengine, nodes: [{ ng: "localhost:2223" }] }\ntrunks:',
    ['bad_value', 3, 'media.nodes[0].ng', '"localhost:2223"', /an IP address and a port/],
  ],
  [
    'a codec to come',
    'allow:',
    'codecs: [PCMA, G729], allow:',
    ['unsupported', 4, 'trunks.carrier.codecs[1]', 'G729', /PCMA, PCMU/],
  ],
  [
    'codecs without G.711',
    'allow:',
    'codecs: [opus, G722], allow:',
    ['bad_value', 4, 'trunks.carrier.codecs', 'a list', /PCMA or PCMU among them/],
  ],
  [
    'an engine of no kind',
    'trunks:',
    'engine: { kind: kamailio }\ntrunks:',
    ['bad_value', 3, 'engine.kind', 'kamailio', /embedded or drachtio/],
  ],
  [
    'a name that begins with a digit',
    '  desk:',
    '  1desk: { type: phone, number: "1", trunk: carrier }\n  desk:',
    ['bad_name', 8, 'destinations.1desk', '1desk', /a letter, then/],
  ],
  [
    'a key given twice',
    '    bot: bot',
    '    bot: bot\n    bot: bot',
    ['duplicate_key', 13, 'bot', 'bot', /stands twice/],
  ],
  [
    'a zone that is none',
    '  desk:',
    '  g: { type: group, members: [desk], hours: { timezone: America/Bogta, open: ["mon-fri 08:00-18:00"] } }\n  desk:',
    ['bad_value', 8, 'destinations.g.hours.timezone', 'America/Bogta', /did you mean `America\/Bogota`/],
  ],
  [
    'a day that is none',
    '  desk:',
    '  g: { type: group, members: [desk], hours: { timezone: UTC, open: ["mon-fry 08:00-18:00"] } }\n  desk:',
    ['bad_value', 8, 'destinations.g.hours.open[0]', '"mon-fry 08:00-18:00"', /`fry` is no day/],
  ],
  [
    'a group of itself',
    '  desk:',
    '  g: { type: group, members: [desk], overflow: [g] }\n  desk:',
    ['destination_ring', 8, 'destinations.g.overflow[0]', 'g', /g → g/],
  ],
  [
    'a trunk without a host',
    'hosts: ["sip:10.0.0.1"], ',
    '',
    ['trunk_without_host', 8, 'destinations.desk.trunk', 'carrier', /add `hosts`/],
  ],
  [
    'a listening point twice',
    'trunks:',
    '  - { transport: udp, address: 0.0.0.0, advertise: 10.0.0.9 }\n  - { transport: udp, address: 127.0.0.1 }\ntrunks:',
    ['port_taken', 4, 'listen[2].port', 'nothing', /listen\[0\]/],
  ],
  [
    'a rule that transfers nowhere',
    '    transfer: { to: desk }',
    '    rules: [{ name: r, dtmf: "0" }]',
    ['no_destination', 13, 'projects.acme.rules[0].name', 'neither `to` nor `transfer.to`', /add `to`/],
  ],
  [
    'a header that the stack writes',
    'uri: "sip:bot@10.0.0.2"',
    'uri: "sip:bot@10.0.0.2", headers: { Call-ID: x }',
    ['bad_name', 6, 'bots.bot.headers.Call-ID', 'Call-ID', /does not write itself/],
  ],
  [
    'a transport to come in a URI',
    'sip:bot@10.0.0.2',
    'sip:bot@10.0.0.2;transport=sctp',
    ['unsupported', 6, 'bots.bot.uri', '"sip:bot@10.0.0.2;transport=sctp"', /use udp, tcp or tls/],
  ],
  [
    'an announcement without a file',
    'transfer: { to: desk }',
    'transfer: { to: desk, on_failure: [announce] }',
    ['missing_key', 13, 'projects.acme.transfer.on_failure[0]', 'nothing', /announce_file/],
  ],
  [
    'an expression that gives no boolean',
    'transfer: { to: desk }',
    'transfer: { to: desk }\n    rules: [{ name: r, when: "call.durationS" }]',
    ['bad_expression', 14, 'projects.acme.rules[0].when', '"call.durationS"', /not true or false/],
  ],
  [
    'loops within loops',
    'transfer: { to: desk }',
    'transfer: { to: desk }\n    rules: [{ name: r, when: "call.headers.all(a, call.headers.all(b, a == b))" }]',
    [
      'bad_expression',
      14,
      'projects.acme.rules[0].when',
      '"call.headers.all(a, call.headers.all(b, a == b))"',
      /loop within a loop/,
    ],
  ],
];

function matches(problem: ReturnType<typeof bad>[number], [code, line, key, found, hint]: Expected): void {
  assert.deepEqual([problem.code, problem.line, problem.key, problem.found], [code, line, key, found]);
  assert.match(`${problem.message} | ${problem.expected ?? ''} | ${problem.remedy ?? ''}`, hint);
}

describe('configuration: errors', () => {
  it('are all told at once, each with line, key, what was found and what was expected', () => {
    const problems = bad(readFileSync(FIXTURE, 'utf8'));
    assert.deepEqual(
      problems.map((problem) => [problem.line, problem.key]),
      MANY.map(([, line, key]) => [line, key]),
    );
    problems.forEach((problem, index) => matches(problem, MANY[index]!));
  });

  for (const [name, from, to, expected] of ONE) {
    it(`${name} is one error at its place`, () => {
      assert.ok(BASE.includes(from));
      const errors = bad(BASE.replace(from, to)).filter((problem) => problem.severity === 'error');
      const wanted = errors.filter((problem) => problem.key === expected[2]);
      assert.equal(wanted.length, 1, JSON.stringify(errors, null, 1));
      assert.equal(
        errors.length,
        name === 'a listening point twice' ? 2 : 1,
        JSON.stringify(errors, null, 1),
      );
      matches(wanted[0]!, expected);
    });
  }

  it('of YAML itself name the line', () => {
    const problems = bad('listen:\n  - { transport: udp\ntrunks: [}\n');
    assert.equal(problems[0]!.code, 'syntax');
    assert.ok(problems[0]!.line >= 2);
  });

  it('in an empty file, a list and a missing file are told in words', () => {
    assert.match(bad('')[0]!.message, /empty/);
    assert.match(bad('- a\n')[0]!.message, /no mapping/);
    const loaded = loadConfig({ path: '/nowhere/relevo.yaml' }, { env: {}, checkExpression: () => null });
    assert.equal(!loaded.ok && loaded.problems[0]!.code, 'unreadable');
  });

  it('are told for each missing section', () => {
    assert.deepEqual(
      bad('log: {}\n').map((problem) => [problem.code, problem.key]),
      ['listen', 'trunks', 'bots', 'projects'].map((key) => ['missing_key', key]),
    );
  });

  it('are printed as a compiler does, with the line and a mark below it', () => {
    const text = BASE.replace('bot: bot', 'bot: bto');
    assert.equal(
      formatProblems(bad(text), text),
      [
        'relevo.yaml:12:10: error [unknown_reference] projects.acme.bot: there is no bot of this name',
        '    |',
        ' 12 |     bot: bto',
        '    |          ^^^',
        '    = found: bto',
        '    = expected: one of bot',
        '    = remedy: did you mean `bot`?',
        '',
        '1 error',
      ].join('\n'),
    );
  });
});

describe('configuration: warnings', () => {
  const warningsOf = (text: string): readonly string[] => {
    const loaded = load(text);
    assert.ok(loaded.ok);
    return loaded.warnings.map((warning) => warning.code);
  };

  it('tell of patterns of one length that share numbers, not of a longer one or an exact number', () => {
    const second = (to: string): string =>
      `${BASE}  late:\n    match: [{ trunk: carrier, to: "${to}" }]\n    bot: bot\n`;
    assert.deepEqual(warningsOf(second('*1')), ['match_overlap']);
    assert.deepEqual(warningsOf(second('12*')), []);
    assert.deepEqual(warningsOf(second('100')), []);
    assert.deepEqual(warningsOf(second('2*')), []);
  });

  it('tell of more calls than there are ports, free targets without a bound, and OPTIONS that are not sent', () => {
    assert.deepEqual(warningsOf(`${BASE}limits: { max_calls: 2501 }\n`), ['too_few_ports']);
    const open = 'transfer: { to: desk, allow: [{ to: "+*", trunk: carrier }] }';
    assert.deepEqual(warningsOf(BASE.replace('transfer: { to: desk }', open)), ['allows_everything']);
    assert.deepEqual(warningsOf(BASE.replace('allow:', 'options_ping: 30s, allow:')), ['not_acted_on']);
  });

  it('tell of SRTP keys that would go over signalling in the clear', () => {
    const srtp = BASE.replace('allow:', 'srtp: required, allow:');
    assert.deepEqual(warningsOf(srtp), ['keys_in_clear']);
    assert.deepEqual(warningsOf(srtp.replace('"sip:10.0.0.1"', '"sip:10.0.0.1;transport=udp"')), [
      'keys_in_clear',
    ]);
    const tls = load(srtp.replace('10.0.0.1"', '10.0.0.1;transport=tls"'));
    const told = tls.ok ? tls.warnings : tls.problems;
    assert.ok(!told.some(({ code }) => code === 'keys_in_clear'), JSON.stringify(told));
  });

  it('tell that DTLS-SRTP needs rtpengine, which has every kind of SRTP', () => {
    const rtpengine = 'media: { kind: rtpengine, nodes: [{ ng: "127.0.0.1:2223" }] }\n';
    const dtls = BASE.replace('allow:', 'srtp: optional, srtp_keys: dtls, allow:');
    const loaded = load(dtls);
    assert.ok(!loaded.ok);
    const [problem] = loaded.problems;
    assert.equal(problem?.key, 'trunks.carrier.srtp_keys');
    assert.match(problem.remedy ?? '', /kind: rtpengine/);
    // No key stands in SDP then, so that nothing is to be warned of.
    assert.deepEqual(warningsOf(`${dtls}${rtpengine}`), []);
    const sdes = BASE.replace('allow:', 'srtp: optional, allow:');
    assert.deepEqual(warningsOf(`${sdes}${rtpengine}`), ['keys_in_clear']);
  });
});
