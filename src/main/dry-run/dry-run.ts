import type {
  DryRunEvent,
  DryRunReport,
  DryRunRequest,
  RehearsedAttempt,
  RehearsedRequest,
} from '../../api/dry-run-schema.js';
import type { PolicyDecision, PolicyEvent } from '../../call/decision.js';
import { DestinationDirectory, type DirectoryState } from '../../call/destinations/destination-directory.js';
import { admitted } from '../../call/transfer/transfer-desk.js';
import type { CallPlan, Project, Trunk } from '../../call/project.js';
import type { IncomingInvite } from '../../call/signalling-port.js';
import type { TransferResult } from '../../call/vocabulary.js';
import { rulesByProject } from '../../config/rules-by-project.js';
import { compileRules } from '../../policy/rules/rule-set.js';
import type { AdmissionState } from '../../signalling/admission.js';
import { CallRoutes } from '../../signalling/call-routes.js';
import { readAbilities, readHeaders } from '../../signalling/header-reading.js';
import { writeFrom, writeHeaders } from '../../signalling/header-writing.js';
import { limitsOf, overLimit } from './dry-run-limits.js';
import { Rehearsal, type AskedQuestion, type SentRequest, type Supposition } from './rehearsal.js';

/** The most attempts that are told of one transfer. */
const MAX_ATTEMPTS = 50;

export interface DryRunContext {
  /** The host that the caller dialled: ours, as the trunk knows it. It names us in the headers that are sent. */
  readonly host: string;
  readonly plan: CallPlan;
  /** What a running node knows beside its plan; null offline. */
  readonly state: DirectoryState | null;
  /** The calls that count against its limits; null offline. */
  readonly admission: AdmissionState | null;
  /** The time of a request that names none (Unix ms). */
  readonly nowMs: number;
}

type Evaluated = Pick<DryRunReport, 'decisions' | 'notes'> & { readonly rehearsal: Rehearsal };

/**
 * Says what would become of a described call: project, rule, destinations, method and headers. The call machine,
 * the rules and the destinations are those that calls run on; only their peers are supposed.
 */
export function dryRun(request: DryRunRequest, context: DryRunContext): DryRunReport {
  const atMs = request.at === undefined ? context.nowMs : Date.parse(request.at);
  const nothing = {
    at: new Date(atMs).toISOString(),
    trunk: null,
    project: null,
    refused: null,
    limits: [],
    bot: null,
    decisions: [],
    transfer: null,
    notes: [],
  };
  const routes = new CallRoutes(context.plan);
  const trunks = request.trunk === undefined ? routes.trunksOf(request.source ?? '') : [request.trunk];
  if (request.trunk !== undefined && !Object.hasOwn(context.plan.trunks, request.trunk)) {
    const detail = `there is no trunk ${request.trunk}`;
    return { ...nothing, refused: { status: 403, reason: 'unknown_trunk', detail } };
  }
  if (trunks.length === 0) {
    const detail = `no trunk allows calls from ${request.source ?? ''}`;
    return { ...nothing, refused: { status: 403, reason: 'source_not_allowed', detail } };
  }
  const found = routes.find(trunks, request.called);
  if (!found) {
    const detail = `no project takes ${request.called} from ${trunks.join(' or ')}`;
    return {
      ...nothing,
      trunk: trunks[0] ?? null,
      refused: { status: 404, reason: 'unknown_number', detail },
    };
  }
  const { project, trunk } = found;
  const { plan, state, admission } = context;
  const limits = limitsOf(plan, project, trunk, state && admission && { admission, slots: state.slots });
  const play = (supposition: Supposition): Evaluated =>
    rehearse(request, { ...context, atMs, project, trunk }, supposition);
  const failing = play('everybody fails');
  const { rehearsal, decisions, notes } = failing;
  const ended = rehearsal.records.find((record) => record.kind === 'call.ended');
  const [bot] = rehearsal.sent;
  return {
    ...nothing,
    trunk: trunk.name,
    project: project.name,
    limits,
    refused:
      overLimit(limits) ??
      (ended?.kind === 'call.ended' && ended.sipStatus !== null && !rehearsal.decided
        ? { status: ended.sipStatus, reason: ended.cause, detail: 'the call would not be answered' }
        : null),
    bot: bot ? requestOf(bot, 'bot') : null,
    decisions,
    transfer: rehearsal.decided ? transferOf(failing, play('the first answers'), project, context) : null,
    notes,
  };
}

interface Scene extends DryRunContext {
  readonly atMs: number;
  readonly project: Project;
  readonly trunk: Trunk;
}

function rehearse(request: DryRunRequest, scene: Scene, supposition: Supposition): Evaluated {
  const { plan, state, atMs, project, trunk } = scene;
  const notes: string[] = [];
  const rules = compileRules(rulesByProject(plan), {
    onExpressionError: (_project, rule, message) => notes.push(`rule ${rule} failed: ${message}`),
  });
  const decide = (question: AskedQuestion['question']): PolicyDecision => rules.decide(question);
  const rehearsal = new Rehearsal({ plan, project, trunk, state, atMs, decide, supposition });
  const [first] = request.events;
  const botFails = first?.kind === 'bot_unreachable' ? first.status : null;
  rehearsal.begin(inviteOf(request, scene), botFails);
  const after = botFails === null ? request.events : request.events.slice(1);
  for (const event of after) if (!rehearsal.decided) happen(rehearsal, event);
  rehearsal.finish();
  for (const record of rehearsal.records)
    if (record.kind === 'call.event') notes.push(`${record.name}: ${JSON.stringify(record.detail)}`);
  return { rehearsal, decisions: rehearsal.questions.flatMap(decisionOf), notes: [...new Set(notes)] };
}

function happen(rehearsal: Rehearsal, event: DryRunEvent): void {
  if (event.kind === 'duration') rehearsal.pass(event.seconds * 1000);
  else if (event.kind === 'transfer') rehearsal.order({ ...event, transferId: 'dry-run' });
  else rehearsal.happens(event satisfies PolicyEvent);
}

function inviteOf(request: DryRunRequest, { trunk, host }: Scene): IncomingInvite {
  const lines = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`);
  const headers = readHeaders(`INVITE dry-run SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n`);
  return {
    sourceAddress: request.source ?? trunk.allow[0]?.split('/')[0] ?? '0.0.0.0',
    sourcePort: 5060,
    transport: 'udp',
    requestUri: `sip:${request.called}@${host}`,
    called: request.called,
    caller: request.caller,
    callerDisplayName: request.callerName,
    sipCallId: 'dry-run',
    headers,
    sdp: 'v=0',
    peer: readAbilities(headers),
  };
}

function decisionOf({ question, decision, deadlineMs }: AskedQuestion): DryRunReport['decisions'] {
  const { event, facts } = question;
  // A second in which no rule fired is no news.
  if (event.kind === 'tick' && decision.kind === 'none') return [];
  const about = { event: eventText(event), durationS: facts.durationS, deadlineMs };
  if (decision.kind === 'none') return [{ ...about, rule: null, reason: null, evidence: null }];
  const { rule, reason, evidence } = decision;
  return [{ ...about, rule, reason, evidence }];
}

function eventText(event: PolicyEvent): string {
  switch (event.kind) {
    case 'turn':
      return `turn ${event.intent ?? '(no intent)'}${event.confidence === null ? '' : ` ${event.confidence}`}`;
    case 'dtmf':
      return `dtmf ${event.digit}`;
    case 'custom':
      return `custom ${event.name}`;
    case 'bot_unreachable':
      return `bot_unreachable${event.status === null ? '' : ` ${event.status}`}`;
    default:
      return event.kind;
  }
}

function transferOf(
  failing: Evaluated,
  answered: Evaluated,
  project: Project,
  { plan, state }: DryRunContext,
): DryRunReport['transfer'] {
  const { rehearsal } = failing;
  const started = rehearsal.records.find((record) => record.kind === 'transfer.started');
  const result = resultOf(rehearsal);
  const success = resultOf(answered.rehearsal);
  if (started?.kind !== 'transfer.started' || !result || !success) return null;
  const { reason, rule, evidence, mode, method, destination } = started;
  // Asked of a directory as it was before the attempts, which have moved its turns.
  const directory = new DestinationDirectory(plan, rehearsal.clock);
  if (state) directory.restore(state, rehearsal.clock.now());
  const found = directory.resolve(destination === '' ? null : destination, project, started.at);
  const resolution = admitted(found, directory.slots.take(project, found.ok ? found.targets : []));
  return {
    reason,
    rule,
    evidence,
    to: resolution.ok ? resolution.name : destination,
    mode,
    method,
    targets: resolution.ok
      ? resolution.targets.map(({ destination: name, uri, trunk, proxies, ...target }) => ({
          destination: name,
          uri,
          trunk: trunk.name,
          proxies,
          ringTimeoutMs: target.ringTimeoutMs,
          via: target.via,
          together: target.together,
          thenDial: target.thenDial,
        }))
      : [],
    skipped: resolution.skipped ?? [],
    refusal: resolution.ok ? null : { code: resolution.code, detail: resolution.detail },
    timers: { ...project.transfer.timers },
    attempts: attemptsOf(rehearsal, result),
    ifAllFail: { outcome: result.outcome, detail: result.detail, then: afterwards(rehearsal.state) },
    ifAnswered: {
      outcome: success.outcome,
      detail: success.detail,
      requests: outgoing(answered.rehearsal)
        .slice(1)
        .map((sent) => requestOf(sent, partyOf(answered.rehearsal, sent))),
    },
  };
}

function resultOf(rehearsal: Rehearsal): TransferResult | null {
  const ended = rehearsal.records.find((record) => record.kind === 'transfer.ended');
  return ended?.kind === 'transfer.ended' ? ended.result : null;
}

/** What was sent for the transfer: everything behind the INVITE to the bot. */
function outgoing(rehearsal: Rehearsal): readonly SentRequest[] {
  return rehearsal.sent.slice(1);
}

/** Each attempt sends exactly one INVITE or REFER, in the order in which the result tells them. */
function attemptsOf(rehearsal: Rehearsal, result: TransferResult): RehearsedAttempt[] {
  const tried = outgoing(rehearsal).filter(
    ({ command }) => command.kind === 'invite' || (command.kind === 'request' && command.method === 'REFER'),
  );
  return result.attempts.slice(0, MAX_ATTEMPTS).flatMap(({ destination }, index) => {
    const sent = tried[index];
    if (!sent) return [];
    const { timers, supposed } = sent;
    return [{ ...requestOf(sent, partyOf(rehearsal, sent)), destination, timers, supposed }];
  });
}

type Toward = RehearsedRequest['toward'];

function partyOf(rehearsal: Rehearsal, { command }: SentRequest): Toward {
  if (command.kind === 'invite') return 'agent';
  for (const record of rehearsal.records) {
    if (record.kind !== 'call.state') continue;
    const leg = record.legs.find(({ legId }) => legId === command.legId);
    if (leg && leg.party !== 'operator') return leg.party;
  }
  return 'agent';
}

function requestOf({ command }: SentRequest, toward: Toward): RehearsedRequest {
  const headers = headersOf(writeHeaders(command.headers));
  if (command.kind === 'bye')
    return { method: 'BYE', toward, requestUri: null, proxies: [], from: null, headers, credentials: null };
  const credentials = command.auth?.username ?? null;
  if (command.kind === 'request')
    return {
      method: command.method,
      toward,
      requestUri: null,
      proxies: [],
      from: null,
      headers,
      credentials,
    };
  const { uri, proxies, from } = command;
  return {
    method: 'INVITE',
    toward,
    requestUri: uri,
    proxies,
    from: writeFrom(from.user, from.displayName),
    headers,
    credentials,
  };
}

/** Several lines of one header are shown as one list. */
function headersOf(written: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(written).map(([name, value]) => [name, value.replaceAll(`\r\n${name}: `, ', ')]),
  );
}

function afterwards(state: string): string {
  switch (state) {
    case 'with_bot':
    case 'connecting':
      return 'the caller is with the bot again';
    case 'with_agent':
      return 'the caller stays with the agent';
    default:
      return 'the call is ended';
  }
}
