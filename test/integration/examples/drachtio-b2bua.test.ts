import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Fixture, SECRET } from '../../conformance/drachtio/support/fixture.js';
import { header, SDP, startLine, tag } from '../../conformance/drachtio/support/sip-text.js';

describe('examples/drachtio-b2bua', () => {
  it('connects as a stranger’s program does, joins a call, and ends both sides', async () => {
    const fixture = await Fixture.start();
    const caller = await fixture.ua();
    const callee = await fixture.ua();
    const program = spawn(process.execPath, ['examples/drachtio-b2bua/b2bua.js'], {
      env: {
        ...process.env,
        TARGET: `sip:bob@127.0.0.1:${callee.port}`,
        CONTROL_PORT: String(fixture.engine.controlPort),
        SECRET,
        VERBOSE: 'yes',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(program, 'exit');
    try {
      const [line] = (await once(program.stdout, 'data')) as [Buffer];
      assert.equal(line.toString().startsWith('connected: udp/127.0.0.1:'), true, line.toString());
      await fixture.settled();
      caller.send(caller.invite());
      const invite = await callee.nextRequest('INVITE', 10_000);
      assert.equal(startLine(invite), `INVITE sip:bob@127.0.0.1:${callee.port} SIP/2.0`);
      callee.send(callee.response(invite, 200, 'OK', 'btag', [], SDP));
      const answer = await caller.nextResponse(200, 'INVITE', 10_000);
      assert.ok(tag(header(answer, 'To')));
      const joined = once(program.stdout, 'data');
      caller.send(caller.inDialog('ACK', 1, answer));
      await callee.nextRequest('ACK', 10_000);
      // A BYE that overtakes the program's own handlers is lost on any drachtio-srf program.
      assert.match(String((await joined)[0]), /^joined: /);
      caller.send(caller.inDialog('BYE', 2, answer));
      await caller.nextResponse(200, 'BYE', 10_000);
      await callee.nextRequest('BYE', 10_000);
    } finally {
      program.kill();
      await ended;
      await fixture.close();
    }
  });
});
