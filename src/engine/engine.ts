import { realClock, type Clock } from '../common/clock.js';
import type { Logger } from '../common/log.js';
import { secureRandom, type Random } from '../common/random.js';
import { RelevoError } from '../common/errors.js';
import { parseMessage } from '../sip/parse-message.js';
import type { SipMessage, SipRequest } from '../sip/message.js';
import { parseNameAddr } from '../sip/name-addr.js';
import { parseSipUri } from '../sip/uri.js';
import { StreamFramer } from '../sip/stream-framer.js';
import { TransactionLayer } from '../sip/transaction/transaction-layer.js';
import { DEFAULT_TIMERS, type TimerValues } from '../sip/transaction/timers.js';
import { serverKey } from '../sip/transaction/transaction-key.js';
import type { Source } from '../sip/transaction/transport.js';
import { BadInputLog } from './bad-input-log.js';
import { ControlServer } from './control/control-server.js';
import {
  defaultLimits,
  type EngineLimits,
  type EngineOptions,
  type EngineTimers,
  type EngineTransport,
  type TlsPeerOptions,
} from './engine-options.js';
import { transportStats, type EngineStats } from './engine-stats.js';
import { ApplicationRouter } from './signalling/application-router.js';
import { ApplicationResponses } from './signalling/application-responses.js';
import { CdrReports } from './signalling/cdr-reports.js';
import { RecordingOutbound, type Core } from './signalling/core.js';
import { DialogControl } from './signalling/dialog-control.js';
import { DialogTable } from './signalling/dialog-table.js';
import { IncomingRequests } from './signalling/incoming-requests.js';
import { OutgoingRequests } from './signalling/outgoing-requests.js';
import { ReceivedBytes } from './signalling/received-bytes.js';
import { ReportFormat } from './signalling/report.js';
import { RequestDirector } from './signalling/request-director.js';
import { SessionRefresh } from './signalling/session-refresh.js';
import { TargetLocator } from './signalling/target-locator.js';
import { ApplicationDelay } from './protection/application-delay.js';
import { QueueDelay } from './protection/queue-delay.js';
import { Gatekeeper, looksLikeSip } from './protection/gatekeeper.js';
import { ProxyRequests } from './proxy/proxy-requests.js';
import { SipTap, type TappedMessage } from './sip-tap.js';
import { NodeDnsSource } from './resolver/node-dns-source.js';
import type { DnsSource } from './resolver/dns-source.js';
import { SipResolver } from './resolver/sip-resolver.js';
import { bareHost } from './transport/response-route.js';
import type { MessageFramer } from './transport/wire.js';
import { Transports } from './transport/transports.js';

/** A bound listener. */
export interface EngineListener {
  readonly transport: EngineTransport;
  readonly address: string;
  readonly port: number;
}

/** A running engine. */
export interface Engine {
  /** Where drachtio-srf connects. */
  readonly controlPort: number;
  readonly listeners: readonly EngineListener[];
  stats(): EngineStats;
  /** Shows every message to the listener, or to nobody with undefined. */
  onMessage(listener: ((message: TappedMessage) => void) | undefined): void;
  /** Reads the certificates again; what cannot be used is logged, and the old ones stay. */
  reloadCertificates(): void;
  /** Meets peers by these settings on new connections; settings that cannot be used are logged, and the old ones stay. */
  setTlsPeers(peers: readonly TlsPeerOptions[]): void;
  /** Besides those of the options, these are touched by no ban and no rate of a source. Throws `engine_bad_source_list`. */
  setTrusted(blocks: readonly string[]): void;
  /** Frees every socket and timer; calls in progress are left as they are. Idempotent. */
  close(): Promise<void>;
}

/** What an engine takes from its surroundings. Clock and randomness default to the real ones. */
export interface EngineEnvironment {
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Where names are looked up; the servers of the options or the system by default. */
  readonly dns?: DnsSource;
}

const SWEEP_MS = 5_000;
/** Of what cannot be cut into messages, so much is shown to the tap. */
const BAD_BYTES_SHOWN = 4_096;

/**
 * Starts the embedded SIP engine in this thread. Rejects with `engine_listen_failed` when a socket cannot be
 * bound, and `engine_no_listener` when there is none to bind.
 */
export async function startEngine(options: EngineOptions, environment: EngineEnvironment): Promise<Engine> {
  if (options.listen.length === 0) {
    throw new RelevoError(
      'engine_no_listener',
      'the engine has no SIP listener',
      'Add at least one entry to "listen".',
    );
  }
  const { log, clock = realClock, random = secureRandom() } = environment;
  const limits: EngineLimits = { ...defaultLimits, ...options.limits };
  const badInput = new BadInputLog(log);
  const tap = new SipTap(clock);
  const receivedBytes = new ReceivedBytes();
  const parseLimits = {
    maxHeaders: limits.sipHeaders,
    maxHeaderBytes: limits.sipHeaderBytes,
    maxBodyBytes: limits.sipMessageBytes,
  };
  let received = 0;
  const queues: QueueDelay[] = [];
  const applicationDelay = new ApplicationDelay();
  const queuedMs = (): number =>
    Math.max(applicationDelay.delayMs(clock.now()), ...queues.map(({ delayMs }) => delayMs));
  const gate: Gatekeeper = new Gatekeeper(options.protection ?? {}, clock, log, {
    backlogBytes: () => control.backlogBytes(),
    queuedMs,
    callers: () => incoming.callers(),
  });

  const onPacket = (raw: Buffer, source: Source): void => {
    if (queues.some((queue) => queue.take(raw))) return;
    received++;
    const standing = gate.judgeSource(source.address);
    if (standing === 'drop') return;
    tap.incoming(raw, source);
    if (!looksLikeSip(raw)) {
      badInput.note(source.address, 'not SIP');
      gate.noteMalformed(source.address);
      return;
    }
    const result = parseMessage(raw, parseLimits);
    if (!result.ok) {
      badInput.note(source.address, result.reason);
      gate.noteMalformed(source.address);
      if (result.request && gate.answersMalformed(source.address))
        layer.respondStateless(result.request, source, result.status, result.reason);
      return;
    }
    const { message } = result;
    if (standing === 'refuse') {
      if (message.kind === 'request') layer.respondStateless(message, source, 403);
      return;
    }
    if (isNew(message) && gate.isScanner(message, source.address)) return;
    if (isNewCall(message) && layer.stateOf(serverKey(message)) === undefined) {
      const verdict = gate.judgeCall(source.address);
      if (verdict !== 'pass') {
        layer.respondStateless(message, source, 503, undefined, [['Retry-After', String(gate.retryAfterS)]]);
        return;
      }
    }
    if (source.transport === 'ws' || source.transport === 'wss') noteFlow(message, source);
    if (source.connectionId !== undefined) transports.noteAlias(message, source, (from) => gate.trusts(from));
    receivedBytes.set(message, raw);
    if (!proxies.take(message, source)) layer.receive(message, source);
    receivedBytes.clear();
  };

  /** RFC 7118 5.3: what a browser gives as its Contact can be reached on its connection alone. */
  const noteFlow = ({ headers }: SipMessage, source: Source): void => {
    const contact = parseNameAddr(headers.get('contact') ?? '');
    const uri = contact && parseSipUri(contact.uri);
    if (uri) transports.noteFlow(uri.host, source);
  };

  const transports: Transports = new Transports({
    limits,
    clock,
    random,
    keepAlive: options.keepAlive ?? {},
    probe: options.failover?.probe ?? true,
    log,
    tap,
    handler: {
      onPacket,
      onBadBytes: (source, reason, raw) => {
        if (raw) tap.incoming(raw.subarray(0, BAD_BYTES_SHOWN), source);
        badInput.note(source.address, reason);
        gate.noteMalformed(source.address);
      },
      admits: (address) => gate.admits(address),
    },
    newFramer: () => framerOf(new StreamFramer(parseLimits)),
    ...(options.tlsPeers ? { tlsPeers: options.tlsPeers } : {}),
    onSendFailed: (destination, transactionId, reason) => {
      log.debug({ address: destination.address, port: destination.port, reason }, 'message not sent');
      if (transactionId !== undefined) layer.transportError(transactionId);
    },
    onPathLost: (isOn, dead) => {
      if (dead) core.locator.noteFailed(dead);
      layer.pathLost(isOn);
    },
    findBackups: async (via, transport) => {
      const { host, port } = via;
      const targets = await resolver.resolve({ host, port, transport, secure: false });
      return targets.map((target) => ({ ...target, host: bareHost(host) }));
    },
  });
  const outbound = new RecordingOutbound(transports);

  const layer: TransactionLayer = new TransactionLayer({
    clock,
    random,
    outbound,
    user: {
      onRequest: (request, key, source) => incoming.onRequest(request, key, source),
      onAck: (ack, source) => incoming.onAck(ack, source),
      onCancel: (key, cancel, source) => incoming.onCancel(key, cancel, source),
      onAckTimeout: () => incoming.onAckTimeout(),
      onResponseTransportError: (key) => incoming.onResponseTransportError(key),
      onStrayResponse: () => incoming.onStrayResponse(),
    },
    timers: timerValues(options.timers),
    limits: parseLimits,
  });

  const report = new ReportFormat(clock);
  const dns = environment.dns ?? new NodeDnsSource(options.dnsServers);
  const resolver = new SipResolver(dns, clock, random, (transport, family) =>
    transports.has(transport, family),
  );
  const core: Core = {
    clock,
    random,
    log,
    transports,
    outbound,
    layer,
    dialogs: new DialogTable(clock),
    report,
    cdr: new CdrReports(report, (verb) => control.pick(verb)),
    applicationDelay,
    locator: new TargetLocator(transports, resolver, clock, limits.udpRequestBytes, options.failover?.restMs),
    rawOf: (message) => receivedBytes.of(message),
    pickClient: (method, tag) => control.pick(method, tag),
  };
  const dialogControl = new DialogControl(core);
  const sessions = new SessionRefresh(core, dialogControl, {
    defaultS: options.sessionTimer?.defaultS ?? 1_800,
    minS: options.sessionTimer?.minS ?? 90,
    offer: options.sessionTimer?.offer ?? false,
  });
  const proxies: ProxyRequests = new ProxyRequests(core, dialogControl);
  const director: RequestDirector = new RequestDirector(
    core,
    options.requestHandlers ?? [],
    (host, port, tls) => control.connectOut(host, port, tls),
    proxies,
  );
  const incoming = new IncomingRequests(core, dialogControl, sessions, proxies, director);
  const outgoing = new OutgoingRequests(core, dialogControl, sessions, options.failover?.silentMs ?? 0);
  const router = new ApplicationRouter(
    core,
    incoming,
    outgoing,
    new ApplicationResponses(core, dialogControl, incoming, sessions),
    proxies,
  );
  const control: ControlServer = new ControlServer(options.control, limits, random, log, router);

  let controlPort: number;
  try {
    await transports.listen(options.listen);
    controlPort = await control.listen();
  } catch (error) {
    gate.close();
    await transports.close();
    throw error;
  }
  const sweep = setInterval(() => {
    incoming.sweep();
  }, SWEEP_MS);
  sweep.unref();

  const listeners = transports.listeners.map(({ transport, address, port }) => ({
    transport,
    address,
    port,
  }));
  // The kernel's queue lives in the machine's time, whatever clock the engine runs on.
  if (options.protection?.overloadLagMs !== 0)
    for (const { transport, address, port } of listeners)
      if (transport === 'udp') queues.push(new QueueDelay(realClock, address, port));
  log.info({ listeners, controlPort }, 'SIP engine started');

  let closing: Promise<void> | undefined;
  return {
    controlPort,
    listeners,
    stats: () => ({
      received,
      ...transportStats(transports.counts()),
      malformed: badInput.count,
      tapDropped: tap.dropped,
      protection: gate.counts(),
      dialogs: core.dialogs.size,
      clients: control.clients,
      incomingPending: incoming.pending,
      outgoingPending: outgoing.pending,
      transactions: layer.counts(),
    }),
    onMessage: (listener) => {
      tap.onMessage(listener);
    },
    reloadCertificates: () => {
      transports.reloadCertificates();
    },
    setTlsPeers: (peers) => {
      transports.setTlsPeers(peers);
    },
    setTrusted: (blocks) => {
      gate.setTrusted(blocks);
    },
    close: () => {
      closing ??= (async () => {
        clearInterval(sweep);
        gate.close();
        for (const queue of queues) queue.close();
        layer.close();
        core.dialogs.close();
        outgoing.close();
        proxies.close();
        await Promise.all([control.close(), transports.close()]);
      })();
      return closing;
    },
  };
}

function isNew(message: SipMessage): message is SipRequest {
  return message.kind === 'request' && message.method !== 'ACK' && message.headers.toTag() === undefined;
}

function isNewCall(message: SipMessage): message is SipRequest {
  return isNew(message) && message.method === 'INVITE';
}

function timerValues(timers: EngineTimers | undefined): Partial<TimerValues> {
  return {
    T1: timers?.t1Ms ?? DEFAULT_TIMERS.T1,
    T2: timers?.t2Ms ?? DEFAULT_TIMERS.T2,
    T4: timers?.t4Ms ?? DEFAULT_TIMERS.T4,
  };
}

function framerOf(framer: StreamFramer): MessageFramer {
  return {
    get bufferedBytes() {
      return framer.bufferedBytes;
    },
    push: (chunk) => {
      const messages: Buffer[] = [];
      let pings = 0;
      let pongs = 0;
      let error: string | undefined;
      for (const frame of framer.push(chunk)) {
        if (frame.kind === 'message') messages.push(frame.bytes);
        else if (frame.kind === 'ping') pings++;
        else if (frame.kind === 'pong') pongs++;
        else error = frame.reason;
      }
      return { messages, pings, pongs, ...(error === undefined ? {} : { error }) };
    },
  };
}
