import assert from 'node:assert/strict';
import { Fixture } from './support/fixture.js';

describe('drachtio control protocol: connection', () => {
  let fixture: Fixture;

  beforeEach(async () => {
    fixture = await Fixture.start();
  });
  afterEach(() => fixture.close());

  it('answers authenticate with OK, advertised addresses, a version that enables pings, and bound addresses', async () => {
    const client = await fixture.raw([], false);
    const { tokens } = await client.ask('authenticate|cymru|tag1,tag2');
    const hostPorts = `udp/127.0.0.1:${fixture.udpPort},tcp/127.0.0.1:${fixture.tcpPort}`;
    assert.deepEqual(tokens.slice(3), ['OK', hostPorts, 'v0.9.10', hostPorts]);
  });

  it('tells the advertised address in place of the bound one', async () => {
    const other = await Fixture.start({
      listen: [
        {
          transport: 'udp',
          address: '127.0.0.1',
          port: 0,
          advertise: { address: '203.0.113.10', port: 5060 },
        },
      ],
    });
    try {
      const client = await other.raw([], false);
      const { tokens } = await client.ask('authenticate|cymru|');
      assert.equal(tokens[4], 'udp/203.0.113.10:5060');
      assert.equal(tokens[6], `udp/127.0.0.1:${other.udpPort}`);
    } finally {
      await other.close();
    }
  });

  it('answers route, remove_route and ping', async () => {
    const client = await fixture.raw();
    assert.deepEqual((await client.ask('route|invite')).tokens.slice(3), ['OK']);
    assert.deepEqual((await client.ask('route|invite')).tokens.slice(3), ['OK']);
    assert.deepEqual((await client.ask('remove_route|invite')).tokens.slice(3), ['OK']);
    assert.deepEqual((await client.ask('ping')).tokens.slice(3), ['OK', 'pong']);
  });

  it('refuses a wrong secret and closes the connection', async () => {
    const client = await fixture.raw([], false);
    assert.deepEqual((await client.ask('authenticate|wrong|')).tokens.slice(3), ['NO', 'incorrect secret']);
    await client.closed;
  });

  it('refuses an unknown message type and closes the connection', async () => {
    const client = await fixture.raw();
    assert.deepEqual((await client.ask('foo|bar')).tokens.slice(3), ['NO', 'Unknown message type']);
    await client.closed;
  });

  it('refuses a message without a type and closes the connection', async () => {
    const client = await fixture.raw();
    client.writeUnframed('4#abcd');
    const { tokens } = await client.next('answer', (message) => message.tokens[2] === 'abcd');
    assert.deepEqual(tokens.slice(1), ['response', 'abcd', 'NO', 'Invalid message format']);
    await client.closed;
  });

  it('closes the connection at a length that is no number, and at one over the bound', async () => {
    const bad = await fixture.raw();
    bad.writeUnframed('xyz#abcd');
    await bad.closed;
    const long = await fixture.raw();
    long.writeUnframed('9999999#');
    await long.closed;
  });

  it('refuses requests before authentication', async () => {
    const client = await fixture.raw([], false);
    assert.equal((await client.ask('route|invite')).tokens[3], 'NO');
    await client.closed;
  });
});
