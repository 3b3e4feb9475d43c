import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/load-config.js';
import type { ConfigProblem } from '../../../src/config/config-problem.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { hasOpenssl, TestAuthority, type IssuedCertificate } from '../../support/certificates.js';
import { BASE, bad, good, load } from './load.js';

const UDP = '- { transport: udp, address: 127.0.0.1, port: 5060 }';

/** The base file with these lines of `listen` in place of its own. */
const listening = (...points: string[]): string => BASE.replace(UDP, points.join('\n  '));

const told = (problems: readonly ConfigProblem[]): string[] =>
  problems.map(({ code, line, key }) => `${code} ${line} ${key}`);

describe('configuration: TLS, WebSocket and IPv6', () => {
  let authority: TestAuthority;
  let ours: IssuedCertificate;
  let other: IssuedCertificate;
  const issuers: TestAuthority[] = [];

  before(function () {
    if (!hasOpenssl()) {
      process.stdout.write('  openssl not installed: tests with certificates are skipped\n');
      this.skip();
    }
    authority = new TestAuthority();
    issuers.push(authority);
    ours = authority.issue('DNS:relevo.example');
    other = authority.issue('DNS:other.example');
  });
  after(() => {
    for (const one of issuers) one.close();
  });

  const tls = (more = ''): string =>
    `- { transport: tls, address: 127.0.0.1, cert: ${ours.cert}, key: ${ours.key}${more} }`;

  it('takes tls, ws and wss with their usual ports, and paths from the folder of the file', () => {
    const text = listening(
      UDP,
      `- { transport: tls, address: 127.0.0.1, cert: 1.pem, key: 1.key, ca: ca.pem, client_cert: require, verify: false }`,
      '- { transport: ws, address: 127.0.0.1, origins: ["https://app.example"] }',
      `- { transport: wss, address: "::1", cert: ${ours.cert}, key: ${ours.key} }`,
    );
    const loaded = loadConfig(
      { text, path: join(authority.folder, 'relevo.yaml') },
      { env: {}, checkExpression, localAddress: null },
    );
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const [, secure, ws, wss] = loaded.config.listen;
    assert.equal(secure!.port, 5061);
    assert.deepEqual(secure!.tls, {
      certFile: ours.cert,
      keyFile: ours.key,
      caFile: authority.ca,
      clientCert: 'require',
      verify: false,
    });
    assert.deepEqual([ws!.port, ws!.origins, ws!.tls], [80, ['https://app.example'], null]);
    assert.deepEqual([wss!.port, wss!.tls?.verify, wss!.tls?.clientCert], [443, true, 'none']);
  });

  it('wants certificate and key, and says at which line they are missing', () => {
    const problems = bad(listening(UDP, '- { transport: tls, address: 127.0.0.1 }'));
    assert.deepEqual(told(problems), ['missing_key 3 listen[1].cert', 'missing_key 3 listen[1].key']);
  });

  it('wants files that exist, hold what they should, and belong together', () => {
    const missing = bad(
      listening(UDP, `- { transport: tls, address: 127.0.0.1, cert: no.pem, key: ${ours.cert} }`),
    );
    assert.deepEqual(told(missing), ['bad_certificate 3 listen[1].cert', 'bad_certificate 3 listen[1].key']);
    const mixed = bad(
      listening(UDP, `- { transport: wss, address: 127.0.0.1, cert: ${ours.cert}, key: ${other.key} }`),
    );
    assert.deepEqual(told(mixed), ['bad_certificate 3 listen[1].key']);
    assert.match(mixed[0]!.message, /not that of the certificate/);
  });

  it('warns of a certificate that ends soon', () => {
    const loaded = loadConfig(
      { text: listening(UDP, tls()), path: 'relevo.yaml' },
      { env: {}, checkExpression, localAddress: null, nowMs: Date.now() + 19 * 86_400_000 },
    );
    assert.ok(loaded.ok);
    assert.deepEqual(told(loaded.warnings), ['certificate_expires 3 listen[1].cert']);
  });

  it('advertises a host name in SIP, and the address that is bound in SDP', () => {
    const config = good(BASE.replace('address: 127.0.0.1', 'address: 10.0.0.9, advertise: sip.example.net'));
    assert.equal(config.listen[0]!.advertise, 'sip.example.net');
    assert.equal(config.media.advertise, '10.0.0.9');
    assert.deepEqual(told(bad(BASE.replace('127.0.0.1', '127.0.0.1, advertise: 300.1.1.1'))), [
      'bad_value 2 listen[0].advertise',
    ]);
  });

  it('refuses keys where they mean nothing', () => {
    const problems = bad(
      listening('- { transport: udp, address: 127.0.0.1, cert: a, origins: ["https://a.example"] }'),
    );
    assert.deepEqual(told(problems), ['no_effect 2 listen[0].cert', 'no_effect 2 listen[0].origins']);
  });

  it('refuses a TCP port that two transports ask for', () => {
    const problems = bad(
      listening(
        UDP,
        '- { transport: tcp, address: 127.0.0.1, port: 5061 }',
        '- { transport: ws, address: 0.0.0.0, port: 5061, advertise: 10.0.0.9 }',
      ),
    );
    assert.deepEqual(told(problems), ['port_taken 4 listen[2].port']);
  });

  it('takes sips and transport=tls for trunks, with TLS settings of their own', () => {
    const text = listening(UDP, tls()).replace(
      'hosts: ["sip:10.0.0.1"]',
      `hosts: ["sips:SBC.example.net", "sip:10.0.0.1;transport=tls"], tls: { ca: ${authority.ca}, verify: true, server_name: sbc.example }`,
    );
    const { tlsPeers, plan } = good(text);
    assert.deepEqual(
      tlsPeers.map(({ host, serverName, verify }) => [host, serverName, verify]),
      [
        ['sbc.example.net', 'sbc.example', true],
        ['10.0.0.1', 'sbc.example', true],
      ],
    );
    assert.deepEqual(plan.trunks['carrier']!.hosts, ['sips:SBC.example.net', 'sip:10.0.0.1;transport=tls']);
  });

  it('refuses a trunk host whose transport nothing listens on', () => {
    const problems = bad(BASE.replace('"sip:10.0.0.1"', '"sip:10.0.0.1;transport=tls", "sips:a.example"'));
    assert.deepEqual(told(problems), [
      'no_listener 4 trunks.carrier.hosts[0]',
      'no_listener 4 trunks.carrier.hosts[1]',
    ]);
  });

  it('takes IPv6 listening points, hosts and blocks; RTP keeps to the IPv4 one', () => {
    const config = good(
      listening(
        '- { transport: udp, address: "2001:db8::10" }',
        '- { transport: udp, address: 127.0.0.1, advertise: 203.0.113.1 }',
      ).replace(
        'sip:10.0.0.1"], allow: [10.0.0.0/8]',
        'sip:[2001:db8::1]:5062"], allow: ["2001:db8::/32", "::1"]',
      ),
    );
    assert.deepEqual(config.plan.trunks['carrier']!.allow, ['2001:db8::/32', '::1/128']);
    assert.equal(config.media.address, '127.0.0.1');
    assert.equal(config.media.advertise, '203.0.113.1');
    assert.deepEqual(told(bad(listening('- { transport: udp, address: "::1" }'))), [
      'missing_key 1 media.address',
    ]);
    const both = load(listening('- { transport: udp, address: "::", advertise: "2001:db8::1" }', UDP));
    assert.ok(both.ok, JSON.stringify(both));
  });
});
