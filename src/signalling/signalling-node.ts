import type { MessagePort } from 'node:worker_threads';
import { Call } from '../call/call.js';
import type { DialogDirectory, KnownDialog } from '../call/dialog-directory.js';
import { DestinationDirectory } from '../call/destinations/destination-directory.js';
import type { MediaCommand, MediaEvent } from '../call/media-port.js';
import type { CallPlan } from '../call/project.js';
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/log.js';
import type { Random } from '../common/random.js';
import { ThreadLoad } from '../common/thread-load.js';
import { Admission } from './admission.js';
import { CallRouter } from './call-router.js';
import { CallRuntime, type CallMachine, type CallSeed } from './call-runtime.js';
import { DigestLink } from './digest-link.js';
import { PolicyLink } from './policy-link.js';
import { RecordBatch } from './record-batch.js';
import { RegistrarAddresses } from './registration/registrar-addresses.js';
import { Registrations } from './registration/registrations.js';
import { SrfLink } from './sip-link.js';
import { SrfAdapter } from './srf-adapter.js';
import type {
  ControlServerAddress,
  FromSignalling,
  SignallingStats,
  SignallingTrunks,
  ToSignalling,
} from './thread-messages.js';

/** The media adapter as signalling uses it (`EmbeddedMedia`). */
export interface NodeMedia {
  execute(callId: string, command: MediaCommand): void;
  callEnded(callId: string): void;
  attachWorker(index: number, port: MessagePort): void;
  preload(files: readonly string[]): void;
  close(): void;
}

export interface SignallingNodeOptions {
  readonly control: ControlServerAddress;
  readonly plan: CallPlan;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly post: (message: FromSignalling) => void;
  readonly makeMedia: (onEvent: (callId: string, event: MediaEvent) => void) => NodeMedia;
  /** Tests put their own machine here; the product's is `Call`. */
  readonly makeCall?: (seed: CallSeed) => CallMachine;
  /** IPv4 address at which the media workers reach each other; absent: that of the SDP. */
  readonly loopAddress?: string;
  /** Can the media mix several parties (default true)? */
  readonly mixes?: boolean;
  /** How long calls may take to say goodbye at `close` (default 1 s). */
  readonly farewellMs?: number;
}

/** How long calls may take to say goodbye when the thread closes: BYE and CANCEL are out, the answers are not awaited. */
const FAREWELL_MS = 1000;

/** Everything of the signalling thread but the thread: what it is told comes by `handle`, what it says by `post`. */
export class SignallingNode {
  readonly #options: SignallingNodeOptions;
  readonly #link: SrfLink;
  readonly #digest: DigestLink;
  readonly #adapter: SrfAdapter;
  readonly #registrations: Registrations;
  readonly #runtime: CallRuntime;
  readonly #router: CallRouter;
  readonly #policy: PolicyLink;
  readonly #media: NodeMedia;
  readonly #records: RecordBatch;
  readonly #load = new ThreadLoad();
  readonly #destinations: DestinationDirectory;
  readonly #admission: Admission;
  #plan: CallPlan;
  #closing: Promise<void> | null = null;
  #allEnded: (() => void) | null = null;

  constructor(options: SignallingNodeOptions) {
    this.#options = options;
    const { clock, random, log, plan } = options;
    const post = this.#post.bind(this);
    this.#plan = plan;
    this.#admission = new Admission(clock);
    this.#destinations = new DestinationDirectory(plan, clock);
    this.#records = new RecordBatch((records) => options.post({ kind: 'records', records }));
    this.#policy = new PolicyLink(clock);
    this.#media = options.makeMedia((callId, event) => {
      this.#runtime.dispatch(callId, { port: 'media', event });
    });
    this.#link = new SrfLink(
      {
        connected: (detail) => {
          log.info({ endpoints: detail }, 'connected to the drachtio server');
          this.#adapter.onLinkBack();
          this.#registrations.onLinkUp();
          post({ kind: 'controlServer', connected: true, detail });
        },
        lost: (detail) => {
          log.error({ code: 'control_server_lost', detail }, 'connection to the drachtio server lost');
          this.#adapter.onLinkLost();
          this.#registrations.onLinkLost();
          post({ kind: 'controlServer', connected: false, detail });
        },
        failed: (detail) => {
          log.warn({ code: 'control_server_unreachable', detail }, 'the drachtio server cannot be reached');
          post({ kind: 'controlServer', connected: false, detail });
        },
        request: (request, reply) => this.#router.handle(request, reply),
        refreshChallenged: (challenge) => {
          const credentials = this.#adapter.credentialsOf(challenge.dialogId);
          if (credentials) this.#digest.continueRefresh(challenge, credentials);
        },
      },
      log,
    );
    this.#digest = new DigestLink({ link: this.#link, clock, random, log });
    this.#adapter = new SrfAdapter({
      link: this.#digest,
      clock,
      log,
      routeOf: (proxies, auth) => this.#registrations.routeOf(proxies, auth),
      emit: (callId, event) => this.#runtime.dispatch(callId, { port: 'signalling', event }),
      mediaAddress: options.loopAddress ?? null,
    });
    this.#registrations = new Registrations({
      plan,
      link: this.#digest,
      clock,
      random,
      log,
      addresses: new RegistrarAddresses(clock, log),
    });
    this.#runtime = new CallRuntime({
      signalling: this.#adapter,
      media: this.#media,
      policy: this.#policy,
      clock,
      log,
      makeCall: options.makeCall ?? ((seed) => this.#makeCall(seed)),
      record: (record) => this.#records.add(record),
      orderResult: (orderId, result) => post({ kind: 'orderResult', orderId, result }),
      ended: (_callId, trunk) => {
        this.#admission.release(trunk);
        if (this.#runtime.size === 0) this.#allEnded?.();
      },
    });
    this.#router = new CallRouter({
      plan,
      adapter: this.#adapter,
      runtime: this.#runtime,
      admission: this.#admission,
      clock,
      random,
      log,
      registrations: this.#registrations,
    });
  }

  /** Connects to the drachtio server, and again whenever the connection is lost. */
  start(): void {
    this.#link.connect(this.#options.control);
    this.#post({ kind: 'ready' });
  }

  handle(message: ToSignalling): void {
    switch (message.kind) {
      case 'mediaWorker':
        this.#media.attachWorker(message.index, message.port);
        this.#media.preload(promptFiles(this.#plan));
        return;
      case 'policy':
        this.#policy.attach(message.port);
        return;
      case 'plan':
        this.#setPlan(message.plan);
        return;
      case 'order':
        this.#runtime.order(message.orderId, message.callId, message.order);
        return;
      case 'drain':
        this.#router.drain();
        void this.#registrations.stop();
        return;
      case 'getStats':
        this.#post({ kind: 'stats', requestId: message.requestId, stats: this.stats() });
        return;
      case 'getTrunks':
        this.#post({ kind: 'trunks', requestId: message.requestId, trunks: this.#trunks() });
        return;
      case 'close':
        void this.close();
        return;
    }
  }

  stats(): SignallingStats {
    return {
      calls: this.#runtime.size,
      callsTotal: this.#runtime.total,
      refused: this.#router.refused,
      policyLate: this.#policy.late,
      policyAnswered: this.#policy.answered,
      badMessages: this.#router.badMessages + this.#runtime.crashed,
      loginChallenges: this.#router.loginChallenges,
      authFailures: this.#digest.failures,
      registered: this.#registrations.registered(),
      legs: this.#adapter.legs,
      callTimers: this.#runtime.timers,
      transfersInFlight: this.#destinations.slots.inFlight,
      ...this.#load.read(),
    };
  }

  #trunks(): SignallingTrunks {
    const directory = this.#destinations.state(this.#options.clock.now());
    const trunks = this.#router.trunkCounts(Object.keys(this.#plan.trunks));
    const admission = this.#admission.state();
    return { trunks, directory, registrations: this.#registrations.views(), admission };
  }

  /** Legs that the adapter still holds: 0 once every call has ended. */
  get legs(): number {
    return this.#adapter.legs;
  }

  /** Ends every call (BYE, CANCEL, 503), frees everything, says `closed`. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock } = this.#options;
    this.#router.drain();
    const unregistered = this.#registrations.stop();
    const ended = new Promise<void>((resolve) => {
      this.#allEnded = resolve;
    });
    for (const callId of this.#runtime.ids()) {
      this.#runtime.order(`close ${callId}`, callId, { kind: 'hangup', cause: 'shutdown' });
    }
    if (this.#runtime.size > 0) {
      const patience = clock.after(this.#options.farewellMs ?? FAREWELL_MS, () => this.#allEnded?.());
      await ended;
      patience.cancel();
    }
    for (const callId of this.#runtime.ids()) this.#runtime.leaveBehind(callId, 'shutdown');
    await unregistered;
    this.#adapter.onLinkLost();
    this.#policy.close();
    this.#media.close();
    this.#records.flush();
    this.#link.close();
    this.#load.close();
    this.#post({ kind: 'closed' });
  }

  /** What is said of a call never overtakes its records. */
  #post(message: FromSignalling): void {
    this.#records.flush();
    this.#options.post(message);
  }

  #setPlan(plan: CallPlan): void {
    this.#router.setPlan(plan);
    this.#registrations.setPlan(plan);
    this.#destinations.swapPlan(plan);
    this.#plan = plan;
    this.#media.preload(promptFiles(plan));
  }

  #findDialog(
    callId: string,
    { sipCallId, localTag, remoteTag }: Parameters<DialogDirectory['find']>[1],
  ): KnownDialog | 'ended' | null {
    const found = this.#adapter.findReplaced({ sipCallId, toTag: localTag, fromTag: remoteTag });
    if (!found || found === 'ended') return found;
    const trunk = this.#plan.trunks[this.#runtime.trunkOf(found.callId) ?? ''];
    return {
      callId: found.callId,
      legId: found.legId,
      confirmed: found.confirmed,
      acceptReplaces: trunk?.acceptReplaces === true,
      joined: this.#adapter.joined(callId, found.callId),
    };
  }

  #makeCall(seed: CallSeed): CallMachine {
    const { clock, random, mixes = true } = this.#options;
    const dialogs = { find: this.#findDialog.bind(this) };
    const sessions = {
      take: (trunk: string) => this.#admission.admit(this.#plan, trunk)?.reason ?? null,
      release: (trunk: string) => this.#admission.release(trunk),
    };
    return new Call({ ...seed, clock, random, mixes, sessions, destinations: this.#destinations, dialogs });
  }
}

/** Every WAV file that a call of this plan may play. */
function promptFiles(plan: CallPlan): readonly string[] {
  const files = new Set<string>();
  for (const { transfer } of Object.values(plan.projects)) {
    for (const file of [
      transfer.musicFile,
      transfer.briefFile,
      transfer.announceFile,
      transfer.callerGoneNotice,
    ]) {
      if (file !== null) files.add(file);
    }
  }
  return [...files];
}
