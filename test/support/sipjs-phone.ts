import assert from 'node:assert/strict';
import { tone } from '../../src/demo/audio/audio-source.js';
import type { DemoCall } from '../../src/demo/demo-call.js';
import { DemoUserAgent } from '../../src/demo/user-agent.js';
import type { Softphone, SoftphoneOptions } from './softphone.js';

const TOLERANCE_HZ = 10;

/** A softphone on sip.js, with the RTP of the demonstration. */
export interface SipJsPhone extends Softphone {
  readonly agent: DemoUserAgent;
  /** The call that it has now: the newest that has not ended. */
  call(): DemoCall;
}

/** Starts a softphone on sip.js, over UDP. */
export async function startSipJs(options: SoftphoneOptions): Promise<SipJsPhone> {
  const agent = await DemoUserAgent.start({
    name: options.user,
    port: options.port ?? 0,
    preferred: 'udp',
    source: () => tone(options.toneHz),
    ...(options.autoAnswer ? {} : { answer: { kind: 'ring' } }),
  });
  const call = (): DemoCall => {
    const newest = agent.calls.findLast((one) => one.state !== 'ended');
    assert.ok(newest, `${options.user} has no call`);
    return newest;
  };
  const accepted = (status: number): void => assert.ok(status < 300, `the REFER was answered ${status}`);
  return {
    name: 'sip.js',
    agent,
    call,
    uri: agent.uri,
    port: agent.port,
    dial: (uri) => {
      agent.call(uri);
      return Promise.resolve();
    },
    hangUp: () => call().hangUp(),
    hold: async () => accepted(await call().hold()),
    resume: async () => accepted(await call().unhold()),
    transfer: async (uri) => accepted((await call().refer(uri)).status),
    consult: async (uri) => {
      accepted(await call().hold());
      await agent.call(uri).answered;
    },
    transferToConsulted: async () => {
      const [first, second] = agent.calls.filter((one) => one.state === 'answered').slice(-2);
      assert.ok(first && second);
      accepted((await first.refer(second)).status);
    },
    heardMs: (toneHz) =>
      agent.calls
        .flatMap((one) => one.hearing.windows)
        .filter((window) => window.tones.some((hz) => Math.abs(hz - toneHz) <= TOLERANCE_HZ))
        .reduce((sum, window) => sum + window.toMs - window.fromMs, 0),
    says: () => Promise.reject(new Error('sip.js says nothing')),
    output: () => agent.problems.join('\n'),
    close: () => agent.close(),
  };
}
