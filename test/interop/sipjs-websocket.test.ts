import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Inviter, SessionState, URI, UserAgent, Web } from 'sip.js';
import { WebSocket } from 'ws';
import { tone } from '../../src/demo/audio/audio-source.js';
import { RtpEndpoint } from '../../src/demo/rtp-endpoint.js';
import { RtpSessionDescriptionHandler } from '../../src/demo/rtp-session-description-handler.js';
import { DemoUserAgent } from '../../src/demo/user-agent.js';
import { hasOpenssl, TestAuthority } from '../support/certificates.js';
import { freePort } from '../support/free-ports.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';

const CALLER_HZ = 440;
const BOT_HZ = 700;
const AGENT_HZ = 1000;
const HEAR_MS = 8_000;

/** sip.js as it runs in a browser, its own WebSocket transport included; only the media is RTP of ours. */
class Browser {
  readonly rtp = new RtpEndpoint({ host: '127.0.0.1', source: tone(CALLER_HZ) });
  readonly #ua: UserAgent;
  #inviter: Inviter | undefined;

  constructor(server: string) {
    this.#ua = new UserAgent({
      uri: new URI('sip', 'alice', 'browser.example'),
      transportConstructor: Web.Transport,
      transportOptions: { server, keepAliveInterval: 1 },
      sessionDescriptionHandlerFactory: () =>
        new RtpSessionDescriptionHandler(this.rtp, { host: '127.0.0.1', codecs: ['PCMU', 'PCMA'] }),
      gracefulShutdown: false,
      logBuiltinEnabled: false,
      logConfiguration: false,
    });
  }

  async call(uri: string): Promise<void> {
    await this.#ua.start();
    const target = UserAgent.makeURI(uri);
    assert.ok(target);
    this.#inviter = new Inviter(this.#ua, target);
    await this.#inviter.invite();
  }

  async reaches(state: SessionState): Promise<void> {
    const session = this.#inviter;
    assert.ok(session);
    await new Promise<void>((resolve, reject) => {
      const look = (now: SessionState): void => {
        if (now === state) resolve();
        else if (now === SessionState.Terminated) reject(new Error('the call ended'));
      };
      session.stateChange.addListener(look);
      look(session.state);
    });
  }

  async hangUp(): Promise<void> {
    await this.#inviter?.bye();
  }

  async close(): Promise<void> {
    this.rtp.close();
    await this.#ua.stop();
  }
}

describe('Interop: sip.js over WebSocket as a caller', function () {
  this.timeout(60_000);
  const open: { close(): unknown }[] = [];
  const original = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  const sockets: WebSocket[] = [];
  let ca: string | undefined;

  before(() => {
    // sip.js takes the browser's WebSocket; this one can be told which authority to trust.
    class Trusting extends WebSocket {
      constructor(url: string, protocols: string) {
        super(url, protocols, ca === undefined ? {} : { ca: readFileSync(ca) });
        sockets.push(this);
      }
    }
    Object.defineProperty(globalThis, 'WebSocket', { value: Trusting, configurable: true, writable: true });
  });
  after(() => {
    if (original) Object.defineProperty(globalThis, 'WebSocket', original);
    else Reflect.deleteProperty(globalThis, 'WebSocket');
  });
  afterEach(async () => {
    ca = undefined;
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const party = async (name: string, toneHz: number): Promise<DemoUserAgent> => {
    const agent = await DemoUserAgent.start({ name, source: () => tone(toneHz) });
    open.push(agent);
    return agent;
  };

  const start = async (
    listen: string,
    server: string,
  ): Promise<{ node: NodeUnderTest; browser: Browser; bot: DemoUserAgent; agent: DemoUserAgent }> => {
    const [bot, agent] = [await party('bot', BOT_HZ), await party('201', AGENT_HZ)];
    const node = await startNodeUnderTest({
      botUri: `sip:bot@127.0.0.1:${bot.port};transport=tcp`,
      agentPort: agent.port,
      listen: [listen],
    });
    open.push(node);
    const browser = new Browser(server);
    open.push(browser);
    return { node, browser, bot, agent };
  };

  const overWs = async () => {
    const port = await freePort(15_000, 15_499);
    return start(`{ transport: ws, address: 127.0.0.1, port: ${port} }`, `ws://127.0.0.1:${port}`);
  };

  it('talks to the bot over WS, and is told when the bot hangs up', async () => {
    const { node, browser, bot } = await overWs();
    await browser.call(`sip:${NUMBERS.basic}@${node.target}`);
    await browser.reaches(SessionState.Established);
    const [call] = bot.calls;
    assert.ok(call);
    await Promise.all([
      browser.rtp.hearing.hears(BOT_HZ, { withinMs: HEAR_MS }),
      call.hearing.hears(CALLER_HZ, { withinMs: HEAR_MS }),
    ]);
    await call.hangUp();
    await browser.reaches(SessionState.Terminated);
    await node.newestCall((one) => one.state === 'ended');
  });

  it('is handed over to an agent over WSS, and hangs up', async function () {
    if (!hasOpenssl()) {
      process.stdout.write('      openssl not installed: skipped\n');
      this.skip();
    }
    const authority = new TestAuthority();
    open.push(authority);
    const { cert, key } = authority.issue('IP:127.0.0.1');
    ca = authority.ca;
    const port = await freePort(15_000, 15_499);
    const { node, browser, agent } = await start(
      `{ transport: wss, address: 127.0.0.1, port: ${port}, cert: ${cert}, key: ${key} }`,
      `wss://127.0.0.1:${port}`,
    );
    await browser.call(`sip:${NUMBERS.bridged}@${node.target}`);
    await browser.rtp.hearing.hears(BOT_HZ, { withinMs: HEAR_MS });
    const { callId } = await node.newestCall((one) => one.state === 'with_bot');
    const asked = await node.api(`/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'operator' }),
    });
    assert.equal(asked.status, 202);
    await browser.rtp.hearing.hears(AGENT_HZ, { withinMs: HEAR_MS });
    const [call] = agent.calls;
    assert.ok(call);
    await call.hearing.hears(CALLER_HZ, { withinMs: HEAR_MS });
    await browser.hangUp();
    const ended = await node.newestCall((one) => one.state === 'ended');
    assert.equal(ended.transfers[0]?.result?.outcome, 'completed');
    await call.ended;
  });

  it('ends the call of a browser whose connection broke', async () => {
    const { node, browser, bot } = await overWs();
    await browser.call(`sip:${NUMBERS.basic}@${node.target}`);
    await browser.reaches(SessionState.Established);
    const [call] = bot.calls;
    assert.ok(call);
    sockets.at(-1)?.terminate();
    // Nobody can open a WebSocket to a browser: the bot's BYE ends the call at the node all the same.
    await call.hangUp();
    await node.newestCall((one) => one.state === 'ended' && one.endedAt !== null, 45_000);
  });
});
