import assert from 'node:assert/strict';
import { VirtualClock } from '../../support/virtual-clock.js';
import { Fixture } from './support/fixture.js';
import type { RawClient } from './support/raw-client.js';
import type { RawUa } from './support/raw-ua.js';
import { compose, header, SDP, startLine } from './support/sip-text.js';

const ok = compose(['SIP/2.0 200 OK'], SDP);

describe('call detail records of the embedded engine (recording 26)', () => {
  let fixture: Fixture;
  let clock: VirtualClock;
  let a: RawUa;
  let app: RawClient;
  let books: RawClient;

  beforeEach(async () => {
    clock = new VirtualClock();
    fixture = await Fixture.start({}, clock);
    a = await fixture.ua();
    app = await fixture.raw(['invite']);
    books = await fixture.raw(['cdr:attempt', 'cdr:start', 'cdr:stop']);
  });
  afterEach(() => fixture.close());

  /** The next record: its kind, source and last field, and the message that caused it. */
  const record = async (): Promise<string[]> => {
    const { tokens, sip } = await books.next(
      'record',
      (message) => message.tokens[1]?.startsWith('cdr:') === true,
    );
    assert.match(tokens[3] ?? '', /^\d\d:\d\d:\d\d\.\d{6}$/);
    return [tokens[1]!, tokens[2]!, ...tokens.slice(4), startLine(sip).split(' sip:')[0]!];
  };

  const answered = async (): Promise<string> => {
    a.send(a.invite());
    const { tokens } = await app.nextSip('INVITE');
    await app.ask(`sip|${tokens[8]!}|`, ok);
    const answer = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, answer));
    await app.nextSip('ACK');
    return answer;
  };

  it('a call that comes in, is answered, and ends by BYE of the peer', async () => {
    const answer = await answered();
    assert.deepEqual(await record(), ['cdr:attempt', 'network', 'INVITE']);
    assert.deepEqual(await record(), ['cdr:start', 'application', 'uas', 'SIP/2.0 200 OK']);
    a.send(a.inDialog('BYE', 2, answer));
    assert.deepEqual(await record(), ['cdr:stop', 'network', 'normal-release', 'BYE']);
  });

  it('calls that come in and are refused, or cancelled', async () => {
    a.send(a.invite());
    const { tokens } = await app.nextSip('INVITE');
    await app.ask(`sip|${tokens[8]!}|`, compose(['SIP/2.0 486 Busy Here']));
    await record();
    assert.deepEqual(await record(), ['cdr:stop', 'application', 'call-rejected', 'SIP/2.0 486 Busy Here']);
    const invite = a.invite();
    a.send(invite);
    await app.nextSip('INVITE');
    await record();
    a.send(a.sameHop('CANCEL', invite));
    assert.deepEqual(await record(), ['cdr:stop', 'network', 'call-canceled', 'CANCEL']);
  });

  it('a call that goes out, is answered, and is ended by the application', async () => {
    await app.ask('sip||', compose([`INVITE sip:bob@127.0.0.1:${a.port} SIP/2.0`], SDP));
    assert.deepEqual(await record(), ['cdr:attempt', 'application', 'INVITE']);
    const invite = await a.nextRequest('INVITE');
    a.send(a.response(invite, 200, 'OK', 'b', [], SDP));
    const { tokens } = await app.nextSip('SIP/2.0 200');
    assert.deepEqual(await record(), ['cdr:start', 'network', 'uac', 'SIP/2.0 200 OK']);
    await app.ask(`sip||${tokens[9]!}`, compose(['ACK sip:placeholder SIP/2.0']));
    await app.ask(`sip||${tokens[9]!}`, compose(['BYE sip:placeholder SIP/2.0']));
    assert.deepEqual(await record(), ['cdr:stop', 'application', 'normal-release', 'BYE']);
  });

  it('a call that goes out and is refused', async () => {
    await app.ask('sip||', compose([`INVITE sip:bob@127.0.0.1:${a.port} SIP/2.0`], SDP));
    await record();
    a.send(a.response(await a.nextRequest('INVITE'), 404, 'Not Found'));
    assert.deepEqual(await record(), ['cdr:stop', 'network', 'call-rejected', 'SIP/2.0 404 Not Found']);
  });

  it('a call whose answer is never acknowledged', async () => {
    a.send(a.invite());
    const { tokens } = await app.nextSip('INVITE');
    await app.ask(`sip|${tokens[8]!}|`, ok);
    await record();
    await record();
    clock.advance(32_500);
    assert.deepEqual(await record(), ['cdr:stop', 'application', 'ackbye', 'BYE']);
  });

  it('a proxied call, in both roles', async () => {
    const b = await fixture.ua();
    a.send(a.invite());
    const { tokens } = await app.nextSip('INVITE');
    app.send(
      `proxy|${tokens[8]!}||fullResponse||serial|||sip:bob@127.0.0.1:${b.port}`,
      compose(['INVITE sip:b SIP/2.0']),
    );
    const invite = await b.nextRequest('INVITE');
    assert.equal(header(invite, 'Max-Forwards'), '69');
    b.send(b.response(invite, 200, 'OK', 'b', [], SDP));
    assert.deepEqual((await record())[0], 'cdr:attempt');
    assert.deepEqual(await record(), ['cdr:start', 'network', 'proxy-uac', 'SIP/2.0 200 OK']);
    assert.deepEqual(await record(), ['cdr:start', 'application', 'proxy-uas', 'SIP/2.0 200 OK']);
  });

  it('sends nothing to applications that did not ask', async () => {
    await answered();
    assert.equal(
      app.unread(({ tokens }) => tokens[1]?.startsWith('cdr:') === true),
      0,
    );
  });
});
