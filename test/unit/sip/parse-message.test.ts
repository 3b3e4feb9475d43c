import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HeaderList, type SipRequest } from '../../../src/sip/message.js';
import { DEFAULT_LIMITS, parseMessage, type ParseResult } from '../../../src/sip/parse-message.js';
import { serializeMessage } from '../../../src/sip/serialize-message.js';
import {
  parsed,
  parsedRequest,
  parsedResponse,
  request,
  requestLines,
  wire,
} from '../../fixtures/sip/sample-messages.js';

function failure(result: ParseResult): Extract<ParseResult, { ok: false }> {
  assert.ok(!result.ok, 'the message was accepted');
  return result;
}

describe('parseMessage', () => {
  it('reads a request with its headers in order and its body', () => {
    const message = parsedRequest(wire(requestLines({ body: 'v=0\r\n' }), 'v=0\r\n'));
    assert.equal(message.method, 'INVITE');
    assert.equal(message.uri, 'sip:bob@192.0.2.4');
    assert.equal(message.headers.get('call-id'), 'a84b4c76e66710@192.0.2.1');
    assert.deepEqual(
      [...message.headers.entries()].map(([name]) => name),
      ['Via', 'Max-Forwards', 'From', 'To', 'Call-ID', 'CSeq', 'Contact', 'Content-Length'],
    );
    assert.equal(message.body.toString(), 'v=0\r\n');
  });

  it('reads a response, even one without a reason phrase or the space before it', () => {
    const rest = requestLines().slice(1);
    assert.equal(parsedResponse(wire(['SIP/2.0 180 Ringing Now', ...rest])).reason, 'Ringing Now');
    assert.equal(parsedResponse(wire(['SIP/2.0 180 ', ...rest])).reason, '');
    assert.equal(parsedResponse(wire(['SIP/2.0 180', ...rest])).status, 180);
  });

  it('knows compact forms and any case (7.3.3)', () => {
    const message = parsed(
      wire([
        'OPTIONS sip:b@h SIP/2.0',
        'v: SIP/2.0/TCP h;branch=z9hG4bK1',
        'F: <sip:a@h>;tag=1',
        't: <sip:b@h>',
        'i: x',
        'cSEQ: 1 OPTIONS',
        'm: <sip:a@h>',
        'l: 0',
      ]),
    );
    assert.equal(message.headers.get('Contact'), '<sip:a@h>');
    assert.equal(message.headers.get('Via'), 'SIP/2.0/TCP h;branch=z9hG4bK1');
    assert.equal(message.headers.get('CSEQ'), '1 OPTIONS');
  });

  it('unfolds continued lines (7.3.1)', () => {
    const message = request({
      more: ['Subject: I know you are there,', '\tpick up', '   the phone', 'X-After: y'],
    });
    assert.equal(message.headers.get('Subject'), 'I know you are there, pick up the phone');
    assert.equal(message.headers.get('X-After'), 'y');
  });

  it('ignores CRLFs before the start line and bytes after the body', () => {
    const message = parsed(
      Buffer.concat([Buffer.from('\r\n\r\n'), wire(requestLines({ body: 'abc' }), 'abcSURPLUS')]),
    );
    assert.equal(message.body.toString(), 'abc');
  });

  it('takes the whole datagram as body when Content-Length is missing', () => {
    const lines = requestLines().filter((line) => !line.startsWith('Content-Length'));
    assert.equal(parsed(wire(lines, 'hello')).body.toString(), 'hello');
  });

  it('keeps UTF-8 in display names', () => {
    assert.equal(request({ from: '"Zoë 電話" <sip:z@h>;tag=1' }).headers.from()?.displayName, 'Zoë 電話');
  });

  const rejected: [string, string[], number, RegExp][] = [
    [
      'a body shorter than Content-Length',
      requestLines({ more: ['X: y'] }).map((line) => line.replace('Length: 0', 'Length: 9')),
      400,
      /Shorter/,
    ],
    [
      'a negative Content-Length',
      requestLines().map((line) => line.replace('Length: 0', 'Length: -1')),
      400,
      /Content-Length/,
    ],
    ['a CSeq of another method', requestLines({ cseq: '1 BYE' }), 400, /CSeq Method/],
    ['a CSeq beyond 2^31', requestLines({ cseq: '36893488147419103232 INVITE' }), 400, /CSeq/],
    [
      'a Max-Forwards that is no number',
      requestLines().map((line) => line.replace('Forwards: 70', 'Forwards: many')),
      400,
      /Max-Forwards/,
    ],
    ['two From headers', requestLines({ more: ['From: <sip:x@y>;tag=2'] }), 400, /Repeated/],
    ['a From without URI', requestLines({ from: 'nobody' }), 400, /From/],
    ['an open quote in To', requestLines({ to: '"Bob <sip:b@h>' }), 400, /To/],
    [
      'an unknown version',
      requestLines()
        .map((line) => line.replace('SIP/2.0', 'SIP/7.0'))
        .map((line, at) => (at === 0 ? line : line.replace('SIP/7.0', 'SIP/2.0'))),
      505,
      /Version/,
    ],
    ['an unknown URI scheme', requestLines({ uri: 'nobodyKnowsThisScheme:totallyopaque' }), 416, /Scheme/],
    ['a URI in brackets', requestLines({ uri: '<sip:user@example.com>' }), 400, /Request-URI/],
    ['white space in the Request-URI', requestLines({ uri: 'sip:user@example.com; lr' }), 400, /Request-URI/],
    ['a header line without colon', requestLines({ more: ['garbage here'] }), 400, /Header Line/],
    ['a method that is no token', requestLines({ method: 'IN[VITE', cseq: '1 IN[VITE' }), 400, /Method/],
  ];
  for (const [what, lines, status, reason] of rejected) {
    it(`answers ${status} to ${what}`, () => {
      const result = failure(parseMessage(wire(lines)));
      assert.equal(result.status, status);
      assert.match(result.reason, reason);
      if (result.reason !== 'Bad Method' && result.reason !== 'Bad From') {
        assert.equal(result.request?.headers.get('call-id'), 'a84b4c76e66710@192.0.2.1');
      }
    });
  }

  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) {
    it(`rejects a request without ${name}, and offers nothing to answer`, () => {
      const result = failure(
        parseMessage(wire(requestLines().filter((line) => !line.startsWith(`${name}:`)))),
      );
      assert.equal(result.status, 400);
      assert.equal(result.reason, `Missing ${name}`);
      assert.equal(result.request, undefined);
    });
  }

  it('never offers a malformed ACK or response for an answer', () => {
    assert.equal(
      failure(parseMessage(wire(requestLines({ method: 'ACK', cseq: '1 INVITE' })))).request,
      undefined,
    );
    const response = ['SIP/2.0 2000 OK', ...requestLines().slice(1)];
    assert.equal(failure(parseMessage(wire(response))).request, undefined);
  });

  it('rejects bare line feeds and carriage returns', () => {
    assert.equal(failure(parseMessage(wire(requestLines({ more: ['X: a\nVia: smuggled'] })))).status, 400);
    assert.equal(failure(parseMessage(wire(requestLines({ more: ['X: a\rb'] })))).status, 400);
    assert.equal(parseMessage(Buffer.from(requestLines().join('\n') + '\n\n')).ok, false);
  });

  it('answers 413 beyond its limits', () => {
    const tight = { maxHeaders: 10, maxHeaderBytes: 600, maxBodyBytes: 3 };
    const many = requestLines({ more: ['A: 1', 'B: 2', 'C: 3'] });
    assert.equal(failure(parseMessage(wire(many), tight)).status, 413);
    assert.equal(
      failure(parseMessage(wire(requestLines({ more: [`X: ${'x'.repeat(600)}`] })), tight)).status,
      413,
    );
    assert.equal(failure(parseMessage(wire(requestLines({ body: 'four' }), 'four'), tight)).status, 413);
    const claimed = requestLines().map((line) => line.replace('Length: 0', 'Length: 99999999999999'));
    assert.equal(failure(parseMessage(wire(claimed), DEFAULT_LIMITS)).status, 413);
  });

  it('never throws, whatever the bytes', () => {
    const good = wire(requestLines({ body: 'v=0' }), 'v=0');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        parseMessage(Buffer.from(bytes));
      }),
      { numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        parseMessage(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it('reads back whatever it wrote', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/);
    const value = fc.stringMatching(/^[A-Za-z0-9;=<>:@ ",é-]{0,30}$/).map((text) => text.trim());
    fc.assert(
      fc.property(
        token.filter((method) => method !== 'SIP'),
        fc.array(
          fc.tuple(
            token.map((name) => `X-${name}`),
            value,
          ),
          { maxLength: 12 },
        ),
        fc.uint8Array({ maxLength: 60 }),
        (method, extra, body) => {
          const message: SipRequest = {
            kind: 'request',
            method,
            uri: 'sip:b@h',
            headers: HeaderList.of([
              ['Via', 'SIP/2.0/UDP h;branch=z9hG4bK1'],
              ['From', '<sip:a@h>;tag=1'],
              ['To', '<sip:b@h>'],
              ['Call-ID', 'x'],
              ['CSeq', `1 ${method}`],
              ...extra,
            ]),
            body: Buffer.from(body),
          };
          const back = parsedRequest(serializeMessage(message));
          assert.equal(back.method, method);
          assert.deepEqual(
            [...back.headers.entries()].filter(([name]) => name !== 'Content-Length'),
            [...message.headers.entries()],
          );
          assert.ok(back.body.equals(message.body));
        },
      ),
      { numRuns: 500 },
    );
  });
});
