import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { createLogger } from '../../src/common/log.js';
import { seededRandom, type Random } from '../../src/common/random.js';
import { startEngine, type Engine } from '../../src/engine/engine.js';
import type { SipMessage } from '../../src/sip/message.js';
import { parseNameAddrList } from '../../src/sip/name-addr.js';
import { parseMessage } from '../../src/sip/parse-message.js';
import { serializeMessage } from '../../src/sip/serialize-message.js';
import { parseUri } from '../../src/sip/uri.js';
import { RawClient } from '../conformance/drachtio/support/raw-client.js';
import { SDP } from '../conformance/drachtio/support/sip-text.js';
import { mutate } from './mutations.js';

/** Something that the fuzzer found: what went wrong, and the message that did it, in base64. */
export interface Finding {
  readonly what: string;
  readonly message: string;
}

export interface FuzzResult {
  readonly seed: number;
  readonly messages: number;
  readonly findings: readonly Finding[];
}

const TORTURE = 'test/fixtures/torture/';
const SECRET = 'fuzz';
const BATCH = 50;
const SLOW_MS = 250;
const MAX_FINDINGS = 20;
const PING_MS = 5_000;

/** Real messages of a call, from and to an engine on that port, besides the torture messages. */
function corpus(port: number): Buffer[] {
  const lines = (first: string, cseq: string, more: readonly string[] = [], body = ''): Buffer =>
    Buffer.from(
      [
        first,
        'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKfuzz1;rport',
        'Max-Forwards: 70',
        'From: "Fuzz" <sip:fuzz@127.0.0.1>;tag=f1',
        `To: <sip:1000@127.0.0.1:${port}>${more.includes('in dialog') ? ';tag=t1' : ''}`,
        'Call-ID: fuzz-1@127.0.0.1',
        `CSeq: ${cseq}`,
        'Contact: <sip:fuzz@127.0.0.1:9>',
        ...more.filter((line) => line.includes(':')),
        ...(body === '' ? [] : ['Content-Type: application/sdp']),
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    );
  const uri = `sip:1000@127.0.0.1:${port}`;
  const of = (method: string, more: readonly string[] = [], body = ''): Buffer =>
    lines(`${method} ${uri} SIP/2.0`, `1 ${method}`, more, body);
  return [
    of('INVITE', ['Supported: 100rel, timer', 'Session-Expires: 1800;refresher=uac'], SDP),
    of('INVITE', ['Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com>'], SDP),
    of('INVITE', ['in dialog'], SDP),
    ...['ACK', 'BYE', 'UPDATE', 'INFO'].map((method) => of(method, ['in dialog'])),
    of('PRACK', ['in dialog', 'RAck: 1 1 INVITE']),
    of('NOTIFY', ['in dialog', 'Event: refer', 'Subscription-State: active']),
    of('REFER', ['Refer-To: <sip:b@h?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>']),
    of('CANCEL'),
    of('OPTIONS'),
    of('REGISTER', ['Authorization: Digest username="u", realm="r", nonce="n", uri="sip:h", response="0"']),
    lines('SIP/2.0 200 OK', '1 INVITE', ['in dialog'], SDP),
    lines('SIP/2.0 180 Ringing', '1 INVITE', ['in dialog', 'Require: 100rel', 'RSeq: 1']),
    ...readdirSync(TORTURE)
      .filter((name) => name.endsWith('.sip'))
      .map((name) => readFileSync(`${TORTURE}${name}`)),
  ];
}

/** What must hold of the parser for any bytes; returns what does not. */
function checkParser(bytes: Buffer): string | undefined {
  const started = performance.now();
  const result = parseMessage(bytes);
  if (result.ok) {
    const { message } = result;
    const again = parseMessage(serializeMessage(message));
    if (!again.ok) return `what was read is not read again once written: ${again.reason}`;
    if (written(again.message) !== written(message)) return 'headers are lost in writing';
    for (const [, value] of message.headers) {
      parseNameAddrList(value);
      parseUri(value);
    }
  }
  const tookMs = performance.now() - started;
  return tookMs > SLOW_MS ? `read in ${Math.round(tookMs)} ms` : undefined;
}

/** The headers but for Content-Length, which the writer adds. */
function written({ headers }: SipMessage): string {
  return headers.toText();
}

/** Mutates real messages against the parser and a live engine for that long. Repeatable from its seed but for timing. */
export async function runFuzz(options: { seed: number; seconds: number }): Promise<FuzzResult> {
  const { seed, seconds } = options;
  const random = seededRandom(seed);
  const findings: Finding[] = [];
  const engine = await startEngine(
    {
      listen: (['udp', 'tcp'] as const).map((transport) => ({ transport, address: '127.0.0.1', port: 0 })),
      control: { address: '127.0.0.1', port: 0, secret: SECRET },
      tap: false,
      protection: { overloadLagMs: 0 },
      timers: { t1Ms: 20, t2Ms: 80, t4Ms: 100 },
    },
    { log: createLogger('engine', 'silent') },
  );
  const app = await RawClient.connect(engine.controlPort);
  await app.ask(`authenticate|${SECRET}|`);
  for (const verb of ['invite', 'register', 'refer']) await app.ask(`route|${verb}`);
  const port = engine.listeners.find(({ transport }) => transport === 'udp')!.port;
  const socket = createSocket('udp4');
  const messages = corpus(port);
  let sent = 0;
  let current = Buffer.alloc(0);
  const note = (what: string): void => {
    // One finding of a kind is enough.
    const kind = what.split('\n', 3).join();
    if (findings.some((other) => other.what.split('\n', 3).join() === kind)) return;
    findings.push({ what, message: current.toString('base64') });
  };
  const onUncaught = (error: Error): void => {
    note(`uncaught in the engine: ${error.stack ?? error.message}`);
  };
  process.on('uncaughtException', onUncaught);
  try {
    const end = performance.now() + seconds * 1_000;
    while (performance.now() < end && findings.length < MAX_FINDINGS) {
      for (let count = 0; count < BATCH; count++) {
        current = Buffer.from(mutate(messages[Math.floor(random.fraction() * messages.length)]!, random));
        sent++;
        try {
          const wrong = checkParser(current);
          if (wrong !== undefined) note(wrong);
        } catch (error) {
          note(`the parser threw: ${String(error)}`);
        }
        if (current.length > 0 && current.length < 60_000) socket.send(current, port, '127.0.0.1');
      }
      await overTcp(engine, current, random);
      answerSome(app, random);
      if (!(await isAlive(port))) note('the engine does not answer an OPTIONS any more');
      await turn();
    }
  } finally {
    process.off('uncaughtException', onUncaught);
    socket.close();
    app.close();
    await engine.close();
  }
  return { seed, messages: sent, findings };
}

/** The application answers some of what it is given, with whatever status. */
function answerSome(app: RawClient, random: Random): void {
  for (;;) {
    const given = app.take(({ tokens, sip }) => tokens[1] === 'sip' && !sip.startsWith('SIP/'));
    if (!given) return;
    const status = [180, 183, 200, 302, 404, 486, 603][Math.floor(random.fraction() * 7)]!;
    app.send(`sip|${given.tokens[8]!}|`, `SIP/2.0 ${status} Fuzz\r\nContent-Length: 0\r\n\r\n`);
  }
}

async function overTcp(engine: Engine, message: Buffer, random: Random): Promise<void> {
  const port = engine.listeners.find(({ transport }) => transport === 'tcp')!.port;
  const cut = Math.floor(random.fraction() * message.length);
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(message.subarray(0, cut));
      socket.end(message.subarray(cut));
    });
    socket.resume();
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve();
    });
    // Half a message keeps the connection waiting: the next one matters more.
    socket.setTimeout(200, () => socket.destroy());
  });
}

async function isAlive(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const callId = `alive-${Math.floor(performance.now() * 1_000)}`;
  const answered = await new Promise<boolean>((resolve) => {
    const ask = (): void => {
      socket.send(
        `OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${callId};rport\r\nFrom: <sip:f@h>;tag=1\r\nTo: <sip:t@h>\r\nCall-ID: ${callId}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
        port,
        '127.0.0.1',
      );
    };
    // The socket buffer may be full of noise: asked again, as a peer would.
    const again = setInterval(ask, 100);
    const giveUp = setTimeout(() => {
      clearInterval(again);
      resolve(false);
    }, PING_MS);
    socket.on('message', () => {
      clearInterval(again);
      clearTimeout(giveUp);
      resolve(true);
    });
    ask();
  });
  socket.close();
  return answered;
}
