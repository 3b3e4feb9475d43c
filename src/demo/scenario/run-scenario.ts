import type { TransferResult } from '../../call/vocabulary.js';
import { messageOf } from '../../common/errors.js';
import type { DemoCall } from '../demo-call.js';
import type { Agent } from '../agent.js';
import { TONES, type DemoStage } from './demo-stage.js';
import type { DeskName, Scenario } from './scenario.js';

const STEP_MS = 8000;
const SCENARIO_MS = 20_000;
/** An agent who is asked to press 1 does so after this long; until then nothing may be heard. */
const GATE_MS = 700;
/** One analysis window: what began before a moment may still be reported after it. */
const WINDOW_MS = 220;

/** What came of one scenario. */
export interface ScenarioReport {
  readonly scenario: string;
  readonly about: string;
  readonly mode: string;
  readonly method: string;
  readonly trigger: string;
  readonly passed: boolean;
  readonly outcome: string | null;
  readonly expectedOutcome: string;
  /** The methods really used, in order. */
  readonly methods: readonly string[];
  readonly gapMs: number | null;
  /** Caller and bot heard each other before the hand-over, and the agent nothing. */
  readonly audioBefore: boolean;
  /** Caller and agent heard each other after it and the bot was out (or, where it failed, the bot is back). */
  readonly audioAfter: boolean;
  /** The stream that the caller received from the node: one SSRC, timestamps that never jump. */
  readonly callerRtp: {
    readonly received: number;
    readonly lost: number;
    readonly ssrcChanges: number;
  } | null;
  readonly problems: readonly string[];
  readonly durationMs: number;
  readonly result: TransferResult | null;
}

interface Progress {
  audioBefore: boolean;
  audioAfter: boolean;
  result: TransferResult | null;
  /** The caller's call with the node. */
  call: DemoCall | null;
  readonly problems: string[];
}

/** `onCall` gets the node's id of the call as soon as it is known. */
export async function runScenario(
  stage: DemoStage,
  scenario: Scenario,
  onCall: (callId: string) => void,
): Promise<ScenarioReport> {
  const startedMs = performance.now();
  const progress: Progress = {
    audioBefore: false,
    audioAfter: false,
    result: null,
    call: null,
    problems: [],
  };
  try {
    await within(SCENARIO_MS, perform(stage, scenario, progress, onCall));
  } catch (error) {
    progress.problems.push(messageOf(error));
  }
  await stage.clear();
  const { result, audioBefore, audioAfter, problems } = progress;
  const rtp = progress.call?.rtpStats() ?? null;
  if (rtp !== null && rtp.timestampJumps > 0) {
    problems.push(`the timestamps towards the caller jumped ${rtp.timestampJumps} times`);
  }
  const methods = result?.attempts.map((attempt) => attempt.method) ?? [];
  if (result !== null) {
    const { expected } = scenario;
    if (result.outcome !== expected.outcome) {
      problems.push(`the outcome is ${result.outcome}, not ${expected.outcome}: ${result.detail}`);
    }
    if (methods.join() !== expected.methods.join()) {
      problems.push(`the attempts were ${methods.join(', ') || 'none'}, not ${expected.methods.join(', ')}`);
    }
  }
  return {
    scenario: scenario.name,
    about: scenario.about,
    mode: scenario.mode,
    method: scenario.method,
    trigger: scenario.trigger,
    passed: problems.length === 0 && result !== null && audioBefore && audioAfter,
    outcome: result?.outcome ?? null,
    expectedOutcome: scenario.expected.outcome,
    methods,
    gapMs: result?.gapMs ?? null,
    audioBefore,
    audioAfter,
    callerRtp: rtp === null ? null : { received: rtp.received, lost: rtp.lost, ssrcChanges: rtp.ssrcChanges },
    problems,
    durationMs: Math.round(performance.now() - startedMs),
    result,
  };
}

async function perform(
  stage: DemoStage,
  scenario: Scenario,
  progress: Progress,
  onCall: (callId: string) => void,
): Promise<void> {
  const { caller, bot } = stage;
  const { expected } = scenario;
  caller.userAgent.refer =
    scenario.callerRefer === 'follow' ? { kind: 'follow' } : { kind: 'reject', status: 603 };
  const desk = expected.agent === null ? null : stage.desks[expected.agent];
  if (desk !== null) desk.accept = scenario.gated ? { digit: '1', afterMs: GATE_MS } : null;

  const botArriving = awaited(bot.userAgent.nextCall(STEP_MS));
  const call = await caller.call(stage.numberUri(scenario.number));
  progress.call = call;
  const botCall = await botArriving;
  const callId = botCall.header('X-Relevo-Call-Id');
  if (callId === null) throw new Error('the bot was not told the id of the call (X-Relevo-Call-Id)');
  onCall(callId);
  await Promise.all([
    call.hearing.hears(TONES.bot, { withinMs: STEP_MS }),
    botCall.hearing.hears(TONES.caller, { withinMs: STEP_MS }),
  ]);
  const deskCallsBefore = desk?.calls.length ?? 0;
  const consultation = scenario.trigger === 'bot consultation' ? await consult(stage, desk) : null;
  progress.audioBefore = true;

  const following = expected.direct ? awaited(call.isReplaced(STEP_MS)) : null;
  const arriving = desk === null ? null : awaited(finalDeskCall(desk, scenario, consultation));
  await pull(stage, scenario, { call, botCall, callId, consultation });
  if (desk === null || arriving === null || expected.agent === null) {
    await verifyBotIsBack(stage, { call, botCall, callId }, progress);
    return;
  }
  const atDesk = await arriving;
  const atCaller = following === null ? call : await following;
  await verifyHandedOver(expected.agent, { atCaller, atDesk, botCall }, progress);
  verifyDeskHeardNothingBefore(desk.calls.slice(deskCallsBefore), scenario, progress);
  progress.result = await stage.api.transferResult(callId, STEP_MS);
  // Once the agent hangs up, once the caller.
  const [first, second] = scenario.trigger === 'DTMF 0' ? [atCaller, atDesk] : [atDesk, atCaller];
  await first.hangUp();
  await second.ended;
  await stage.api.callEnded(callId, STEP_MS);
}

/** The bot calls the agent by itself and both hear each other. */
async function consult(stage: DemoStage, desk: Agent | null): Promise<DemoCall> {
  if (desk === null) throw new Error('a consultation needs an agent');
  const consultation = stage.bot.userAgent.call(desk.uri);
  await consultation.answered;
  await consultation.hearing.hears(TONES['desk-1'], { withinMs: STEP_MS });
  return consultation;
}

/** The call at the agent's desk that the caller ends up in: the first that comes, or what replaces it. */
async function finalDeskCall(
  desk: Agent,
  scenario: Scenario,
  consultation: DemoCall | null,
): Promise<DemoCall> {
  const arriving = await desk.userAgent.nextCall(STEP_MS);
  const consultsFirst = scenario.mode === 'attended' && scenario.method === 'refer' && consultation === null;
  return consultsFirst ? arriving.isReplaced(STEP_MS) : arriving;
}

async function pull(
  stage: DemoStage,
  scenario: Scenario,
  calls: { call: DemoCall; botCall: DemoCall; callId: string; consultation: DemoCall | null },
): Promise<void> {
  const { call, botCall, callId, consultation } = calls;
  switch (scenario.trigger) {
    case 'bot REFER':
      await stage.bot.askForPerson(botCall, { by: 'refer', to: scenario.to });
      return;
    case 'bot consultation': {
      if (consultation === null) throw new Error('there is no consultation to hand over');
      const refer = await botCall.refer(consultation);
      if (refer.status !== 202) throw new Error(`the node answered the bot's REFER with ${refer.status}`);
      return;
    }
    case 'DTMF 0':
      await call.press('0');
      return;
    case 'INFO intent':
      await stage.bot.askForPerson(botCall, { by: 'intent' });
      return;
    case 'low confidence x3':
      await stage.bot.askForPerson(botCall, { by: 'low-confidence' });
      return;
    case 'API':
      await stage.api.transfer(callId);
      return;
  }
}

async function verifyHandedOver(
  agent: DeskName,
  calls: { atCaller: DemoCall; atDesk: DemoCall; botCall: DemoCall },
  progress: Progress,
): Promise<void> {
  const { atCaller, atDesk, botCall } = calls;
  await Promise.all([
    atCaller.hearing.hears(TONES[agent], { withinMs: STEP_MS }),
    atDesk.hearing.hears(TONES.caller, { withinMs: STEP_MS }),
    within(STEP_MS, botCall.ended),
  ]);
  await Promise.all([
    atCaller.hearing.stopsHearing(TONES.bot, { withinMs: STEP_MS, forMs: 300 }),
    atDesk.hearing.stopsHearing(TONES.bot, { withinMs: STEP_MS, forMs: 300 }),
  ]);
  progress.audioAfter = true;
}

/** Before the hand-over the agent hears neither the bot nor the caller (the bot's own consultation aside). */
function verifyDeskHeardNothingBefore(
  calls: readonly DemoCall[],
  scenario: Scenario,
  progress: Progress,
): void {
  const fail = (problem: string): void => {
    progress.audioBefore = false;
    progress.problems.push(problem);
  };
  for (const call of calls) {
    const heard = call.hearing.heard();
    const ownConsultation = scenario.trigger === 'bot consultation' && call === calls[0];
    if (!ownConsultation && heard.some(({ hz }) => Math.abs(hz - TONES.bot) <= 10)) {
      fail('the agent heard the bot');
    }
    const isFinal = call === calls.at(-1);
    const callerFrom = heard.find(({ hz }) => Math.abs(hz - TONES.caller) <= 10)?.fromMs;
    if (!isFinal && callerFrom !== undefined) fail('the agent heard the caller in the consultation');
    if (!isFinal || !scenario.gated || callerFrom === undefined) continue;
    const audibleMs = callerFrom - (call.answeredAtMs ?? callerFrom);
    if (audibleMs < GATE_MS - WINDOW_MS)
      fail(`the agent heard the caller ${Math.round(audibleMs)} ms after answering`);
  }
}

/** The transfer has failed, and the bot talks to the caller on the same session as before. */
async function verifyBotIsBack(
  stage: DemoStage,
  calls: { call: DemoCall; botCall: DemoCall; callId: string },
  progress: Progress,
): Promise<void> {
  const { call, botCall, callId } = calls;
  progress.result = await stage.api.transferResult(callId, STEP_MS);
  if (botCall.state !== 'answered') throw new Error('the bot’s call has ended though nobody took the caller');
  await Promise.all([
    call.hearing.hears(TONES.bot, { withinMs: STEP_MS }),
    botCall.hearing.hears(TONES.caller, { withinMs: STEP_MS }),
  ]);
  progress.audioAfter = true;
  await call.hangUp();
  await within(STEP_MS, botCall.ended);
  await stage.api.callEnded(callId, STEP_MS);
}

/** Lets a promise wait to be awaited: its failure is seen then, and is no unhandled rejection before. */
function awaited<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not done within ${ms} ms`));
    }, ms);
  });
  try {
    return await Promise.race([awaited(work), deadline]);
  } finally {
    clearTimeout(timer);
  }
}
