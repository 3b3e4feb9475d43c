import assert from 'node:assert/strict';
import { RawUa } from '../../../conformance/drachtio/support/raw-ua.js';
import { Fixture } from '../../../conformance/drachtio/support/fixture.js';
import { compose, method } from '../../../conformance/drachtio/support/sip-text.js';
import { LocalDns } from './local-dns.js';

describe('DNS servers that are set', () => {
  const open: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  it('are asked for NAPTR, SRV and addresses, the second one where the first does not answer', async () => {
    const target = await RawUa.open(9);
    open.push(target);
    const dns = await LocalDns.start({
      'naptr carrier.example': [{ service: 'SIP+D2U', replacement: '_sip._udp.carrier.example' }],
      'srv _sip._udp.carrier.example': [{ port: target.port, name: 'host.carrier.example' }],
      'a host.carrier.example': ['127.0.0.1'],
    });
    open.push(dns);
    const silent = await LocalDns.silent();
    open.push(silent);
    const fixture = await Fixture.start({
      dnsServers: [`127.0.0.1:${silent.port}`, `127.0.0.1:${dns.port}`],
    });
    open.push(fixture);
    const app = await fixture.raw();
    app.send('sip||', compose(['OPTIONS sip:b@carrier.example SIP/2.0']));
    const request = await target.next('OPTIONS', (text) => method(text) === 'OPTIONS', 20_000);
    assert.match(request, /^OPTIONS sip:b@carrier\.example SIP/);
  }).timeout(30_000);
});
