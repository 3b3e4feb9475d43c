import { CALLER_GONE } from '../../../src/call/media-port.js';
import type {
  Bot,
  CallPlan,
  Destination,
  IdentityPolicy,
  Project,
  TransferSettings,
  Trunk,
  UuiProfile,
} from '../../../src/call/project.js';

export const IDENTITY: IdentityPolicy = {
  from: { kind: 'caller' },
  pAssertedIdentity: true,
  diversion: false,
  historyInfo: false,
  privacy: 'pass',
  displayName: 'pass',
};

export function makeTrunk(more: Partial<Trunk> = {}): Trunk {
  return {
    name: 'carrier',
    hosts: ['sip:sbc1.example.net', 'sip:sbc2.example.net'],
    allow: ['198.51.100.0/24'],
    auth: null,
    maxCalls: null,
    maxCps: null,
    codecs: ['PCMA', 'PCMU'],
    numberFormat: 'e164',
    dialPlan: null,
    identity: IDENTITY,
    transferMethod: 'auto',
    referSub: true,
    referPolicy: 'terminate',
    maxTransfers: null,
    deny: [],
    followRedirects: false,
    acceptReplaces: true,
    dtmf: 'auto',
    acceptReferOutOfDialog: false,
    symmetricRtp: true,
    ...more,
  };
}

export function makeTransfer(more: Partial<TransferSettings> = {}): TransferSettings {
  return {
    to: 'desk',
    mode: 'blind',
    method: 'invite',
    waiting: 'music',
    ringback: 'eu',
    musicFile: null,
    brief: 'none',
    briefFile: null,
    acceptDigit: null,
    threeWay: null,
    callerGoneNotice: CALLER_GONE,
    onFailure: ['next', 'resume-bot'],
    announceFile: null,
    afterAgent: 'end',
    onNoNotify: 'resume-bot',
    headers: {},
    uui: null,
    summaryHeader: null,
    botFinishMs: 0,
    announceBeforeFile: null,
    allow: [],
    timers: {
      referReplyMs: 5_000,
      firstNotifyMs: 10_000,
      totalMs: 120_000,
      ringMs: 25_000,
      acceptMs: 10_000,
      byeGraceMs: 3_000,
      lateNotifyMs: 1_000,
    },
    ...more,
  };
}

export function makeProject(
  more: Partial<Omit<Project, 'transfer'>> = {},
  transfer: Partial<TransferSettings> = {},
): Project {
  return {
    name: 'acme',
    match: [{ trunk: 'carrier', to: '+5491155550000' }],
    bot: 'reception',
    transfer: makeTransfer(transfer),
    rules: [],
    policyDeadlineMs: 200,
    botFailure: { to: null, status: 503 },
    maxDurationMs: 0,
    callerMediaTimeoutMs: 0,
    codecs: null,
    recording: null,
    carryHeaders: [],
    carryAnswerHeaders: [],
    limits: { transfers: null, perCall: 10 },
    ...more,
  };
}

export const UUI: UuiProfile = {
  content: '{summary}',
  encoding: 'hex',
  purpose: null,
  protocolDiscriminator: null,
  maxLength: 128,
  place: 'both',
};

export const BOT: Bot = {
  name: 'reception',
  kind: 'sip',
  uri: 'sip:bot@10.0.0.5:5070',
  trunk: null,
  headers: {},
  referPolicy: 'terminate',
  answerTimeoutMs: 5_000,
  mediaTimeoutMs: 0,
};

const base = { ringTimeoutMs: null, identity: null, uui: null, thenDial: null };
export const DESTINATIONS: Readonly<Record<string, Destination>> = {
  desk: { ...base, name: 'desk', type: 'extension', extension: '201', trunk: 'pbx' },
  second: { ...base, name: 'second', type: 'extension', extension: '202', trunk: 'pbx' },
  front: { ...base, name: 'front', type: 'phone', number: '+5491155550100', trunk: 'carrier' },
};

export function makePlan(project: Project, more: Partial<CallPlan> = {}): CallPlan {
  return {
    trunks: { carrier: makeTrunk(), pbx: makeTrunk({ name: 'pbx', hosts: ['sip:10.0.0.7:5080'] }) },
    bots: { reception: BOT },
    destinations: DESTINATIONS,
    projects: { [project.name]: project },
    limits: { maxCalls: 100, maxCps: 100 },
    ...more,
  };
}
