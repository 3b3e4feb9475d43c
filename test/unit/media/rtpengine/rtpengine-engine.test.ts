import assert from 'node:assert/strict';
import { createLogger } from '../../../../src/common/log.js';
import { RelevoError } from '../../../../src/common/errors.js';
import { PromptLibrary } from '../../../../src/media/prompt/prompt-library.js';
import type { NgDictionary } from '../../../../src/media/rtpengine/ng-client.js';
import { RtpengineEngine } from '../../../../src/media/rtpengine/rtpengine-engine.js';
import type { FromMediaWorker, ToMediaWorker } from '../../../../src/media/worker-messages.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { AGREED } from './agreed-settings.js';
import { FakeNg, refusal, settle } from './fake-ng.js';

describe('rtpengine: calls of a node', () => {
  let ng: FakeNg;
  let clock: VirtualClock;
  let engine: RtpengineEngine;
  let said: FromMediaWorker[];
  let lost: string[];
  /** Seconds since 1970 of the last packet of each tag. */
  let last: Map<string, number>;

  beforeEach(() => {
    ng = new FakeNg();
    clock = new VirtualClock();
    said = [];
    lost = [];
    last = new Map();
    ng.answers.set('query', (): NgDictionary => ({
      tags: Object.fromEntries(
        [...last].map(([tag, seconds]): [string, NgDictionary] => [
          tag,
          { medias: [{ streams: [{ 'last packet': seconds }] }] },
        ]),
      ),
    }));
    engine = new RtpengineEngine({
      ng,
      clock,
      prompts: new PromptLibrary(),
      log: createLogger('test', 'silent'),
      onLost: (cause) => lost.push(cause),
    });
  });

  afterEach(() => {
    engine.close();
  });

  const reply = (message: FromMediaWorker): void => {
    said.push(message);
  };
  const tell = async (...commands: ToMediaWorker[]): Promise<void> => {
    for (const command of commands) engine.execute(command, reply);
    await settle();
  };
  const open = (callId: string, legId: string, again = false): ToMediaWorker => ({
    kind: 'open',
    callId,
    legId,
    symmetricRtp: true,
    family: 4,
    party: 'caller',
    ...(again && { again: true }),
  });
  const configure = (legId: string): ToMediaWorker => ({ kind: 'configure', legId, settings: AGREED });
  const hear = (legId: string, other: string): ToMediaWorker => ({
    kind: 'hear',
    legId,
    source: { kind: 'leg', legId: other },
  });
  /** One second at a time, as rtpengine is asked. */
  const pass = async (seconds: number, each: () => void = () => undefined): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      each();
      await settle();
    }
  };
  const kinds = (): string[] =>
    said.map((message) => (message.kind === 'event' ? message.event.kind : message.kind));

  it('a refusal in the middle of a call gives up this call here, and nothing else', async () => {
    await tell(open('c1', 'a'), open('c2', 'x'), configure('a'), configure('x'));
    said.length = 0;
    ng.answers.set('unblock media', () => Promise.reject(refusal('out of something')));
    await tell(open('c1', 'b'), configure('b'), hear('a', 'b'), hear('b', 'a'));
    const calls = said.filter((message) => message.kind === 'callLost').map(({ callId }) => callId);
    assert.deepEqual(calls, ['c1']);
    assert.deepEqual(lost, []);
    assert.equal(engine.stats().legs, 1);
    const freed = ng.asked.filter(({ command }) => command === 'delete');
    assert.deepEqual(
      freed.map((request) => request['call-id']),
      ['relevo-c1'],
    );
  });

  it('what was asked for before its loss was known is passed over, and taken when it is asked for again', async () => {
    await tell(open('c1', 'a'), configure('a'));
    ng.answers.set('query', () => Promise.reject(refusal('Unknown call-id')));
    await pass(5);
    assert.ok(kinds().includes('callLost'));
    said.length = 0;
    await tell(open('c1', 'b'));
    assert.deepEqual(kinds(), []);
    await tell(open('c1', 'a', true), open('c1', 'b', true));
    assert.deepEqual(kinds(), ['opened', 'opened']);
  });

  it('an rtpengine that was started anew: all of its calls are given up at once, though nobody watches them', async () => {
    await tell(
      open('c1', 'a'),
      open('c2', 'b'),
      open('c3', 'c'),
      configure('a'),
      configure('b'),
      configure('c'),
    );
    said.length = 0;
    ng.answers.set('query', () => Promise.reject(refusal('Unknown call-id')));
    await pass(5);
    assert.deepEqual(kinds(), ['callLost', 'callLost', 'callLost']);
    assert.deepEqual(lost, []);
  });

  it('no room for the first leg of a call: another rtpengine is to be tried; for a later one: the leg has failed', async () => {
    await tell(open('c1', 'a'));
    ng.answers.set('offer', () => Promise.reject(refusal('Parallel session limit reached')));
    said.length = 0;
    await tell(open('c2', 'x'));
    assert.deepEqual(kinds(), ['callLost']);
    await tell(open('c1', 'b'));
    assert.deepEqual(kinds(), ['callLost', 'openFailed']);
  });

  it('an rtpengine that is silent is lost as a whole', async () => {
    ng.answers.set('ping', () =>
      Promise.reject(new RelevoError('rtpengine_silent', 'no answer', 'See that it runs.')),
    );
    await pass(1);
    assert.equal(lost.length, 1);
  });

  it('a party that is sent audio and sends none for 10 s is told of once, without being watched', async () => {
    await tell(
      open('c1', 'a'),
      open('c1', 'b'),
      configure('a'),
      configure('b'),
      hear('a', 'b'),
      hear('b', 'a'),
    );
    said.length = 0;
    const now = (): number => Math.floor(clock.wallMs() / 1000);
    last.set('a', now());
    await pass(30, () => last.set('b', now()));
    const events = said.flatMap((message) => (message.kind === 'event' ? [message.event] : []));
    const oneWay = events.filter((event) => event.kind === 'oneWayAudio');
    assert.deepEqual(oneWay.map(({ legId, missing }) => `${legId} ${missing}`).sort(), [
      'a received',
      'b sent',
    ]);
  });

  it('a watched party that falls silent is told of after its time, and again only once it was heard', async () => {
    await tell(open('c1', 'a'), configure('a'), { kind: 'watch', legId: 'a', timeoutMs: 3000 });
    said.length = 0;
    const now = (): number => Math.floor(clock.wallMs() / 1000);
    const timeouts = (): number => kinds().filter((kind) => kind === 'mediaTimeout').length;
    await pass(10);
    assert.equal(timeouts(), 1);
    await pass(2, () => last.set('a', now()));
    await pass(6);
    assert.equal(timeouts(), 2);
  });
});
