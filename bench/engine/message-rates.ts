import { seededRandom } from '../../src/common/random.js';
import type { Clock, Timer } from '../../src/common/clock.js';
import { HeaderList, NO_BODY, type SipMessage, type SipRequest } from '../../src/sip/message.js';
import { parseMessage } from '../../src/sip/parse-message.js';
import { createResponse } from '../../src/sip/response.js';
import { serializeMessage } from '../../src/sip/serialize-message.js';
import { TransactionLayer } from '../../src/sip/transaction/transaction-layer.js';
import type { Destination } from '../../src/sip/transaction/transport.js';
import { peerSdp, requestText, responseTo } from '../peer/sip-text.js';

/** The ten messages that one side of an ordinary call sees, as a carrier writes them. */
function callMessages(): Buffer[] {
  const from = '<sip:+5491155550199@192.0.2.10:5060>;tag=a73kszlfl';
  const to = '<sip:1000@198.51.100.7>';
  const request = (method: string, cseq: number, body = ''): string =>
    requestText({
      method,
      uri: 'sip:1000@198.51.100.7:5060',
      localPort: 5060,
      branch: `776asdhds${cseq}${method}`,
      from,
      to: method === 'INVITE' ? to : `${to};tag=1928301774`,
      callId: 'a84b4c76e66710-1234567890@192.0.2.10',
      cseq,
      headers: [
        'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY, PRACK',
        'Supported: timer, 100rel, replaces',
        'User-Agent: Carrier/7.2',
        'P-Asserted-Identity: <sip:+5491155550199@carrier.example.net>',
        ...(body === '' ? [] : ['Content-Type: application/sdp']),
      ],
      body,
    });
  const invite = request('INVITE', 1, peerSdp(30_000));
  const bye = request('BYE', 2);
  const answer = (text: string, line: string, body = ''): string =>
    responseTo(text, line, '1928301774', 'sip:bot@198.51.100.7:5060', body);
  return [
    invite,
    answer(invite, '100 Trying'),
    answer(invite, '180 Ringing'),
    answer(invite, '200 OK', peerSdp(40_000)),
    request('ACK', 1),
    bye,
    answer(bye, '200 OK'),
  ].map((text) => Buffer.from(text));
}

/** Runs `once` for about `ms` of this process's CPU time; how often per second of it. */
function ratePerCpuSecond(ms: number, once: () => void, perRun: number): number {
  const warmUntil = performance.now() + ms / 4;
  while (performance.now() < warmUntil) once();
  const start = process.cpuUsage();
  let runs = 0;
  for (;;) {
    for (let burst = 0; burst < 50; burst++) once();
    runs += 50;
    const { user, system } = process.cpuUsage(start);
    const usedMs = (user + system) / 1000;
    if (usedMs >= ms) return (runs * perRun * 1000) / usedMs;
  }
}

/** Timers that are started and cancelled but never fire: nothing is lost here. */
class StillClock implements Clock {
  running = 0;

  now(): number {
    return 0;
  }

  wallMs(): number {
    return 0;
  }

  after(): Timer {
    this.running++;
    return {
      cancel: () => {
        this.running--;
      },
    };
  }
}

/** One call between two layers in this thread: an INVITE and a BYE transaction on each side, bytes and parsing included. */
function callBetweenLayers(): () => void {
  const clock = new StillClock();
  const random = seededRandom(1);
  const destination: Destination = { transport: 'udp', address: '192.0.2.2', port: 5060 };
  const ignore = (): void => undefined;
  const layerWith = (receive: (bytes: Buffer) => void): TransactionLayer => {
    const layer: TransactionLayer = new TransactionLayer({
      clock,
      random,
      outbound: { sentBy: () => '192.0.2.1:5060', send: (_to, bytes) => receive(bytes) },
      user: {
        onRequest: (request, id) => {
          const toTag = request.headers.toTag() ?? 'callee';
          if (request.method === 'INVITE')
            layer.respond(id, createResponse(request, 180, undefined, { toTag }));
          layer.respond(id, createResponse(request, 200, undefined, { toTag }));
        },
        onAck: ignore,
        onCancel: ignore,
        onAckTimeout: ignore,
        onResponseTransportError: ignore,
        onStrayResponse: ignore,
      },
    });
    return layer;
  };
  const source = { transport: 'udp', address: '192.0.2.2', port: 5060 } as const;
  const caller: TransactionLayer = layerWith((bytes) => callee.receiveBytes(bytes, source));
  const callee: TransactionLayer = layerWith((bytes) => caller.receiveBytes(bytes, source));
  let calls = 0;
  const request = (method: string, cseq: number): SipRequest => ({
    kind: 'request',
    method,
    uri: 'sip:callee@192.0.2.2',
    headers: HeaderList.of([
      ['From', '<sip:caller@192.0.2.1>;tag=caller'],
      ['To', `<sip:callee@192.0.2.2>${method === 'INVITE' ? '' : ';tag=callee'}`],
      ['Call-ID', `call-${calls}`],
      ['CSeq', `${cseq} ${method}`],
      ['Contact', '<sip:caller@192.0.2.1>'],
    ]),
    body: NO_BODY,
  });
  return () => {
    calls++;
    for (const [method, cseq] of [
      ['INVITE', 1],
      ['BYE', 2],
    ] as const)
      caller.sendRequest(request(method, cseq), destination, {
        onResponse: ignore,
        onTimeout: ignore,
        onTransportError: ignore,
      });
    caller.sendStateless(request('ACK', 1), destination);
    // Nothing ages on a clock that stands still: the layers are emptied as timers would.
    if (calls % 1000 === 0) {
      caller.close();
      callee.close();
    }
  };
}

export interface MessageRates {
  readonly parsedPerS: number;
  readonly serializedPerS: number;
  readonly transactionsPerS: number;
}

/** What one core does of the pure parts, per second of CPU time; each is measured for `ms`. */
export function measureMessageRates(ms: number): MessageRates {
  const messages = callMessages();
  const parsed = messages.map((bytes): SipMessage => {
    const result = parseMessage(bytes);
    if (!result.ok) throw new Error(`the benchmark's own message does not parse: ${result.reason}`);
    return result.message;
  });
  const parsedPerS = ratePerCpuSecond(
    ms,
    () => {
      for (const bytes of messages) {
        const result = parseMessage(bytes);
        // As every message is looked at: by transaction and by dialog.
        if (result.ok) touch(result.message);
      }
    },
    messages.length,
  );
  const serializedPerS = ratePerCpuSecond(
    ms,
    () => {
      for (const message of parsed) serializeMessage(message);
    },
    parsed.length,
  );
  return { parsedPerS, serializedPerS, transactionsPerS: ratePerCpuSecond(ms, callBetweenLayers(), 4) };
}

function touch({ headers }: SipMessage): void {
  headers.topVia();
  headers.cseq();
  headers.callId();
  headers.fromTag();
  headers.toTag();
}
