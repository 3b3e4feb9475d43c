import assert from 'node:assert/strict';
import { engineOptionsOf, trustedSources } from '../../../src/main/engine-settings.js';
import { BASE, bad, good } from './load.js';

const withEngine = (keys: string): string =>
  `${BASE}engine:\n  kind: embedded\n${keys.replace(/^/gm, '  ')}\n`;

describe('configuration: the embedded engine', () => {
  it('hands every key on to the engine under the name that it has there', () => {
    const config = good(
      withEngine(
        [
          'dns_servers: [10.0.0.53, "10.0.0.54:5353", "[2001:db8::53]:53", "2001:db8::54"]',
          'keep_alive: { interval: 90s, answer: 5s, required: true, udp: stun, udp_interval: 25s }',
          'failover: { silence: 2s, rest: 1m, probe: false }',
          'connections: { max: 10, per_source: 2, idle: 1m, open: 2s, first_message: 3s, message: 4s }',
          'messages: { headers: 100, header_bytes: 4096, body_bytes: 8192, udp_request_bytes: 1200 }',
          'protection: { max_calls: 9, max_calls_per_source: 8, max_cps: 7, max_cps_per_source: 6, retry_after: 11s, allow: [10.0.0.0/8], unknown: refuse, deny: [10.1.0.0/16], trusted: [10.2.0.0/16], scanners: [nmap], ban: 0, malformed: 5 }',
        ].join('\n'),
      ),
    );
    assert.equal(config.engine.kind, 'embedded');
    const { sessionTimer, timers, ...options } = engineOptionsOf(config.engine);
    assert.deepEqual(sessionTimer, { offer: false, defaultS: 1_800, minS: 90 });
    assert.deepEqual(timers, { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000 });
    assert.deepEqual(options, {
      dnsServers: ['10.0.0.53', '10.0.0.54:5353', '[2001:db8::53]:53', '2001:db8::54'],
      keepAlive: { streamMs: 90_000, pongMs: 5_000, pongRequired: true, udp: 'stun', udpMs: 25_000 },
      failover: { silentMs: 2_000, restMs: 60_000, probe: false },
      limits: {
        tcpConnections: 10,
        connectionsPerSource: 2,
        tcpIdleMs: 60_000,
        tcpConnectMs: 2_000,
        tcpFirstMessageMs: 3_000,
        messageMs: 4_000,
        sipHeaders: 100,
        sipHeaderBytes: 4_096,
        sipMessageBytes: 8_192,
        udpRequestBytes: 1_200,
      },
      protection: {
        maxCalls: 9,
        maxCallsPerSource: 8,
        callsPerSecond: 7,
        callsPerSecondPerSource: 6,
        retryAfterS: 11,
        allow: ['10.0.0.0/8'],
        unknownSources: 'refuse',
        deny: ['10.1.0.0/16'],
        trusted: ['10.2.0.0/16'],
        scanners: ['nmap'],
        banMs: 0,
        malformedBeforeBan: 5,
      },
    });
  });

  it('leaves out what is not set, so that the engine has no such bound', () => {
    const { engine } = good(BASE);
    assert.equal(engine.kind, 'embedded');
    const { protection, dnsServers } = engineOptionsOf(engine);
    assert.equal(dnsServers, undefined);
    for (const key of ['maxCalls', 'callsPerSecond', 'allow', 'scanners'] as const)
      assert.ok(!(key in (protection ?? {})), key);
  });

  it('trusts the peers of trunks, but not the world', () => {
    const config = good(
      BASE.replace(/allow: \[[^\]]*\]/, 'allow: [198.51.100.7, 10.0.0.0/8, 192.0.2.0/24, "::/0"]'),
    );
    assert.deepEqual(trustedSources(config), ['198.51.100.7/32', '192.0.2.0/24']);
  });

  for (const [keys, key] of [
    ['dns_servers: [dns.example.net]', 'engine.dns_servers[0]'],
    ['dns_servers: ["10.0.0.53:99999"]', 'engine.dns_servers[0]'],
    ['keep_alive: { interval: 1s }', 'engine.keep_alive.interval'],
    ['keep_alive: { udp: ping }', 'engine.keep_alive.udp'],
    ['failover: { silence: 2 }', 'engine.failover.silence'],
    ['protection: { deny: [10.0.0.0/99] }', 'engine.protection.deny[0]'],
    ['protection: { max_calls: 0 }', 'engine.protection.max_calls'],
    ['protection: { bann: 5m }', 'engine.protection.bann'],
    ['messages: { udp_request_bytes: 10 }', 'engine.messages.udp_request_bytes'],
  ] as const)
    it(`refuses ${keys}, with the line and the key`, () => {
      const problems = bad(withEngine(keys));
      assert.deepEqual(
        problems.map((problem) => problem.key),
        [key],
      );
      assert.ok((problems[0]?.line ?? 0) > 5);
    });
});
