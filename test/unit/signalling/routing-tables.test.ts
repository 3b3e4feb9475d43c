import assert from 'node:assert/strict';
import { Admission } from '../../../src/signalling/admission.js';
import { NumberTable } from '../../../src/signalling/number-table.js';
import { SourceTable } from '../../../src/signalling/source-table.js';
import { plan, project, trunk } from '../../integration/signalling/support/plan.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('source table', () => {
  const table = new SourceTable();
  table.add('wide', ['10.0.0.0/8', '2001:db8::/32']);
  table.add('narrow', ['10.1.0.0/16', '2001:db8:1::/48']);
  table.add('twin', ['10.1.0.0/16']);
  table.add('host', ['192.0.2.7']);

  it('takes the longest prefix, whoever shares it', () => {
    assert.deepEqual(table.find('10.1.2.3'), ['narrow', 'twin']);
    assert.deepEqual(table.find('10.2.2.3'), ['wide']);
    assert.deepEqual(table.find('192.0.2.7'), ['host']);
    assert.deepEqual(table.find('192.0.2.8'), []);
  });

  it('reads IPv6 in its forms, and IPv4 that was mapped into it', () => {
    assert.deepEqual(table.find('2001:db8:1::5'), ['narrow']);
    assert.deepEqual(table.find('[2001:0db8:2:0:0:0:0:5]'), ['wide']);
    assert.deepEqual(table.find('::ffff:10.2.0.1'), ['wide']);
  });

  it('knows no trunk for what is no address', () => {
    for (const text of ['', 'example.net', '10.1.2', '10.1.2.999', '1:2:3', ':::']) {
      assert.deepEqual(table.find(text), [], text);
    }
  });

  it('refuses what is no block', () => {
    for (const block of ['10.0.0.0/33', '10.0.0.0/x', 'carrier', '::/129']) {
      assert.throws(() => new SourceTable().add('t', [block]), RangeError, block);
    }
  });
});

describe('number table', () => {
  const numbers = new NumberTable({
    any: project('any', { match: [{ trunk: 'carrier', to: '*' }] }),
    prefix: project('prefix', { match: [{ trunk: 'carrier', to: '+4930*' }] }),
    exact: project('exact', { match: [{ trunk: 'carrier', to: '+493012345' }] }),
  });

  it('lets an exact number beat a pattern, and a longer pattern a shorter one', () => {
    assert.equal(numbers.find('carrier', '+493012345'), 'exact');
    assert.equal(numbers.find('carrier', '+493099999'), 'prefix');
    assert.equal(numbers.find('carrier', '555'), 'any');
  });

  it('takes a number with and without the leading plus for the same', () => {
    assert.equal(numbers.find('carrier', '493012345'), 'exact');
    assert.equal(numbers.find('carrier', '493099999'), 'prefix');
  });

  it('gives nothing to another trunk', () => {
    assert.equal(numbers.find('pbx', '+493012345'), null);
  });

  it('takes a dot in a pattern as a dot', () => {
    const dotted = new NumberTable({ a: project('a', { match: [{ trunk: 't', to: 'a.b*' }] }) });
    assert.equal(dotted.find('t', 'axb'), null);
    assert.equal(dotted.find('t', 'a.b.c'), 'a');
  });
});

describe('admission', () => {
  it('counts calls per trunk and over all', () => {
    const admission = new Admission(new VirtualClock());
    const trunks = { a: trunk('a', { maxCalls: 1 }), b: trunk('b') };
    const limited = plan('sip:b@h', { trunks, limits: { maxCalls: 2, maxCps: 0 } });
    assert.equal(admission.admit(limited, 'a'), null);
    assert.equal(admission.admit(limited, 'a')?.reason, 'trunk_call_limit');
    assert.equal(admission.admit(limited, 'b'), null);
    assert.equal(admission.admit(limited, 'b')?.reason, 'call_limit');
    admission.release('a');
    assert.equal(admission.admit(limited, 'b'), null);
    assert.equal(admission.calls, 2);
  });

  it('lets a second of calls in at once, then as many as flow back', () => {
    const clock = new VirtualClock();
    const admission = new Admission(clock);
    const limited = plan('sip:b@h', { trunks: { a: trunk('a', { maxCps: 3 }) } });
    const burst = (): number => {
      let taken = 0;
      while (admission.admit(limited, 'a') === null) taken += 1;
      return taken;
    };
    assert.equal(burst(), 3);
    clock.advance(334);
    assert.equal(burst(), 1);
    clock.advance(60_000);
    assert.equal(burst(), 3);
  });
});
