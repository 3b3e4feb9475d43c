import type { CallRecord } from '../../../src/call/call-record.js';
import type { TransferResult } from '../../../src/call/vocabulary.js';

export const AT = 1_767_225_600_000;

export function started(callId = 'c1', at = AT): CallRecord {
  return {
    kind: 'call.started',
    callId,
    at,
    project: 'acme',
    trunk: 'carrier',
    caller: '+5491155551234',
    called: '+5491155550000',
    sipCallId: `sip-${callId}`,
    sourceAddress: '127.0.0.1',
  };
}

export function withBot(callId = 'c1', at = AT + 50): CallRecord {
  const leg = { state: 'established', remote: '127.0.0.1:5070', onHold: false };
  return {
    kind: 'call.state',
    callId,
    at,
    state: 'with_bot',
    legs: [
      { legId: `${callId}.1`, party: 'caller', sipCallId: `sip-${callId}`, ...leg },
      { legId: `${callId}.2`, party: 'bot', sipCallId: `bot-${callId}`, ...leg },
    ],
  };
}

export function transferStarted(callId = 'c1', transferId = 't1', at = AT + 100): CallRecord {
  return {
    kind: 'transfer.started',
    callId,
    at,
    transferId,
    reason: 'user_request',
    rule: 'pressed zero',
    evidence: 'digit 0',
    destination: 'support',
    mode: 'blind',
    method: 'auto',
  };
}

export function transferResult(callId = 'c1', transferId = 't1'): TransferResult {
  return {
    transferId,
    callId,
    reason: 'user_request',
    rule: 'pressed zero',
    evidence: 'digit 0',
    summary: null,
    mode: 'blind',
    method: 'auto',
    outcome: 'completed',
    detail: 'the agent answered',
    attempts: [
      {
        destination: 'desk-201',
        method: 'invite',
        sipStatus: 200,
        sipReason: 'OK',
        startedAt: AT + 100,
        ringMs: 400,
        answeredAt: AT + 600,
        endedBy: null,
      },
    ],
    gapMs: 20,
    humanConnectedAt: AT + 620,
  };
}

export function transferEnded(callId = 'c1', transferId = 't1', at = AT + 650): CallRecord {
  return { kind: 'transfer.ended', callId, at, result: transferResult(callId, transferId) };
}

export function ended(callId = 'c1', at = AT + 9000): CallRecord {
  return {
    kind: 'call.ended',
    callId,
    at,
    endedBy: 'agent',
    sipStatus: null,
    cause: 'BYE',
    durationMs: 8950,
    answeredAt: AT + 50,
    transfers: [],
    media: {},
  };
}
