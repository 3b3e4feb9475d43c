import assert from 'node:assert/strict';
import type { Destination, Trunk } from '../../../../src/call/project.js';
import { CallBench } from '../../../support/call/call-bench.js';
import { DESTINATIONS, makePlan, makeProject, makeTrunk, UUI } from '../../../support/call/call-plan.js';
import { DestinationDirectory } from '../../../../src/call/destinations/destination-directory.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const allow = [{ to: '+*', trunk: 'carrier' }];
const trunks = (more: Partial<Trunk>) => ({
  carrier: makeTrunk(more),
  pbx: makeTrunk({ name: 'pbx', hosts: ['sip:10.0.0.7'] }),
});

describe('safety: refused before any SIP', () => {
  for (const asked of ['+19005551234', 'tel:+1-900-555-1234', 'sip:+19005551234@anywhere', '0019005551234']) {
    it(`a cost-bearing prefix (deny) refuses ${asked}`, () => {
      const project = makeProject({}, { allow: [...allow, { to: '00*', trunk: 'carrier' }] });
      const plan = makePlan(project, { trunks: trunks({ deny: ['+1900*'] }) });
      const bench = new CallBench({ project, plan }).withBot();
      const answer = bench.transfer({ to: asked });
      assert.equal(answer.accepted, false);
      assert.equal(bench.result().outcome, 'not_allowed');
      assert.match(bench.result().detail, /denied on trunk carrier by \+1900\*/);
      assert.equal(bench.sent('invite').length, 1);
      assert.equal(bench.call.state, 'with_bot');
    });
  }

  it('deny holds for configured destinations too, in the national way of writing', () => {
    const project = makeProject({}, { to: 'premium' });
    const premium = { ...DESTINATIONS['front']!, name: 'premium', number: '0600123' } as Destination;
    const dialPlan = { countryCode: '54', nationalPrefix: '0', internationalPrefix: '00' };
    const plan = makePlan(project, {
      destinations: { premium },
      trunks: trunks({ deny: ['+54600*'], dialPlan }),
    });
    const bench = new CallBench({ project, plan }).withBot();
    bench.transfer();
    assert.equal(bench.result().outcome, 'not_allowed');
    assert.equal(bench.sent('invite').length, 1);
  });

  for (const [what, limits, trunk] of [
    ['project', { transfers: 1, perCall: 10 }, {}],
    ['trunk', { transfers: null, perCall: 10 }, { maxTransfers: 1 }],
  ] as const) {
    it(`the ${what} bounds its transfers at once, over all calls; a place is free again when one is over`, () => {
      const project = makeProject({ limits }, { to: 'front' });
      const plan = makePlan(project, { trunks: trunks(trunk) });
      const directory = new DestinationDirectory(plan, new VirtualClock());
      const first = new CallBench({ project, plan, directory }).withBot();
      const second = new CallBench({ project, plan, directory }).withBot();
      first.transfer();
      const refused = second.transfer();
      assert.equal(!refused.accepted && refused.code, 'not_allowed');
      assert.match(second.result().detail, /at once already/);
      assert.equal(second.sent('invite').length, 1);
      first.rejected('c1.3', 486);
      assert.deepEqual(second.transfer({ transferId: 't2' }), { accepted: true });
      second.bye('c1.1');
      second.assertOver();
    });
  }

  it('max_transfers stops a call that goes in circles', () => {
    const project = makeProject({ limits: { transfers: null, perCall: 2 } });
    const bench = new CallBench({ project }).withBot();
    for (const id of ['t1', 't2', 't3']) {
      bench.transfer({ transferId: id });
      if (id !== 't3') bench.rejected(id === 't1' ? 'c1.3' : 'c1.4', 486);
    }
    assert.deepEqual(
      bench.results().map((one) => one.outcome),
      ['busy', 'busy', 'not_allowed'],
    );
  });

  it('no field can start a header line: CR and LF in everything that comes from outside', () => {
    const evil = 'x\r\nX-Evil: 1\r\n\r\nv=0';
    const project = makeProject(
      { carryHeaders: ['Subject'] },
      {
        headers: { 'X-Reason': '{reason} {summary} {caller} {header.subject}', 'X-Called': '{called}' },
        uui: { ...UUI, encoding: 'text', content: '{summary}{header.x-tier}' },
        summaryHeader: 'X-Summary',
        allow: [{ to: 'sip:*@*', trunk: 'carrier' }],
      },
    );
    const identity = { ...makeTrunk().identity, diversion: true, historyInfo: true };
    const plan = makePlan(project, {
      trunks: {
        carrier: makeTrunk({ identity }),
        pbx: makeTrunk({ name: 'pbx', hosts: ['sip:10.0.0.7'], identity }),
      },
    });
    for (const method of ['invite', 'refer'] as const) {
      const bench = new CallBench({ project, plan }).withBot({
        caller: `+54${evil}`,
        called: `+55${evil}`,
        callerDisplayName: evil,
        headers: {
          'max-forwards': '70',
          subject: evil,
          'x-tier': evil,
          privacy: evil,
          diversion: evil,
          'history-info': `<sip:a@b>;index=1${evil}`,
          'user-to-user': evil,
          'session-id': evil,
        },
      });
      bench.transfer({ transferId: 't0', to: `sip:a@10.0.0.1\r\nX-Evil: 1` });
      bench.transfer({
        method,
        summary: evil,
        headers: { 'X-A': evil, [`X-B: 1\r\nX-Evil`]: '1', 'P-Asserted-Identity': 'x' },
      });
      bench.request('c1.2', 'REFER', {
        headers: { 'refer-to': `<sip:desk@x?X-C=%0D%0AX-Evil%3A1>`, 'referred-by': evil },
      });
      const written = [...bench.sent('invite').slice(1), ...bench.requests('REFER')];
      assert.equal(written.length, 1);
      for (const command of written) {
        const { headers } = command;
        assert.equal(headers['P-Asserted-Identity'] === 'x', false, 'a bot does not say who calls');
        const parts: string[] = Object.entries(headers).flat(2);
        if (command.kind === 'invite') parts.push(command.uri, command.from.user);
        for (const part of parts) assert.doesNotMatch(part, /[\r\n]|%0D|%0A/i);
      }
    }
  });
});

describe('3xx from the target', () => {
  const redirected = (more: Partial<Trunk>, contacts: readonly string[]) => {
    const project = makeProject({}, { to: 'front', allow: [{ to: '+549*', trunk: 'carrier' }] });
    const bench = new CallBench({ project, plan: makePlan(project, { trunks: trunks(more) }) }).withBot();
    bench.transfer();
    bench.signal({
      kind: 'rejected',
      legId: 'c1.3',
      status: 302,
      reason: 'Moved',
      headers: { contact: contacts },
    });
    return bench;
  };

  it('is not followed unless the trunk says so', () => {
    const bench = redirected({}, ['<sip:+5491100@b>']);
    assert.equal(bench.result().outcome, 'unavailable');
  });

  it('is followed to an allowed place, the best q first, each its own attempt', () => {
    const bench = redirected({ followRedirects: true }, ['<sip:+54911@b>;q=0.1, <sip:+54922@b>;q=0.9']);
    assert.equal(bench.sent('invite').at(-1)?.uri, 'sip:+54922@sbc1.example.net');
    bench.rejected('c1.4', 486);
    assert.equal(bench.sent('invite').at(-1)?.uri, 'sip:+54911@sbc1.example.net');
    bench.accepted('c1.5');
    assert.deepEqual(
      bench.result().attempts.map((one) => one.sipStatus),
      [302, 486, 200],
    );
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('is refused where the project does not allow the place', () => {
    const bench = redirected({ followRedirects: true }, ['<sip:+1900@b>']);
    assert.equal(bench.result().outcome, 'not_allowed');
    assert.equal(bench.sent('invite').length, 2);
    assert.equal(bench.hears('c1.1'), 'c1.2');
  });

  it('that goes in circles ends', () => {
    const bench = redirected({ followRedirects: true }, ['<sip:+5491155550100@b>']);
    assert.equal(bench.result().outcome, 'unavailable');
  });
});
