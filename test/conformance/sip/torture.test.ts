import assert from 'node:assert/strict';
import { parseMessage } from '../../../src/sip/parse-message.js';
import { parseNameAddr, parseNameAddrList } from '../../../src/sip/name-addr.js';
import { parseSipUri } from '../../../src/sip/uri.js';
import { parsedRequest, parsedResponse, requestLines, wire } from '../../fixtures/sip/sample-messages.js';

/** Cases after RFC 4475; each test carries the RFC's name for its message. */
describe('torture (RFC 4475), valid', () => {
  it('wsinv: white space, folding and odd case wherever the grammar allows them', () => {
    const invite = parsedRequest(
      wire([
        'INVITE sip:vivekg@chair.example.com;unknownparam SIP/2.0',
        'TO :',
        ' sip:vivekg@chair.example.com ;   tag    = 1918181833n',
        'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>',
        '  ;',
        '  tag = 98asjd8',
        'MaX-fOrWaRdS: 0068',
        'Call-ID: wsinv.ndaksdj@192.0.2.1',
        'Content-Length   : 0',
        'cseq: 0009',
        '  INVITE',
        'Via  : SIP  /   2.0',
        ' /UDP',
        '    192.0.2.2;branch=390skdjuw',
        's :',
        'NewFangledHeader:   newfangled value',
        ' continued newfangled value',
        'UnknownHeaderWithUnusualValue: ;;,,;;,;',
        'Route:',
        ' <sip:services.example.com;lr;unknownwith=value;unknown-no-value>',
        'v:  SIP  / 2.0  / TCP     spindle.example.com   ;',
        '  branch  =   z9hG4bK9ikj8  ,',
        ' SIP  /    2.0   / UDP  192.168.255.111   ; branch=',
        ' z9hG4bK30239',
        'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =',
        '      newvalue ;',
        '  secondparam ; q = 0.33',
      ]),
    );
    const { headers } = invite;
    assert.equal(headers.toTag(), '1918181833n');
    assert.equal(headers.from()?.displayName, 'J Rosenberg \\"');
    assert.equal(headers.fromTag(), '98asjd8');
    assert.deepEqual(headers.cseq(), { number: 9, method: 'INVITE' });
    assert.equal(headers.topVia()?.branch, '390skdjuw');
    assert.equal(headers.get('Subject'), '');
    headers.removeTopVia();
    assert.equal(headers.topVia()?.branch, 'z9hG4bK9ikj8');
    headers.removeTopVia();
    assert.equal(headers.topVia()?.branch, 'z9hG4bK30239');
    const contact = parseNameAddrList(headers.get('Contact') ?? '')?.[0];
    assert.equal(contact?.displayName, 'Quoted string ""');
    assert.deepEqual(
      [...contact.params],
      [
        ['newparam', 'newvalue'],
        ['secondparam', undefined],
        ['q', '0.33'],
      ],
    );
  });

  it('intmeth: every character that a method and a user part may hold', () => {
    const method = "!interesting-Method0123456789_*+`.%indeed'~";
    const uri =
      "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com";
    assert.equal(parsedRequest(wire(requestLines({ method, uri }))).method, method);
    assert.equal(parseSipUri(uri)?.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  });

  it('esc01, escnull: escapes in URIs, a null included', () => {
    assert.equal(parseSipUri('sip:sips%3Auser%40example.com@example.net')?.user, 'sips:user@example.com');
    assert.equal(parseSipUri('sip:null-%00-null@example.com')?.user, 'null-\0-null');
  });

  it('esc02: percent signs are no escapes in methods and display names', () => {
    const request = parsedRequest(
      wire(requestLines({ method: 'RE%47IST%45R', from: '"%Z%45" <sip:r@h>;tag=1' })),
    );
    assert.equal(request.method, 'RE%47IST%45R');
    assert.equal(request.headers.from()?.displayName, '%Z%45');
  });

  it('lwsdisp: no white space between display name and bracket', () => {
    assert.equal(parseNameAddr('caller<sip:caller@example.com>;tag=323')?.displayName, 'caller');
  });

  it('dblreq: a second request in the datagram is ignored', () => {
    const first = wire(requestLines({ method: 'REGISTER' }));
    assert.equal(parsedRequest(Buffer.concat([first, wire(requestLines())])).method, 'REGISTER');
  });

  it('semiuri: a semicolon in the user part starts no parameter', () => {
    const uri = parseSipUri('sip:user;par=u%40example.net@example.com');
    assert.equal(uri?.user, 'user;par=u@example.net');
    assert.equal(uri.params.size, 0);
  });

  it('transports: unknown transports in Via are read', () => {
    const request = parsedRequest(
      wire(requestLines({ via: 'SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bK1' })),
    );
    assert.equal(request.headers.topVia()?.transport, 'UNKNOWN');
  });

  it('unreason, noreason: any reason phrase, or none', () => {
    const rest = requestLines().slice(1);
    assert.equal(
      parsedResponse(wire(['SIP/2.0 200 = 2**3 * 5**2 но сто', ...rest])).reason,
      '= 2**3 * 5**2 но сто',
    );
    assert.equal(parsedResponse(wire(['SIP/2.0 100 ', ...rest])).reason, '');
  });

  it('unksm2: unknown schemes in From and To are read', () => {
    assert.equal(
      parsedRequest(wire(requestLines({ to: 'isbn:2983792873' }))).headers.to()?.uri,
      'isbn:2983792873',
    );
  });

  it('longreq: very long values are read', () => {
    const long = 'x'.repeat(3000);
    const request = parsedRequest(
      wire(requestLines({ callId: long, from: `"${long}" <sip:${long}@h>;tag=${long}` })),
    );
    assert.equal(request.headers.fromTag(), long);
  });
});

describe('torture (RFC 4475), invalid', () => {
  const status = (lines: string[], body = ''): number => {
    const result = parseMessage(wire(lines, body));
    return result.ok ? 200 : result.status;
  };
  const start = (line: string): string[] => [line, ...requestLines().slice(1)];

  const cases: [string, string[], number][] = [
    ['scalar02: a CSeq too large', requestLines({ cseq: '36893488147419103232 INVITE' }), 400],
    ['scalar02: a Max-Forwards too large', requestLines().map((line) => line.replace(': 70', ': 300')), 400],
    ['quotbal: an unbalanced quote', requestLines({ to: '"Mr. J. User <sip:j.user@example.com>' }), 400],
    ['ltgtruri: a Request-URI in brackets', start('INVITE <sip:user@example.com> SIP/2.0'), 400],
    ['lwsruri: white space in the Request-URI', start('INVITE sip:user@example.com; lr SIP/2.0'), 400],
    [
      'lwsstart: more than one space in the request line',
      start('INVITE  sip:user@example.com  SIP/2.0'),
      400,
    ],
    [
      'trws: white space at the end of the request line',
      start('OPTIONS sip:remote-target@example.com SIP/2.0  '),
      400,
    ],
    [
      'baddn: a separator in an unquoted display name',
      requestLines({ from: 'Bell, Alexander <sip:a@h>;tag=43' }),
      400,
    ],
    ['badvers: version 7.0', start('OPTIONS sip:t@example.org SIP/7.0'), 505],
    ['mismatch01: methods differ', requestLines({ method: 'OPTIONS', cseq: '8 INVITE' }), 400],
    ['bigcode: an enormous status', start('SIP/2.0 4294967301 better not break the receiver'), 400],
    ['unkscm: an unknown scheme', start('INVITE nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0'), 416],
    ['novelsc: an unusual but known scheme', start('INVITE soap.beep://192.0.2.103:3002 SIP/2.0'), 416],
    ['multi01: many values for single ones', requestLines({ more: ['CSeq: 59 INVITE', 'To: sip:x@y'] }), 400],
    ['mcl01: two Content-Length', requestLines({ more: ['Content-Length: 5'] }), 400],
    [
      'ncl: a negative Content-Length',
      requestLines().map((line) => line.replace('Length: 0', 'Length: -999')),
      400,
    ],
    [
      'clerr: Content-Length larger than the message',
      requestLines().map((line) => line.replace('Length: 0', 'Length: 9999')),
      400,
    ],
  ];
  for (const [name, lines, expected] of cases) {
    it(name, () => assert.equal(status(lines), expected));
  }
});
