/**
 * A small voicebot on SIP, to show how a bot of your own plugs into Relevo: no SDK, plain SIP and RTP.
 *
 *   node dist/examples/sip-bot/sip-bot.js --port 5070
 *
 * and in the configuration of the node:
 *
 *   bots:
 *     reception: { kind: sip, uri: "sip:bot@127.0.0.1:5070;transport=tcp" }
 *
 * It is written on sip.js. Any SIP stack will do: a bot is called, answers, and talks.
 */
import { parseArgs } from 'node:util';
import { melody } from '../../src/demo/audio/audio-source.js';
import type { DemoCall } from '../../src/demo/demo-call.js';
import { DemoUserAgent } from '../../src/demo/user-agent.js';

/** Stands in for your text-to-speech: anything that fills 8 kHz samples. */
const hello = [
  { hz: 523, ms: 200 },
  { hz: 659, ms: 200 },
  { hz: 784, ms: 400 },
];
const listening = [
  { hz: 440, ms: 100 },
  { hz: 0, ms: 1900 },
];

export interface SipBot {
  readonly uri: string;
  close(): Promise<void>;
}

/** Starts the bot on a port (0 takes a free one); `say` gets a line for each thing that happens. */
export async function startSipBot(port: number, say: (line: string) => void): Promise<SipBot> {
  const agent = await DemoUserAgent.start({
    name: 'bot',
    port,
    // Each call gets its own audio: the greeting once, then a beep every two seconds.
    source: () => melody(hello, listening),
    // Relevo calls; the bot answers at once. A bot that needs a moment may ring: { kind: 'answer', afterMs: 300 }.
    answer: { kind: 'answer', ring: false },
  });
  agent.onCall((call) => {
    serve(call, say);
  });
  return { uri: agent.uri, close: () => agent.close() };
}

function serve(call: DemoCall, say: (line: string) => void): void {
  // The headers that the project's configuration passes on arrive in the INVITE.
  say(`call ${call.sipCallId} from ${call.remoteUri}`);
  const report = (error: unknown): void => {
    say(`call ${call.sipCallId}: ${String(error)}`);
  };

  call.on('dtmf', (digit) => {
    say(`the caller pressed ${digit}`);
    if (digit === '1') askByRefer(call, say).catch(report);
    if (digit === '2') askByInfo(call, say).catch(report);
  });

  // Relevo tells the bot by INFO what became of a transfer; the same session goes on where it failed.
  call.on('info', ({ body }) => {
    say(`Relevo says ${body}`);
  });

  // After a hand-over Relevo ends the bot's call: the caller is with a person now.
  void call.ended.then((end) => {
    say(`call ${call.sipCallId} ended by ${end.by}`);
  });
}

/**
 * First way: REFER within the call (RFC 3515). The user part names a destination of the configuration; the host
 * does not matter. The NOTIFYs tell how far the hand-over has come.
 */
async function askByRefer(call: DemoCall, say: (line: string) => void): Promise<void> {
  const refer = await call.refer('sip:front-desk@relevo.invalid');
  say(`REFER answered ${refer.status}`);
  const outcome = await refer.outcome;
  say(`hand-over: ${outcome.status ?? 'no final status'} (${outcome.by})`);
}

/**
 * Second way: say what was understood, and let the rules of the project decide. This turn fires a rule such as
 * `{ name: asks for a person, intent: [agent], reason: user_request }`.
 */
async function askByInfo(call: DemoCall, say: (line: string) => void): Promise<void> {
  const status = await call.sendEvent({
    event: 'turn',
    intent: 'agent',
    confidence: 0.9,
    text: 'I want to talk to a person',
  });
  say(`INFO answered ${status}`);
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '5070' } } });
  const bot = await startSipBot(Number(values.port), (line) => {
    process.stdout.write(`${line}\n`);
  });
  process.stdout.write(`voicebot at ${bot.uri}\n`);
  const stop = (): void => void bot.close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}
