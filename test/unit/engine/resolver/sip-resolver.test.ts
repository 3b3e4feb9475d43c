import assert from 'node:assert/strict';
import { seededRandom } from '../../../../src/common/random.js';
import { NodeDnsSource } from '../../../../src/engine/resolver/node-dns-source.js';
import { parseHostsFile } from '../../../../src/engine/resolver/hosts-file.js';
import {
  SipResolver,
  type CanSend,
  type ResolvedTarget,
  type ResolveQuery,
} from '../../../../src/engine/resolver/sip-resolver.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { FakeDns, naptr, srv } from './fake-dns.js';
import { LocalDns } from './local-dns.js';

const DOMAIN = 'example.net';
const everything: CanSend = () => true;

const text = (targets: readonly ResolvedTarget[]): string[] =>
  targets.map(({ transport, address, port }) => `${transport} ${address} ${port}`);

describe('Resolution of SIP targets (RFC 3263)', () => {
  let dns: FakeDns;
  let clock: VirtualClock;

  beforeEach(() => {
    dns = new FakeDns();
    clock = new VirtualClock();
  });

  const resolver = (canSend = everything, seed = 1): SipResolver =>
    new SipResolver(dns, clock, seededRandom(seed), canSend);
  const find = async (query: Partial<ResolveQuery>, canSend = everything): Promise<string[]> =>
    text(await resolver(canSend).resolve({ host: DOMAIN, secure: false, ...query }));

  describe('without any question to DNS', () => {
    const cases: [string, Partial<ResolveQuery>, string[]][] = [
      ['UDP and 5060 for a numeric address', { host: '192.0.2.1' }, ['udp 192.0.2.1 5060']],
      ['an explicit port', { host: '192.0.2.1', port: 5070 }, ['udp 192.0.2.1 5070']],
      ['an explicit transport', { host: '192.0.2.1', transport: 'tcp' }, ['tcp 192.0.2.1 5060']],
      ['5061 for TLS', { host: '192.0.2.1', transport: 'tls' }, ['tls 192.0.2.1 5061']],
      ['TLS for sips', { host: '192.0.2.1', secure: true }, ['tls 192.0.2.1 5061']],
      ['443 for WSS', { host: '192.0.2.1', transport: 'wss' }, ['wss 192.0.2.1 443']],
      ['an IPv6 reference', { host: '[2001:db8::1]', port: 5070 }, ['udp 2001:db8::1 5070']],
    ];
    for (const [title, query, expected] of cases) {
      it(title, () => {
        const found = resolver().known({ host: DOMAIN, secure: false, ...query });
        assert.deepEqual(text(found ?? []), expected);
        assert.deepEqual(dns.asked, []);
      });
    }

    it('TCP where there is no UDP listener, and nothing where the address family is missing', () => {
      const tcp4: CanSend = (transport, family) => transport === 'tcp' && family === 4;
      const known = (host: string): string[] => text(resolver(tcp4).known({ host, secure: false }) ?? []);
      assert.deepEqual(known('192.0.2.1'), ['tcp 192.0.2.1 5060']);
      assert.deepEqual(known('[2001:db8::1]'), []);
    });
  });

  it('takes transport from NAPTR, port and host from SRV, addresses from A and AAAA', async () => {
    dns
      .set('naptr', DOMAIN, [
        naptr('SIP+D2U', `_sip._udp.${DOMAIN}`, 20),
        naptr('SIPS+D2T', `_sips._tcp.${DOMAIN}`, 10, 20),
        naptr('SIP+D2T', `_sip._tcp.${DOMAIN}`, 10, 10),
      ])
      .set('srv', `_sip._tcp.${DOMAIN}`, [srv('a.example.net', 5080)])
      .set('srv', `_sips._tcp.${DOMAIN}`, [srv('a.example.net', 5081)])
      .set('srv', `_sip._udp.${DOMAIN}`, [srv('b.example.net', 5090)])
      .set('a', 'a.example.net', ['192.0.2.1'])
      .set('aaaa', 'a.example.net', ['2001:db8::1'])
      .set('a', 'b.example.net', ['192.0.2.2']);
    assert.deepEqual(await find({}), [
      ...['tcp 192.0.2.1 5080', 'tcp 2001:db8::1 5080'],
      ...['tls 192.0.2.1 5081', 'tls 2001:db8::1 5081'],
      'udp 192.0.2.2 5090',
    ]);
  });

  it('leaves out services that no listener speaks, and all but TLS for sips', async () => {
    dns
      .set('naptr', DOMAIN, [
        naptr('SIP+D2U', '_sip._udp.example.net'),
        naptr('SIPS+D2T', '_sips._tcp.example.net', 20),
      ])
      .set('srv', `_sip._udp.${DOMAIN}`, [srv('a.example.net', 5060)])
      .set('srv', `_sips._tcp.${DOMAIN}`, [srv('a.example.net', 5061)])
      .set('a', 'a.example.net', ['192.0.2.1']);
    assert.deepEqual(await find({ secure: true }), ['tls 192.0.2.1 5061']);
    assert.deepEqual(await find({}, (transport, family) => transport === 'tls' && family === 4), [
      'tls 192.0.2.1 5061',
    ]);
  });

  it('asks for the SRV records of each transport where there is no NAPTR record', async () => {
    dns
      .set('srv', `_sip._tcp.${DOMAIN}`, [srv('a.example.net', 5080)])
      .set('a', 'a.example.net', ['192.0.2.1']);
    assert.deepEqual(await find({}), ['tcp 192.0.2.1 5080']);
  });

  it('asks for the SRV records of the transport that the URI names', async () => {
    dns
      .set('srv', `_sip._tcp.${DOMAIN}`, [srv('a.example.net', 5080)])
      .set('srv', `_sip._udp.${DOMAIN}`, [srv('a.example.net', 5090)])
      .set('a', 'a.example.net', ['192.0.2.1']);
    assert.deepEqual(await find({ transport: 'udp' }), ['udp 192.0.2.1 5090']);
    assert.ok(!dns.asked.some((question) => question.startsWith('naptr')), 'NAPTR has nothing to add');
  });

  it('uses the address of the name and the usual port where there is neither NAPTR nor SRV', async () => {
    dns.set('a', DOMAIN, ['192.0.2.9']);
    assert.deepEqual(await find({}), ['udp 192.0.2.9 5060']);
    assert.deepEqual(await find({ transport: 'tls' }), ['tls 192.0.2.9 5061']);
  });

  it('asks for addresses only where the URI names a port', async () => {
    dns.set('a', DOMAIN, ['192.0.2.9']).set('srv', `_sip._udp.${DOMAIN}`, [srv('a.example.net', 5080)]);
    assert.deepEqual(await find({ port: 5070 }), ['udp 192.0.2.9 5070']);
    assert.deepEqual(dns.asked, ['a example.net', 'aaaa example.net']);
  });

  it('finds nothing where SRV says that there is no such service', async () => {
    dns.set('srv', `_sip._udp.${DOMAIN}`, [srv('.', 0)]).set('srv', `_sip._tcp.${DOMAIN}`, [srv('.', 0)]);
    dns.set('a', DOMAIN, ['192.0.2.9']);
    assert.deepEqual(await find({}), []);
  });

  it('goes on with addresses where DNS does not answer for NAPTR and SRV', async () => {
    dns.fail('naptr', DOMAIN).fail('srv', `_sip._udp.${DOMAIN}`).set('a', DOMAIN, ['192.0.2.9']);
    assert.deepEqual(await find({}), ['udp 192.0.2.9 5060']);
  });

  it('keeps answers for their time to live, and asks again after it', async () => {
    dns.set('a', DOMAIN, ['192.0.2.9'], 300);
    const one = resolver((transport, family) => transport === 'udp' && family === 4);
    const query = { host: DOMAIN, port: 5060, secure: false };
    await one.resolve(query);
    clock.advance(299_000);
    assert.deepEqual(text(one.known(query) ?? []), ['udp 192.0.2.9 5060']);
    assert.equal(dns.asked.length, 1);
    clock.advance(1_000);
    assert.equal(one.known(query), undefined);
    dns.set('a', DOMAIN, ['192.0.2.10']);
    assert.deepEqual(text(await one.resolve(query)), ['udp 192.0.2.10 5060']);
  });

  it('asks one question once, however many requests wait for it', async () => {
    dns.set('a', DOMAIN, ['192.0.2.9']);
    const one = resolver((transport, family) => transport === 'udp' && family === 4);
    const query = { host: DOMAIN, port: 5060, secure: false };
    await Promise.all([one.resolve(query), one.resolve(query), one.resolve(query)]);
    assert.equal(dns.asked.length, 1);
  });

  it('shares the load among SRV records by their weights, lower priorities first (RFC 2782)', async () => {
    dns.set('srv', `_sip._udp.${DOMAIN}`, [
      srv('heavy.example.net', 5060, 10, 70),
      srv('light.example.net', 5060, 10, 30),
      srv('spare.example.net', 5060, 20, 100),
    ]);
    for (const [name, address] of Object.entries({
      heavy: '192.0.2.1',
      light: '192.0.2.2',
      spare: '192.0.2.3',
    }))
      dns.set('a', `${name}.example.net`, [address], 3_600);
    const one = resolver((transport, family) => transport === 'udp' && family === 4);
    const first = new Map<string, number>();
    const rounds = 10_000;
    for (let round = 0; round < rounds; round++) {
      const targets = await one.resolve({ host: DOMAIN, secure: false });
      assert.equal(targets.length, 3);
      assert.equal(targets[2]!.address, '192.0.2.3', 'the higher number is the spare');
      first.set(targets[0]!.address, (first.get(targets[0]!.address) ?? 0) + 1);
    }
    const share = (first.get('192.0.2.1') ?? 0) / rounds;
    assert.ok(share > 0.66 && share < 0.74, `70 of 100 went to the heavy one: ${share}`);
  });

  it('reads a hosts file', () => {
    const hosts = parseHostsFile(
      '127.0.0.1 localhost loop # mine\n#10.0.0.1 old\n::1 LOCALHOST\nnonsense x\n',
    );
    assert.deepEqual(hosts.get('localhost'), ['127.0.0.1', '::1']);
    assert.deepEqual(hosts.get('loop'), ['127.0.0.1']);
    assert.equal(hosts.has('old') || hosts.has('x'), false);
  });

  it('asks real DNS servers the same way', async () => {
    const server = await LocalDns.start({
      [`naptr ${DOMAIN}`]: [{ service: 'SIP+D2T', replacement: `_sip._tcp.${DOMAIN}` }],
      [`srv _sip._tcp.${DOMAIN}`]: [{ port: 5085, name: 'a.example.net' }],
      'a a.example.net': ['192.0.2.77'],
    });
    try {
      const source = new NodeDnsSource([`127.0.0.1:${server.port}`]);
      const one = new SipResolver(source, clock, seededRandom(1), (_transport, family) => family === 4);
      assert.deepEqual(text(await one.resolve({ host: DOMAIN, secure: false })), ['tcp 192.0.2.77 5085']);
      assert.deepEqual(text(await one.resolve({ host: `none.${DOMAIN}`, secure: false })), []);
    } finally {
      server.close();
    }
  });
});
