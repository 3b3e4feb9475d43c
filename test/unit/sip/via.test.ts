import assert from 'node:assert/strict';
import { buildVia, parseVia, withReceived } from '../../../src/sip/via.js';
import { responseDestination, type Source } from '../../../src/sip/transaction/transport.js';

const received = (line: string, address: string, port: number): string => {
  const via = parseVia(line);
  assert.ok(via);
  return withReceived(line, via, address, port);
};

describe('Via', () => {
  it('reads transport, sent-by and parameters, with white space where 25.1 allows it', () => {
    const via = parseVia(
      'SIP / 2.0 / UDP first.Example.com : 4000;ttl=16 ;maddr=224.2.0.1 ; branch=z9hG4bKa7c6a8dlze.1',
    );
    assert.equal(via?.transport, 'UDP');
    assert.equal(via.host, 'first.Example.com');
    assert.equal(via.port, 4000);
    assert.equal(via.sentBy, 'first.example.com:4000');
    assert.equal(via.branch, 'z9hG4bKa7c6a8dlze.1');
    assert.equal(via.maddr, '224.2.0.1');
  });

  it('reads IPv6 and the first of several values', () => {
    const via = parseVia('SIP/2.0/TLS [2001:db8::9]:5061;branch=z9hG4bK1;rport, SIP/2.0/UDP other');
    assert.equal(via?.host, '[2001:db8::9]');
    assert.equal(via.port, 5061);
    assert.equal(via.rport, 'asked');
    assert.equal(via.transport, 'TLS');
  });

  for (const bad of [
    '',
    'SIP/2.0/UDP',
    'SIP/3.0/UDP h',
    'UDP h',
    'SIP/2.0/UDP h:port',
    'SIP/2.0/UDP [::1',
    'SIP/2.0/UDP ;branch=1',
    'SIP/2.0/UDP h;x="open',
  ]) {
    it(`rejects ${JSON.stringify(bad)}`, () => assert.equal(parseVia(bad), undefined));
  }

  it('adds received when the sent-by is not the source (18.2.1)', () => {
    assert.equal(
      received('SIP/2.0/UDP h.example.com;branch=1', '192.0.2.7', 5060),
      'SIP/2.0/UDP h.example.com;branch=1;received=192.0.2.7',
    );
    assert.equal(
      received('SIP/2.0/UDP 192.0.2.7;branch=1', '192.0.2.7', 9),
      'SIP/2.0/UDP 192.0.2.7;branch=1',
    );
    assert.equal(received('SIP/2.0/UDP [::1];branch=1', '::1', 9), 'SIP/2.0/UDP [::1];branch=1');
  });

  it('fills rport, and then always received (RFC 3581 4), on the first value only', () => {
    assert.equal(
      received('SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bK, SIP/2.0/UDP b', '10.1.1.1', 9988),
      'SIP/2.0/UDP 10.1.1.1:4540;branch=z9hG4bK;received=10.1.1.1;rport=9988, SIP/2.0/UDP b',
    );
  });

  it('does not believe a received or rport that the sender wrote', () => {
    assert.equal(
      received('SIP/2.0/UDP a;received=6.6.6.6;rport=66;branch=1', '192.0.2.7', 5070),
      'SIP/2.0/UDP a;branch=1;received=192.0.2.7;rport=5070',
    );
  });

  it('builds our own', () => {
    const via = parseVia(buildVia('udp', '192.0.2.9:5060', 'z9hG4bKx'));
    assert.deepEqual(
      [via?.transport, via?.sentBy, via?.branch, via?.rport],
      ['UDP', '192.0.2.9:5060', 'z9hG4bKx', 'asked'],
    );
  });

  it('leads a response back (18.2.2, RFC 3581 4)', () => {
    const udp: Source = { transport: 'udp', address: '192.0.2.7', port: 40000 };
    const to = (line: string, source = udp): string => {
      const { address, port } = responseDestination(parseVia(line)!, source);
      return `${address}:${port}`;
    };
    assert.equal(to('SIP/2.0/UDP h:5070;branch=1'), '192.0.2.7:5070');
    assert.equal(to('SIP/2.0/UDP h;branch=1'), '192.0.2.7:5060');
    assert.equal(to('SIP/2.0/UDP h:5070;rport=40000;branch=1'), '192.0.2.7:40000');
    assert.equal(to('SIP/2.0/UDP h;maddr=239.1.1.1;branch=1'), '239.1.1.1:5060');
    assert.equal(
      to('SIP/2.0/TCP h:5070;branch=1', { ...udp, transport: 'tcp', connectionId: 'c1' }),
      '192.0.2.7:40000',
    );
  });
});
