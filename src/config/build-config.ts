import { isIPv4, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { CALLER_GONE } from '../call/media-port.js';
import type {
  Bot,
  CallPlan,
  Destination,
  IdentityPolicy,
  Project,
  Trunk,
  UuiProfile,
} from '../call/project.js';
import type { Rule } from '../call/decision.js';
import type { TransferReason } from '../call/vocabulary.js';
import { engineSettingsOf } from './engine-limits.js';
import { PORTS_PER_CALL } from './check-node.js';
import { loginOf, registrationOf } from './build-trunk-auth.js';
import { DEFAULTS } from './defaults.js';
import type { ListenPoint, RelevoConfig, TlsPeer } from './relevo-config.js';
import type { BotInput, DestinationInput, TrunkInput } from './schema/peers.js';
import type { ProjectInput, RuleInput } from './schema/projects.js';
import type { ConfigInput } from './schema/root.js';
import { hostOf } from './schema/sip-uri.js';
import { durationMs, type UuiInput } from './schema/values.js';

export interface BuildContext {
  /** Relative paths of the file begin here. */
  readonly folder: string;
  /** What peers see instead of `0.0.0.0` where nothing is configured. */
  readonly localAddress: string | null;
  readonly source: RelevoConfig['source'];
}

/** Turns a valid file into the configuration that the node runs on. */
export function buildConfig(input: ConfigInput, context: BuildContext): RelevoConfig {
  const listen = input.listen.map((point) => listenPointOf(point, context));
  // RTP is IPv4: `checkNode` has seen to it that there is such a listening point, or an address.
  const four = listen.filter(({ address }) => isIPv4(address));
  const first = four.find(({ advertise }) => isIPv4(advertise)) ?? four[0] ?? listen[0]!;
  const mediaAddress = input.media.address ?? first.address;
  const { engine } = input;
  return {
    listen,
    tlsPeers: Object.values(input.trunks).flatMap((trunk) => tlsPeersOf(trunk, context)),
    engine: engine.kind === 'embedded' ? engineSettingsOf(engine) : engine,
    media: {
      kind: input.media.kind,
      address: mediaAddress,
      advertise:
        input.media.advertise ??
        (input.media.address === undefined && isIPv4(first.advertise)
          ? first.advertise
          : reachable(mediaAddress, context)),
      ipv6: mediaOverIpv6(input, listen),
      ports: input.media.ports,
      workers: input.media.workers,
      nodes: input.media.nodes.map(({ ng, dtmf }) => ({ ...ng, dtmf: dtmf ?? null })),
    },
    api: input.api,
    log: input.log,
    observe: {
      cdrFile: input.observe.cdr ? resolve(context.folder, input.observe.cdr.file) : null,
      keepCalls: input.observe.keep_calls,
      webhooks: input.observe.webhooks.map(({ url, secret, timeout, retries, events }) => ({
        url,
        secret: secret ?? null,
        timeoutMs: timeout,
        retries,
        events,
      })),
    },
    plan: buildPlan(input, context),
    source: context.source,
  };
}

function listenPointOf(point: ConfigInput['listen'][number], context: BuildContext): ListenPoint {
  const { transport, address, port, cert, key, ca } = point;
  const path = (file: string): string => resolve(context.folder, file);
  return {
    transport,
    address,
    port,
    advertise: point.advertise ?? reachable(address, context),
    tls:
      cert === undefined || key === undefined
        ? null
        : {
            certFile: path(cert),
            keyFile: path(key),
            caFile: ca === undefined ? null : path(ca),
            clientCert: point.client_cert ?? 'none',
            verify: point.verify ?? true,
          },
    origins: point.origins ?? null,
  };
}

function tlsPeersOf({ hosts, tls }: TrunkInput, context: BuildContext): TlsPeer[] {
  if (!tls) return [];
  const path = (file: string | undefined): string | null =>
    file === undefined ? null : resolve(context.folder, file);
  return hosts.map((uri) => ({
    host: hostOf(uri),
    caFile: path(tls.ca),
    certFile: path(tls.cert),
    keyFile: path(tls.key),
    verify: tls.verify ?? null,
    serverName: tls.server_name ?? null,
  }));
}

function reachable(address: string, context: BuildContext): string {
  return address === '0.0.0.0' ? (context.localAddress ?? '127.0.0.1') : address;
}

/** Where RTP over IPv6 goes: as is written, else as the first IPv6 listening point. */
function mediaOverIpv6(input: ConfigInput, listen: readonly ListenPoint[]): RelevoConfig['media']['ipv6'] {
  const point = listen.find(({ address }) => isIPv6(address));
  const address = input.media.address_ipv6 ?? point?.address;
  if (address === undefined) return null;
  const advertised = point && isIPv6(point.advertise) ? point.advertise : address;
  const advertise = input.media.advertise_ipv6 ?? (input.media.address_ipv6 ? address : advertised);
  // Nobody can send to the unspecified address: without one to tell there is no IPv6.
  return advertise === '::' ? null : { address, advertise };
}

function buildPlan(input: ConfigInput, context: BuildContext): CallPlan {
  const ports = input.media.ports.max - input.media.ports.min + 1;
  return {
    trunks: mapEntries(input.trunks, trunkOf),
    bots: mapEntries(input.bots, botOf),
    destinations: mapEntries(input.destinations, (name, destination) =>
      destinationOf(name, destination, input.trunks),
    ),
    projects: mapEntries(input.projects, (name, project) => projectOf(name, project, input, context)),
    limits: {
      maxCalls: input.limits.max_calls ?? Math.max(1, Math.floor(ports / PORTS_PER_CALL)),
      maxCps: input.limits.max_cps,
    },
  };
}

function mapEntries<From, To>(
  entries: Readonly<Record<string, From>>,
  convert: (name: string, entry: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, convert(name, entry)]));
}

function trunkOf(name: string, trunk: TrunkInput): Trunk {
  return {
    name,
    hosts: trunk.hosts,
    allow: trunk.allow.map((block) => (block.includes('/') ? block : `${block}/${isIPv4(block) ? 32 : 128}`)),
    auth: trunk.auth ?? null,
    login: loginOf(trunk.login),
    registration: registrationOf(trunk),
    maxCalls: trunk.max_calls ?? null,
    maxCps: trunk.max_cps ?? null,
    codecs: trunk.codecs,
    dtmf: trunk.dtmf,
    srtp: trunk.srtp,
    srtpKeys: trunk.srtp_keys,
    numberFormat: trunk.number_format,
    dialPlan: trunk.dial_plan
      ? {
          countryCode: trunk.dial_plan.country_code,
          nationalPrefix: trunk.dial_plan.national_prefix,
          internationalPrefix: trunk.dial_plan.international_prefix,
        }
      : null,
    identity: identityOf(trunk.identity),
    transferMethod: trunk.transfer.method,
    referSub: trunk.transfer.refer_sub,
    referPolicy: trunk.refer_policy,
    maxTransfers: trunk.limits.transfers ?? null,
    deny: trunk.deny,
    followRedirects: trunk.follow_redirects,
    acceptReplaces: trunk.accept_replaces,
    acceptReferOutOfDialog: trunk.accept_refer_out_of_dialog,
    symmetricRtp: trunk.symmetric_rtp,
  };
}

function identityOf(written: TrunkInput['identity']): IdentityPolicy {
  const { from } = written;
  return {
    from: from === 'caller' || from === 'called' ? { kind: from } : { kind: 'fixed', number: from },
    pAssertedIdentity: written.p_asserted_identity,
    diversion: written.diversion,
    historyInfo: written.history_info,
    privacy: written.privacy,
    displayName: written.display_name,
  };
}

function uuiOf(written: UuiInput | undefined): UuiProfile | null {
  if (!written) return null;
  return {
    content: written.content,
    encoding: written.encoding,
    purpose: written.purpose ?? null,
    protocolDiscriminator: written.protocol_discriminator ?? null,
    maxLength: written.max_length,
    place: written.place,
  };
}

/** What is set in one mapping, without the keys that are there but undefined. */
function given<T extends object>(written: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function botOf(name: string, bot: BotInput): Bot {
  return {
    name,
    kind: bot.kind,
    uri: bot.uri,
    trunk: bot.trunk ?? null,
    headers: bot.headers,
    referPolicy: bot.refer_policy,
    answerTimeoutMs: bot.answer_timeout,
    mediaTimeoutMs: bot.media_timeout,
  };
}

function destinationOf(
  name: string,
  destination: DestinationInput,
  trunks: ConfigInput['trunks'],
): Destination {
  const ringTimeoutMs = destination.ring_timeout ?? null;
  if (destination.type === 'group') {
    return {
      name,
      ringTimeoutMs,
      type: 'group',
      strategy: destination.strategy,
      members: destination.members,
      hours: destination.hours ?? null,
      maxConcurrent: destination.max_concurrent ?? null,
      overflow: destination.overflow,
    };
  }
  const trunk = trunks[destination.trunk];
  const identity =
    destination.identity && trunk ? identityOf({ ...trunk.identity, ...given(destination.identity) }) : null;
  const thenDial = destination.then_dial ?? null;
  const base = { name, ringTimeoutMs, identity, uui: uuiOf(destination.uui), thenDial };
  switch (destination.type) {
    case 'phone':
      return { ...base, type: 'phone', number: destination.number, trunk: destination.trunk };
    case 'extension':
      return { ...base, type: 'extension', extension: destination.extension, trunk: destination.trunk };
    case 'queue':
      return { ...base, type: 'queue', address: destination.address, trunk: destination.trunk };
  }
}

function projectOf(name: string, project: ProjectInput, input: ConfigInput, context: BuildContext): Project {
  const { transfer } = project;
  const path = (file: string | undefined): string | null =>
    file === undefined ? null : resolve(context.folder, file);
  return {
    name,
    match: project.match,
    bot: project.bot,
    transfer: {
      to: transfer.to ?? null,
      mode: transfer.mode,
      method: transfer.method,
      waiting: transfer.waiting,
      ringback: transfer.ringback,
      musicFile: path(transfer.music_file),
      brief: transfer.brief,
      briefFile: path(transfer.brief_file),
      acceptDigit: transfer.accept?.digit ?? null,
      threeWay: transfer.three_way
        ? { durationMs: transfer.three_way.duration, digit: transfer.three_way.digit ?? null }
        : null,
      callerGoneNotice:
        transfer.caller_gone_notice === 'off' ? null : (path(transfer.caller_gone_notice) ?? CALLER_GONE),
      onFailure: transfer.on_failure,
      announceFile: path(transfer.announce_file),
      afterAgent: transfer.after_agent,
      onNoNotify: transfer.on_no_notify,
      headers: transfer.context.headers,
      uui: uuiOf(transfer.context.uui),
      summaryHeader: transfer.context.summary_header ?? null,
      botFinishMs: transfer.bot_finish,
      announceBeforeFile: path(transfer.announce_before_file),
      allow: transfer.allow,
      timers: {
        referReplyMs: transfer.timers.refer_reply,
        firstNotifyMs: transfer.timers.first_notify,
        totalMs: transfer.timers.total,
        ringMs: transfer.ring_timeout,
        acceptMs: transfer.accept?.timeout ?? durationMs(DEFAULTS.transfer.acceptTimeout),
        byeGraceMs: transfer.timers.bye_grace,
        lateNotifyMs: transfer.timers.late_notify,
      },
    },
    rules: project.rules.map(ruleOf),
    policyDeadlineMs: project.policy_deadline ?? input.policy.deadline,
    botFailure: { to: project.bot_failure.to ?? null, status: project.bot_failure.status },
    maxDurationMs: project.max_duration,
    callerMediaTimeoutMs: project.caller_media_timeout,
    codecs: project.codecs ?? null,
    recording: project.recording
      ? {
          directory: resolve(context.folder, project.recording.directory),
          consentFile: path(project.recording.consent),
          keepMs: project.recording.keep ?? null,
          maxBytes: project.recording.max_size ?? null,
        }
      : null,
    listen: project.listen
      ? {
          allow: project.listen.allow,
          max: project.listen.max,
          ringTimeoutMs: project.listen.ring_timeout,
          notice: project.listen.notice,
        }
      : null,
    carryHeaders: project.carry_headers,
    carryAnswerHeaders: project.carry_answer_headers,
    limits: { transfers: project.limits.transfers ?? null, perCall: project.limits.max_transfers },
  };
}

/** Why a rule transfers, where it does not say so itself. */
const REASONS: Readonly<Record<Rule['condition']['kind'], TransferReason>> = {
  intent: 'user_request',
  dtmf: 'user_request',
  low_confidence: 'low_confidence',
  no_match: 'low_confidence',
  no_input: 'low_confidence',
  duration: 'business_rule',
  when: 'business_rule',
  bot_unreachable: 'bot_failure',
};

function ruleOf(rule: RuleInput): Rule {
  const condition = conditionOf(rule);
  return {
    name: rule.name,
    reason: rule.reason ?? REASONS[condition.kind],
    to: rule.to ?? null,
    mode: rule.mode ?? null,
    method: rule.method ?? null,
    condition,
  };
}

function conditionOf(rule: RuleInput): Rule['condition'] {
  if (rule.intent) return { kind: 'intent', intents: rule.intent };
  if (rule.low_confidence) return { kind: 'low_confidence', ...rule.low_confidence };
  if (rule.no_match) return { kind: 'no_match', turns: rule.no_match.turns };
  if (rule.no_input) return { kind: 'no_input', turns: rule.no_input.turns };
  if (rule.dtmf !== undefined) return { kind: 'dtmf', digits: rule.dtmf };
  if (rule.duration !== undefined) return { kind: 'duration', overS: rule.duration / 1000 };
  if (rule.when !== undefined) return { kind: 'when', expression: rule.when };
  return { kind: 'bot_unreachable' };
}
