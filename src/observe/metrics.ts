import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CallRecord } from '../call/call-record.js';
import type { ThreadLoadReading } from '../common/thread-load.js';
import type { CallBook } from './call-book.js';
import { HeldMetrics, type HeldReadings } from './held-metrics.js';
import { MediaMetrics } from './media-metrics.js';
import type { WebhookStats } from './webhook-sender.js';

/** One thread's load. `cpuMs` counts since the thread's start. */
export interface ThreadReading extends ThreadLoadReading {
  readonly thread: string;
}

/** Counters that other threads keep, read when the metrics are asked for. All but gauges count since the start. */
export interface NodeReadings {
  readonly threads: readonly ThreadReading[];
  readonly refused: Readonly<Record<string, number>>;
  readonly held: HeldReadings;
  readonly policyLate: number;
  readonly policyAnswered: number;
  readonly badMessages: number;
  readonly loginChallenges?: number;
  readonly authFailures?: number;
  /** By trunk, of those that register. */
  readonly registered?: Readonly<Record<string, boolean>>;
  /** Null where the engine is not ours to count. */
  readonly sipMessages: { readonly in: number; readonly out: number } | null;
  /** What the engine kept out, and its connections; null where the engine is not ours to count. */
  readonly engine: {
    /** By reason, since the start. */
    readonly keptOut: Readonly<Record<string, number>>;
    /** Paths that were found not to work, by how. */
    readonly pathsFailed: Readonly<Record<string, number>>;
    readonly keepAlivesSent: number;
    readonly untraced: number;
    /** Gauges. */
    readonly connections: number;
    readonly bannedSources: number;
  } | null;
  readonly rtp: {
    readonly received: number;
    readonly relayed: number;
    readonly generated: number;
    readonly rejected: number;
    /** Gauges. */
    readonly portsInUse: number;
    readonly portsTotal: number;
    /** Since the start of each worker. */
    readonly recordings?: number;
    readonly recordingsFailed?: number;
  } | null;
  readonly cdr: { readonly written: number; readonly failedWrites: number; readonly lost: number } | null;
  /** By receiver. */
  readonly webhooks: ReadonlyMap<string, WebhookStats>;
  readonly droppedEventClients: number;
  readonly ladder: { readonly bytes: number; readonly dropped: number };
}

/** Traced SIP messages by what they were. `status` is null for a request. */
export interface SipCount {
  readonly direction: 'in' | 'out';
  readonly method: string;
  readonly status: number | null;
  readonly count: number;
}

const KNOWN_METHODS = new Set(
  'INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE INFO REFER NOTIFY SUBSCRIBE MESSAGE PUBLISH'.split(
    ' ',
  ),
);

/** The node's Prometheus metrics. */
export class Metrics {
  readonly registry = new Registry();
  readonly #calls = this.#counter('relevo_calls_started_total', 'Calls taken', ['project', 'trunk']);
  readonly #ended = this.#counter('relevo_calls_ended_total', 'Calls ended, by who ended them', ['ended_by']);
  readonly #transfers = this.#counter('relevo_transfers_total', 'Transfers ended', [
    'outcome',
    'method',
    'reason',
  ]);
  readonly #transferSeconds = this.#histogram(
    'relevo_transfer_duration_seconds',
    'From the decision to the terminal result',
    [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80],
  );
  readonly #gapSeconds = this.#histogram(
    'relevo_transfer_gap_seconds',
    'Longest silence that a caller was sent in a transfer',
    [0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 2, 5],
  );
  readonly #callSeconds = this.#histogram(
    'relevo_call_duration_seconds',
    'Length of ended calls',
    [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600],
  );
  readonly #live = this.#gauge('relevo_calls', 'Live calls by state', ['state']);
  readonly #listeners = this.#gauge(
    'relevo_listeners',
    'Operators who hear a call, or are called to, by state',
    ['state'],
  );
  readonly #refused = this.#counter('relevo_calls_refused_total', 'Refused INVITEs', ['reason']);
  readonly #policy = this.#counter('relevo_policy_decisions_total', 'Decisions, in time or by default', [
    'answer',
  ]);
  readonly #cpu = this.#counter('relevo_thread_cpu_seconds_total', 'CPU time', ['thread']);
  readonly #delay = this.#gauge('relevo_thread_loop_delay_seconds', 'Event-loop delay', [
    'thread',
    'quantile',
  ]);
  readonly #packets = this.#counter('relevo_rtp_packets_total', 'RTP packets', ['kind']);
  readonly #ports = this.#gauge('relevo_media_ports', 'RTP ports', ['state']);
  readonly #sipAll = this.#counter('relevo_sip_messages_total', 'SIP messages', ['direction']);
  readonly #sip = this.#counter('relevo_sip_traced_messages_total', 'SIP messages that were traced', [
    'direction',
    'method',
    'status',
  ]);
  readonly #keptOut = this.#counter(
    'relevo_sip_kept_out_total',
    'Messages, calls and connections that the engine kept out',
    ['reason'],
  );
  readonly #pathsFailed = this.#counter('relevo_sip_paths_failed_total', 'Paths found not to work', ['how']);
  readonly #keepAlives = this.#counter('relevo_sip_keep_alives_total', 'Keep-alives that we sent', []);
  readonly #untraced = this.#counter('relevo_sip_untraced_total', 'Messages beyond what is traced', []);
  readonly #connections = this.#gauge(
    'relevo_sip_connections',
    'Open SIP connections: TCP, TLS, WS, WSS',
    [],
  );
  readonly #banned = this.#gauge('relevo_sip_banned_sources', 'Sources that are banned', []);
  readonly #bad = this.#counter('relevo_sip_bad_messages_total', 'SIP messages that could not be used', []);
  readonly #challenges = this.#counter(
    'relevo_login_challenges_total',
    'Requests that were asked to log in',
    [],
  );
  readonly #authFailures = this.#counter(
    'relevo_auth_failures_total',
    'Requests of ours whose credentials were refused',
    [],
  );
  readonly #registered = this.#gauge('relevo_trunk_registered', '1 where the trunk is registered, else 0', [
    'trunk',
  ]);
  readonly #cdr = this.#counter('relevo_cdr_lines_total', 'CDR lines', ['result']);
  readonly #webhooks = this.#counter('relevo_webhook_events_total', 'Events posted to receivers', [
    'receiver',
    'result',
  ]);
  readonly #webhooksWaiting = this.#gauge('relevo_webhook_events_waiting', 'Events that wait', ['receiver']);
  readonly #dropped = this.#counter('relevo_event_clients_dropped_total', 'Readers that were too slow', []);
  readonly #ladderBytes = this.#gauge('relevo_ladder_bytes', 'SIP held for ladders', []);
  readonly #ladderDropped = this.#counter('relevo_ladder_messages_dropped_total', 'Messages not kept', []);
  readonly #heap = this.#gauge('relevo_thread_heap_bytes', 'JavaScript heap, and buffers outside of it', [
    'thread',
    'kind',
  ]);
  readonly #held = new HeldMetrics(this.registry);
  readonly #media = new MediaMetrics(this.registry);
  readonly #startedAt = new Map<string, number>();

  observe(record: CallRecord): void {
    switch (record.kind) {
      case 'call.started':
        this.#calls.inc({ project: record.project, trunk: record.trunk });
        return;
      case 'transfer.started':
        this.#startedAt.set(record.transferId, record.at);
        return;
      case 'transfer.ended': {
        const { outcome, method, reason, transferId, gapMs, attempts } = record.result;
        this.#transfers.inc({ outcome, method: attempts.at(-1)?.method ?? method, reason });
        const startedAt = this.#startedAt.get(transferId);
        this.#startedAt.delete(transferId);
        if (startedAt !== undefined) this.#transferSeconds.observe((record.at - startedAt) / 1000);
        if (gapMs !== null) this.#gapSeconds.observe(gapMs / 1000);
        return;
      }
      case 'call.ended':
        this.#ended.inc({ ended_by: record.endedBy });
        this.#callSeconds.observe(record.durationMs / 1000);
        this.#media.ended(record);
        return;
      case 'call.event':
        this.#media.observe(record);
        return;
      case 'call.state':
      case 'transfer.progress':
        return;
    }
  }

  /** Takes the other threads' counters over; they are absolute, so each replaces the one before. */
  read(book: CallBook, readings: NodeReadings, sip: readonly SipCount[]): void {
    this.#live.reset();
    this.#live.set({ state: 'connecting' }, 0);
    for (const [state, count] of book.states()) this.#live.set({ state }, count);
    this.#listeners.reset();
    this.#listeners.set({ state: 'listening' }, 0);
    for (const [state, count] of book.listeners()) this.#listeners.set({ state }, count);
    this.#cpu.reset();
    this.#delay.reset();
    this.#heap.reset();
    this.#held.read(readings.held);
    for (const reading of readings.threads) {
      const { thread, cpuMs, loopDelayP50Ms, loopDelayP99Ms } = reading;
      this.#heap.set({ thread, kind: 'heap' }, reading.heapBytes);
      this.#heap.set({ thread, kind: 'external' }, reading.externalBytes);
      this.#cpu.inc({ thread }, cpuMs / 1000);
      this.#delay.set({ thread, quantile: '0.5' }, loopDelayP50Ms / 1000);
      this.#delay.set({ thread, quantile: '0.99' }, loopDelayP99Ms / 1000);
    }
    this.#refused.reset();
    for (const [reason, count] of Object.entries(readings.refused)) this.#refused.inc({ reason }, count);
    this.#policy.reset();
    this.#policy.inc({ answer: 'in_time' }, readings.policyAnswered);
    this.#policy.inc({ answer: 'late' }, readings.policyLate);
    this.#bad.reset();
    this.#bad.inc(readings.badMessages);
    this.#challenges.reset();
    this.#challenges.inc(readings.loginChallenges ?? 0);
    this.#authFailures.reset();
    this.#authFailures.inc(readings.authFailures ?? 0);
    this.#registered.reset();
    for (const [trunk, yes] of Object.entries(readings.registered ?? {}))
      this.#registered.set({ trunk }, yes ? 1 : 0);
    this.#sipAll.reset();
    if (readings.sipMessages) {
      this.#sipAll.inc({ direction: 'in' }, readings.sipMessages.in);
      this.#sipAll.inc({ direction: 'out' }, readings.sipMessages.out);
    }
    if (readings.engine) this.#readEngine(readings.engine);
    if (readings.rtp) this.#readRtp(readings.rtp);
    this.#cdr.reset();
    if (readings.cdr) {
      this.#cdr.inc({ result: 'written' }, readings.cdr.written);
      this.#cdr.inc({ result: 'lost' }, readings.cdr.lost);
      this.#cdr.inc({ result: 'failed_write' }, readings.cdr.failedWrites);
    }
    this.#readWebhooks(readings.webhooks);
    this.#dropped.reset();
    this.#dropped.inc(readings.droppedEventClients);
    this.#ladderBytes.set(readings.ladder.bytes);
    this.#ladderDropped.reset();
    this.#ladderDropped.inc(readings.ladder.dropped);
    this.#sip.reset();
    for (const { direction, method, status, count } of sip) {
      // Method names come from the network: only known ones may become labels.
      const label = KNOWN_METHODS.has(method) ? method : 'other';
      this.#sip.inc(
        { direction, method: label, status: status === null ? 'request' : String(status) },
        count,
      );
    }
  }

  /** The text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  #readWebhooks(webhooks: NodeReadings['webhooks']): void {
    this.#webhooks.reset();
    this.#webhooksWaiting.reset();
    for (const [receiver, { waiting, ...results }] of webhooks) {
      for (const [result, count] of Object.entries(results)) this.#webhooks.inc({ receiver, result }, count);
      this.#webhooksWaiting.set({ receiver }, waiting);
    }
  }

  #readEngine(engine: NonNullable<NodeReadings['engine']>): void {
    for (const counter of [this.#keptOut, this.#pathsFailed, this.#keepAlives, this.#untraced])
      counter.reset();
    for (const [reason, count] of Object.entries(engine.keptOut)) this.#keptOut.inc({ reason }, count);
    for (const [how, count] of Object.entries(engine.pathsFailed)) this.#pathsFailed.inc({ how }, count);
    this.#keepAlives.inc(engine.keepAlivesSent);
    this.#untraced.inc(engine.untraced);
    this.#connections.set(engine.connections);
    this.#banned.set(engine.bannedSources);
  }

  #readRtp(rtp: NonNullable<NodeReadings['rtp']>): void {
    this.#packets.reset();
    this.#packets.inc({ kind: 'received' }, rtp.received);
    this.#packets.inc({ kind: 'relayed' }, rtp.relayed);
    this.#packets.inc({ kind: 'generated' }, rtp.generated);
    this.#packets.inc({ kind: 'rejected' }, rtp.rejected);
    this.#media.readRecordings(rtp.recordings ?? 0, rtp.recordingsFailed ?? 0);
    this.#ports.set({ state: 'in_use' }, rtp.portsInUse);
    this.#ports.set({ state: 'total' }, rtp.portsTotal);
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] });
  }
}
