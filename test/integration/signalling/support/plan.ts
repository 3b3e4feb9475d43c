import type { CallPlan, Project, Trunk } from '../../../../src/call/project.js';
import { BOT, makeProject, makeTrunk } from '../../../support/call/call-plan.js';

export const trunk = (name: string, changes: Partial<Trunk> = {}): Trunk =>
  makeTrunk({ name, hosts: [], allow: ['127.0.0.1/32'], numberFormat: 'as-is', ...changes });

export const project = (name: string, changes: Partial<Project> = {}): Project => ({
  ...makeProject(
    { name, match: [{ trunk: 'carrier', to: '1234' }], policyDeadlineMs: 50 },
    {
      to: null,
      method: 'auto',
      onFailure: ['resume-bot'],
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
  ),
  ...changes,
});

/** One carrier on loopback, one project on 1234, one bot. */
export function plan(botUri: string, changes: Partial<CallPlan> = {}): CallPlan {
  return {
    trunks: { carrier: trunk('carrier') },
    bots: { reception: { ...BOT, uri: botUri, answerTimeoutMs: 10_000, mediaTimeoutMs: 0 } },
    destinations: {},
    projects: { acme: project('acme') },
    limits: { maxCalls: 0, maxCps: 0 },
    ...changes,
  };
}
