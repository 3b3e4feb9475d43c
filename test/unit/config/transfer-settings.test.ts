import assert from 'node:assert/strict';
import { CALLER_GONE } from '../../../src/call/media-port.js';
import { BASE, bad, good, load } from './load.js';

const inTrunk = (more: string): string => BASE.replace('allow:', `${more}, allow:`);
const inTransfer = (more: string): string => BASE.replace('{ to: desk }', `{ to: desk, ${more} }`);
const inDesk = (more: string): string => BASE.replace('number: "100"', `number: "100", ${more}`);

describe('configuration: identity, User-to-User, REFER and limits', () => {
  it('a trunk: identity, dial plan, REFER policy, denied prefixes, limits', () => {
    const trunk = good(
      inTrunk(
        'identity: { from: "+5491155550000", diversion: true, history_info: true, privacy: id, display_name: none }, ' +
          'number_format: national, dial_plan: { country_code: "54", national_prefix: "0" }, refer_policy: pass, ' +
          'transfer: { refer_sub: false }, deny: ["+1900*"], limits: { transfers: 5 }, follow_redirects: true',
      ),
    ).plan.trunks['carrier']!;
    assert.deepEqual(trunk.identity, {
      from: { kind: 'fixed', number: '+5491155550000' },
      pAssertedIdentity: true,
      diversion: true,
      historyInfo: true,
      privacy: 'id',
      displayName: 'none',
    });
    assert.deepEqual(trunk.dialPlan, { countryCode: '54', nationalPrefix: '0', internationalPrefix: '00' });
    const { numberFormat, referPolicy, referSub, deny, maxTransfers, followRedirects } = trunk;
    assert.deepEqual(
      { numberFormat, referPolicy, referSub, deny, maxTransfers, followRedirects },
      {
        numberFormat: 'national',
        referPolicy: 'pass',
        referSub: false,
        deny: ['+1900*'],
        maxTransfers: 5,
        followRedirects: true,
      },
    );
  });

  it('a destination: what it does not set of its identity is the trunk of it', () => {
    const text = inTrunk('identity: { diversion: true }').replace(
      'number: "100"',
      'number: "100", identity: { from: called }, then_dial: "pp201#", uui: { content: "{callId}", protocol_discriminator: "04", max_length: 64, place: refer-to }',
    );
    const desk = good(text).plan.destinations['desk']!;
    assert.ok(desk.type === 'phone');
    assert.deepEqual([desk.identity?.from, desk.identity?.diversion], [{ kind: 'called' }, true]);
    assert.equal(desk.thenDial, 'pp201#');
    assert.deepEqual(desk.uui, {
      content: '{callId}',
      encoding: 'hex',
      purpose: null,
      protocolDiscriminator: '04',
      maxLength: 64,
      place: 'refer-to',
    });
  });

  it('a project: limits, the last sentence of the bot, the summary header', () => {
    const project = good(
      `${BASE.replace('{ to: desk }', '{ to: desk, bot_finish: 2s, context: { summary_header: X-Summary } }')}    limits: { transfers: 3, max_transfers: 2 }\n`,
    ).plan.projects['acme']!;
    assert.deepEqual(project.limits, { transfers: 3, perCall: 2 });
    assert.equal(project.transfer.botFinishMs, 2_000);
    assert.equal(project.transfer.summaryHeader, 'X-Summary');
  });

  it('a project: operators who listen, off unless it says so', () => {
    assert.equal(good(BASE).plan.projects['acme']!.listen, null);
    const listenOf = (written: string) =>
      good(`${BASE}    listen: ${written}\n`).plan.projects['acme']!.listen;
    assert.deepEqual(listenOf('{}'), { allow: [], max: 2, ringTimeoutMs: 25_000, notice: 'none' });
    assert.deepEqual(
      listenOf(
        '{ allow: [{ to: "sip:*@10.0.0.0/8", trunk: carrier }], max: 5, ring_timeout: 1m, notice: beep }',
      ),
      {
        allow: [{ to: 'sip:*@10.0.0.0/8', trunk: 'carrier' }],
        max: 5,
        ringTimeoutMs: 60_000,
        notice: 'beep',
      },
    );
  });

  it('a project: listening that anybody could be called to, or that rtpengine cannot do, is warned of', () => {
    const warned = (text: string): string[] => {
      const loaded = load(text);
      assert.ok(loaded.ok, JSON.stringify(loaded));
      return loaded.warnings.map(({ key, code }) => `${key} ${code}`);
    };
    assert.deepEqual(warned(`${BASE}    listen: { allow: [{ to: "+*", trunk: carrier }] }\n`), [
      'projects.acme.listen.allow[0].to allows_everything',
    ]);
    const rtpengine = 'media: { kind: rtpengine, nodes: [{ ng: "127.0.0.1:2223" }] }\n';
    assert.deepEqual(warned(`${BASE}    listen: {}\n${rtpengine}`), ['projects.acme.listen no_effect']);
  });

  it('a project: the moment for three, the notice, the headers of the answer', () => {
    const { transfer } = good(BASE).plan.projects['acme']!;
    assert.deepEqual([transfer.threeWay, transfer.callerGoneNotice], [null, CALLER_GONE]);
    const text = inTransfer(
      'mode: attended, three_way: { duration: 20s, digit: "#" }, caller_gone_notice: off, accept: { digit: "1" }',
    );
    const project = good(`${text}    carry_answer_headers: [X-*, Alert-Info]\n`).plan.projects['acme']!;
    assert.deepEqual(project.transfer.threeWay, { durationMs: 20_000, digit: '#' });
    assert.equal(project.transfer.callerGoneNotice, null);
    assert.deepEqual(project.carryAnswerHeaders, ['X-*', 'Alert-Info']);
    const rule = `${inTransfer('three_way: {}')}    rules: [{ name: zero, dtmf: "0", mode: attended }]\n`;
    assert.deepEqual(good(rule).plan.projects['acme']!.transfer.threeWay, {
      durationMs: 10_000,
      digit: null,
    });
  });

  for (const [what, text, key, expected] of [
    [
      'a listener by an unknown trunk',
      `${BASE}    listen: { allow: [{ to: "+549*", trunk: carier }] }\n`,
      'projects.acme.listen.allow[0].trunk',
      /carrier/,
    ],
    [
      'more listeners than anybody needs',
      `${BASE}    listen: { max: 17 }\n`,
      'projects.acme.listen.max',
      /1 to 16/,
    ],
    [
      'three in a blind transfer',
      inTransfer('three_way: { duration: 10s }'),
      'projects.acme.transfer.three_way',
      /mode: attended/,
    ],
    [
      'one digit for two things',
      inTransfer('mode: attended, accept: { digit: "1" }, three_way: { digit: "1" }'),
      'projects.acme.transfer.three_way.digit',
      /another digit/,
    ],
    [
      'three for ever',
      inTransfer('mode: attended, three_way: { duration: 1h }'),
      'projects.acme.transfer.three_way.duration',
      /1s to 10m/,
    ],
    [
      'a notice that is not there',
      inTransfer('caller_gone_notice: no-such.wav'),
      'projects.acme.transfer.caller_gone_notice',
      /readable WAV file/,
    ],
    ...['Contact', 'Via', 'Session-ID', '*', 'X Y'].map(
      (name) =>
        [
          `${name} of the bot's answer`,
          `${BASE}    carry_answer_headers: ["${name}"]\n`,
          'projects.acme.carry_answer_headers[0]',
          /Alert-Info/,
        ] as const,
    ),
    [
      'national without a dial plan',
      inTrunk('number_format: national'),
      'trunks.carrier.number_format',
      /dial_plan/,
    ],
    [
      'a From that is none',
      inTrunk('identity: { from: ana }'),
      'trunks.carrier.identity.from',
      /caller, called/,
    ],
    ['a denied word', inTrunk('deny: [premium]'), 'trunks.carrier.deny[0]', /\+1900\*/],
    [
      'a policy that is none',
      inTrunk('refer_policy: drop'),
      'trunks.carrier.refer_policy',
      /terminate, pass or reject/,
    ],
    [
      'digits that are none',
      inDesk('then_dial: "2x"'),
      'destinations.desk.then_dial',
      /p and , wait a second/,
    ],
    [
      'a discriminator in text',
      inDesk('uui: { content: a, encoding: text, protocol_discriminator: "04" }'),
      'destinations.desk.uui.protocol_discriminator',
      /encoding: hex/,
    ],
    [
      'a sentence without end',
      BASE.replace('{ to: desk }', '{ to: desk, bot_finish: 1m }'),
      'projects.acme.transfer.bot_finish',
      /0ms to 5s/,
    ],
  ] as const) {
    it(`refuses ${what}, by its key`, () => {
      const [problem] = bad(text);
      assert.equal(problem?.key, key);
      assert.match(problem.expected ?? '', expected);
    });
  }
});
