import assert from 'node:assert/strict';
import type { SipHeaders } from '../../../src/call/vocabulary.js';
import { CallBench, sdp } from '../../support/call/call-bench.js';
import { IDENTITY, makeProject, makeTrunk } from '../../support/call/call-plan.js';

const DIALOG = {
  sipCallId: 'c1.2@relevo',
  localTag: 'l',
  remoteTag: 'r',
  remoteTarget: 'sip:bot@10.0.0.5:5070',
};
const PEER = { allow: null, supported: null, userAgent: null };

/** The bot rings and answers with these headers; what our 180 and 200 toward the caller carry. */
function answered(
  said: SipHeaders,
  carryAnswerHeaders: readonly string[],
  pAssertedIdentity = true,
): { ringing: SipHeaders; ok: SipHeaders; bench: CallBench } {
  const project = makeProject({ carryAnswerHeaders });
  const trunk = makeTrunk({ identity: { ...IDENTITY, pAssertedIdentity } });
  const bench = new CallBench({ project, trunk });
  bench.incoming();
  const legId = 'c1.2';
  bench.signal({ kind: 'provisional', legId, status: 180, reason: 'Ringing', sdp: null, headers: said });
  const about = { dialog: DIALOG, peer: PEER, wantsAck: false };
  bench.signal({ kind: 'accepted', legId, sdp: sdp(), headers: said, ...about });
  const without = (headers: SipHeaders): SipHeaders =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'Session-ID'));
  return {
    ringing: without(bench.sent('provisional', 'c1.1')[0]!.headers),
    ok: without(bench.sent('accept', 'c1.1')[0]!.headers),
    bench,
  };
}

describe("headers of the bot's 18x and 2xx toward the caller", () => {
  const said = { 'x-skill': 'billing', 'alert-info': '<urn:alert:tone:normal>', 'x-other': ['1', '2'] };

  it('are not carried unless the project names them', () => {
    const { ringing, ok } = answered(said, []);
    assert.deepEqual([ringing, ok], [{}, {}]);
  });

  it('are carried by name or by the beginning of the name, in both responses', () => {
    const all = { 'X-Skill': 'billing', 'Alert-Info': '<urn:alert:tone:normal>', 'X-Other': ['1', '2'] };
    const { ringing, ok } = answered(said, ['X-*', 'alert-info']);
    assert.deepEqual(ringing, all);
    assert.deepEqual(ok, all);
    assert.deepEqual(answered(said, ['X-Skill']).ok, { 'X-Skill': 'billing' });
  });

  it('an identity goes only to a trunk that is trusted with it (RFC 3325)', () => {
    const identity = { 'p-asserted-identity': '<sip:bot@example.net>' };
    const names = ['P-Asserted-Identity'];
    assert.deepEqual(answered(identity, names).ok, { 'P-Asserted-Identity': '<sip:bot@example.net>' });
    assert.deepEqual(answered(identity, names, false).ok, {});
  });

  it('no header line can begin inside a value, and nothing of the dialog or of one hop goes on', () => {
    const { ok } = answered(
      {
        'x-a': 'one\r\nContact: <sip:evil@example.net>',
        'x-b': '\u0000\r\n',
        contact: '<sip:bot@10.0.0.5>',
        'record-route': '<sip:10.0.0.1;lr>',
        'session-expires': '90',
        'session-id': 'ab30317f1a784dc48ff824d0d3715d86',
      },
      ['X-*', 'Contact', 'Record-Route', 'Session-*'],
    );
    assert.deepEqual(ok, { 'X-A': 'one Contact: <sip:evil@example.net>' });
  });

  it('what would not fit into the datagram is left out and recorded', () => {
    const big = Object.fromEntries([1, 2, 3].map((one) => [`x-big-${one}`, 'a'.repeat(400)]));
    const { ok, bench } = answered(big, ['X-*']);
    assert.deepEqual(Object.keys(ok), ['X-Big-1', 'X-Big-2']);
    assert.ok(bench.eventNames().includes('header_refused'));
  });
});
