import assert from 'node:assert/strict';
import type { Destination, IdentityPolicy, Trunk } from '../../../../src/call/project.js';
import { formatNumber } from '../../../../src/call/destinations/number-format.js';
import { CallBench } from '../../../support/call/call-bench.js';
import { DESTINATIONS, IDENTITY, makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';

function invited(
  identity: Partial<IdentityPolicy>,
  headers: Readonly<Record<string, string>> = {},
  trunk: Partial<Trunk> = {},
  own: Partial<IdentityPolicy> | null = null,
) {
  const project = makeProject({}, { to: 'front' });
  const front = { ...DESTINATIONS['front']!, identity: own ? { ...IDENTITY, ...own } : null } as Destination;
  const carrier = makeTrunk({ identity: { ...IDENTITY, ...identity }, ...trunk });
  const plan = makePlan(project, { destinations: { front }, trunks: { carrier } });
  const bench = new CallBench({ project, plan }).withBot({ headers: { 'max-forwards': '20', ...headers } });
  bench.transfer();
  return bench.sent('invite').at(-1)!;
}

describe('identity towards a person', () => {
  it('the caller is in From and P-Asserted-Identity (RFC 3325), the called number in Referred-By (RFC 3892)', () => {
    const { from, headers } = invited({});
    assert.deepEqual(from, { user: '+5491144440000', displayName: 'Ana' });
    assert.equal(headers['P-Asserted-Identity'], '"Ana" <sip:+5491144440000@203.0.113.10>');
    assert.equal(headers['Referred-By'], '<sip:+5491155550000@203.0.113.10>');
    assert.equal(headers['Diversion'], undefined);
    assert.equal(headers['History-Info'], undefined);
  });

  it('a trunk that is not trusted gets neither P-Asserted-Identity nor what the caller sent of it', () => {
    const { headers } = invited(
      { pAssertedIdentity: false },
      { 'p-asserted-identity': '<sip:a@b>', 'p-preferred-identity': '<sip:a@b>', diversion: '<sip:x@y>' },
    );
    for (const name of ['P-Asserted-Identity', 'P-Preferred-Identity', 'Diversion'])
      assert.equal(headers[name], undefined, name);
  });

  it('Diversion (RFC 5806) puts the called number above what the caller sent', () => {
    const { headers } = invited({ diversion: true }, { diversion: '<sip:x@y>;reason=no-answer' });
    assert.deepEqual(headers['Diversion'], [
      '<sip:+5491155550000@203.0.113.10>;reason=deflection;counter=1',
      '<sip:x@y>;reason=no-answer',
    ]);
  });

  it('History-Info (RFC 7044) goes on where the caller side ended, with rising indexes', () => {
    assert.deepEqual(invited({ historyInfo: true }).headers['History-Info'], [
      '<sip:+5491155550000@203.0.113.10>;index=1',
      '<sip:+5491155550100@sbc1.example.net>;index=1.1;mp=1',
    ]);
    const before = '<sip:+1@x>;index=1';
    assert.deepEqual(invited({ historyInfo: true }, { 'history-info': before }).headers['History-Info'], [
      before,
      '<sip:+5491155550000@203.0.113.10>;index=1.1',
      '<sip:+5491155550100@sbc1.example.net>;index=1.1.1;mp=1.1',
    ]);
  });

  it('a caller who withheld the number stays anonymous in From (RFC 3323), known only to who is trusted', () => {
    const asked = { privacy: 'id', 'p-asserted-identity': '<sip:+5491144440000@x>' };
    const { from, headers } = invited({}, asked);
    assert.deepEqual(from, { user: 'anonymous', displayName: 'Anonymous' });
    assert.equal(headers['Privacy'], 'id');
    assert.match(String(headers['P-Asserted-Identity']), /\+5491144440000/);
    const shown = invited({ privacy: 'none' }, asked);
    assert.equal(shown.from.user, '+5491144440000');
    assert.equal(shown.headers['Privacy'], undefined);
  });

  it('privacy: id hides every caller', () => {
    const { from, headers } = invited({ privacy: 'id' });
    assert.equal(from.user, 'anonymous');
    assert.equal(headers['Privacy'], 'id');
  });

  it('From may be the called number or a fixed one; the display name may stay behind', () => {
    assert.deepEqual(invited({ from: { kind: 'called' } }).from, {
      user: '+5491155550000',
      displayName: null,
    });
    const fixed = invited({ from: { kind: 'fixed', number: '+5491155559999' }, displayName: 'none' });
    assert.equal(fixed.from.user, '+5491155559999');
    assert.equal(fixed.headers['P-Asserted-Identity'], '<sip:+5491144440000@203.0.113.10>');
  });

  it('a destination has its own identity in place of its trunk', () => {
    assert.equal(invited({}, {}, {}, { from: { kind: 'called' } }).from.user, '+5491155550000');
  });

  it('the number format of the trunk applies to Request-URI, From and P-Asserted-Identity of the transferred leg', () => {
    const plain = invited({}, {}, { numberFormat: 'e164-without-plus' });
    assert.equal(plain.uri, 'sip:5491155550100@sbc1.example.net');
    assert.equal(plain.from.user, '5491144440000');
    assert.match(String(plain.headers['P-Asserted-Identity']), /sip:5491144440000@/);
    const dialPlan = { countryCode: '54', nationalPrefix: '0', internationalPrefix: '00' };
    const national = invited({}, {}, { numberFormat: 'national', dialPlan });
    assert.equal(national.uri, 'sip:091155550100@sbc1.example.net');
    assert.equal(national.from.user, '091144440000');
  });

  it('Max-Forwards is one less than that of the caller, on every leg', () => {
    assert.equal(invited({}).headers['Max-Forwards'], '19');
  });
});

describe('number formats', () => {
  const dialPlan = { countryCode: '54', nationalPrefix: '0', internationalPrefix: '00' };
  for (const [number, format, expected] of [
    ['+54911', 'national', '0911'],
    ['+4930', 'national', '004930'],
    ['0911', 'e164', '+54911'],
    ['004930', 'e164', '+4930'],
    ['0911', 'e164-without-plus', '54911'],
    ['201', 'e164', '201'],
    ['ana', 'national', 'ana'],
    ['0911', 'as-is', '0911'],
  ] as const) {
    it(`${number} as ${format} is ${expected}`, () => {
      assert.equal(formatNumber(number, format, dialPlan), expected);
    });
  }
});
