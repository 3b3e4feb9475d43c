import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { VirtualClock } from '../../support/virtual-clock.js';
import { Fixture } from '../drachtio/support/fixture.js';
import type { RawClient } from '../drachtio/support/raw-client.js';
import type { RawUa } from '../drachtio/support/raw-ua.js';
import { compose, header, headers, status } from '../drachtio/support/sip-text.js';

const FOLDER = 'test/fixtures/torture/';

/**
 * What the engine answers to each message: the final status; 200 where it is for the application, which takes all
 * that it is given; 0 where there is nothing to answer.
 */
const VERDICTS = JSON.parse(readFileSync(`${FOLDER}verdicts.json`, 'utf8')) as Record<string, number>;
const VERBS = ['invite', 'register', 'options', 'message'];

describe('torture messages after RFC 4475, each over UDP to a running engine', () => {
  let fixture: Fixture;
  let ua: RawUa;
  let app: RawClient;
  let out: string[];
  let clock: VirtualClock;
  let running = true;

  before(async () => {
    clock = new VirtualClock();
    fixture = await Fixture.start({}, clock);
    // Answers go to the sent-by of Via, which is not ours: the tap shows them.
    fixture.engine.onMessage(({ direction, raw }) => {
      if (direction === 'out') out.push(raw.toString('latin1'));
    });
    ua = await fixture.ua();
    app = await fixture.raw(VERBS);
    const serve = async (): Promise<void> => {
      const { tokens } = await app.next(
        'request',
        (message) => message.tokens[1] === 'sip' && !message.sip.startsWith('SIP/'),
      );
      app.send(`sip|${tokens[8]!}|`, compose(['SIP/2.0 200 OK']));
    };
    // Until nothing has come for a while, or all is over.
    const serveAll = (): void => {
      serve().then(serveAll, () => {
        if (running) serveAll();
      });
    };
    serveAll();
  });
  after(async () => {
    running = false;
    await fixture.close();
  });
  beforeEach(() => {
    out = [];
    // So that no message is one of a flood, which would go unanswered.
    clock.advance(1_000);
  });

  for (const [name, verdict] of Object.entries(VERDICTS))
    it(`${name}: ${verdict === 0 ? 'dropped' : verdict}`, async () => {
      const message = readFileSync(`${FOLDER}${name}.sip`);
      const callId = /^(?:call-id|i)[ \t]*:[ \t]*(.*)\r$/im.exec(message.toString('latin1'))?.[1] ?? 'none';
      ua.send(message);
      // An ordinary request after it is answered as ever, and comes back after all that the message caused.
      for (let round = 0; round < 2; round++) {
        const ping = ua.request('OPTIONS');
        ua.send(ping);
        await ua.next(
          'answer to OPTIONS',
          (answer) => status(answer) === 200 && headers(answer, 'Call-ID')[0] === header(ping, 'Call-ID'),
        );
      }
      const answers = out.filter((sent) => status(sent) >= 200 && sent.includes(callId));
      assert.deepEqual([...new Set(answers.map(status))], verdict === 0 ? [] : [verdict]);
    });
});
