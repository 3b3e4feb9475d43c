import type { CallPlan, Project, Trunk } from '../../../../src/call/project.js';

export const trunk = (name: string, changes: Partial<Trunk> = {}): Trunk => ({
  name,
  hosts: [],
  allow: ['127.0.0.1/32'],
  auth: null,
  maxCalls: null,
  maxCps: null,
  codecs: ['PCMA', 'PCMU'],
  numberFormat: 'as-is',
  transferMethod: 'auto',
  acceptReplaces: true,
  symmetricRtp: true,
  ...changes,
});

export const project = (name: string, changes: Partial<Project> = {}): Project => ({
  name,
  match: [{ trunk: 'carrier', to: '1234' }],
  bot: 'reception',
  transfer: {
    to: null,
    mode: 'blind',
    method: 'auto',
    waiting: 'music',
    musicFile: null,
    brief: 'none',
    briefFile: null,
    acceptDigit: null,
    onFailure: ['resume-bot'],
    announceFile: null,
    afterAgent: 'end',
    onNoNotify: 'resume-bot',
    headers: {},
    uui: null,
    allow: [],
    timers: {
      referReplyMs: 5000,
      firstNotifyMs: 5000,
      totalMs: 60_000,
      ringMs: 25_000,
      acceptMs: 10_000,
      byeGraceMs: 2000,
      lateNotifyMs: 1000,
    },
  },
  rules: [],
  policyDeadlineMs: 50,
  botFailure: { to: null, status: 503 },
  maxDurationMs: 0,
  callerMediaTimeoutMs: 0,
  carryHeaders: [],
  ...changes,
});

/** One carrier on loopback, one project on 1234, one bot. */
export function plan(botUri: string, changes: Partial<CallPlan> = {}): CallPlan {
  const bot = {
    name: 'reception',
    kind: 'sip' as const,
    uri: botUri,
    trunk: null,
    headers: {},
    answerTimeoutMs: 10_000,
    mediaTimeoutMs: 0,
  };
  return {
    trunks: { carrier: trunk('carrier') },
    bots: { reception: bot },
    destinations: {},
    projects: { acme: project('acme') },
    limits: { maxCalls: 0, maxCps: 0 },
    ...changes,
  };
}
