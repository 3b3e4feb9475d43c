import {
  Inviter,
  SIPExtension,
  URI,
  UserAgent,
  type Bye,
  type Cancel,
  type Info,
  type Invitation,
  type InviterOptions,
  type Referral,
  type Session,
  type SessionDelegate,
} from 'sip.js';
import { realClock, type Clock } from '../common/clock.js';
import { messageOf } from '../common/errors.js';
import { silence, type AudioSource } from './audio/audio-source.js';
import type { G711Law } from './audio/g711.js';
import { answerAtOnce, type AnswerPolicy, type ReferPolicy } from './call-policy.js';
import { DemoCall, parseUri } from './demo-call.js';
import { notifyReferrer, readReferral } from './followed-refer.js';
import { RtpEndpoint } from './rtp-endpoint.js';
import { RtpSessionDescriptionHandler } from './rtp-session-description-handler.js';
import { SipjsTransport, type WireMessage } from './sipjs-transport.js';

/** How long `close` waits for the last calls to end politely. */
const GOODBYE_MS = 500;
const NO_ANSWER_SECONDS = 600;

export interface DemoUserAgentOptions {
  /** The user part of its URI. */
  readonly name: string;
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 0 (default) takes a free port, the same for TCP and UDP. */
  readonly port?: number;
  /** Used where a URI names no transport; `tcp` by default. */
  readonly preferred?: 'tcp' | 'udp';
  /** What a new call plays, made anew for each; silence by default. */
  readonly source?: () => AudioSource;
  /** In order of preference; PCMU, PCMA by default. */
  readonly codecs?: readonly G711Law[];
  readonly answer?: AnswerPolicy | ((call: DemoCall) => AnswerPolicy);
  readonly refer?: ReferPolicy;
  /** False leaves `replaces` out of Supported and ignores the header. */
  readonly replaces?: boolean;
  readonly auth?: { readonly username: string; readonly password: string };
  readonly displayName?: string;
  readonly clock?: Clock;
  /** Each SIP message as it stands on the wire. */
  readonly onWire?: (message: WireMessage) => void;
}

export interface DemoCallOptions {
  /** Whole header lines, such as `X-Tier: gold`. */
  readonly headers?: readonly string[];
  readonly source?: AudioSource;
  /** Plays what a 183 brings before the answer. */
  readonly earlyMedia?: boolean;
  /** Takes the place of this call at its peer (RFC 3891). */
  readonly replaces?: DemoCall;
}

/**
 * A SIP user agent of its own kind, on sip.js and not on Relevo's SIP: it places and takes calls with real
 * RTP and tells what it hears. `start` opens it, `close` ends its calls and frees its ports.
 */
export class DemoUserAgent {
  /** What incoming calls get from now on. */
  answer: AnswerPolicy | ((call: DemoCall) => AnswerPolicy);
  /** What an incoming REFER gets from now on. */
  refer: ReferPolicy;
  /** Every call so far, oldest first. */
  readonly calls: DemoCall[] = [];
  readonly #options: DemoUserAgentOptions;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #ua: UserAgent;
  readonly #endpoints = new WeakMap<Session, RtpEndpoint>();
  readonly #callOf = new WeakMap<Session, DemoCall>();
  readonly #listeners = new Set<(call: DemoCall) => void>();
  readonly #problems: string[] = [];
  #port = 0;
  #closing: Promise<void> | null = null;

  private constructor(options: DemoUserAgentOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#host = options.host ?? '127.0.0.1';
    this.answer = options.answer ?? answerAtOnce;
    this.refer = options.refer ?? { kind: 'follow' };
    this.#ua = new UserAgent({
      uri: new URI('sip', options.name, this.#host),
      contactName: options.name,
      contactParams: { transport: options.preferred ?? 'tcp' },
      displayName: options.displayName ?? '',
      viaHost: this.#host,
      authorizationUsername: options.auth?.username,
      authorizationPassword: options.auth?.password,
      transportConstructor: SipjsTransport,
      transportOptions: {
        host: this.#host,
        port: options.port ?? 0,
        preferred: options.preferred,
        onWire: options.onWire,
      },
      sessionDescriptionHandlerFactory: (session) =>
        new RtpSessionDescriptionHandler(this.#endpointOf(session), {
          host: this.#host,
          codecs: options.codecs ?? ['PCMU', 'PCMA'],
        }),
      sipExtensionReplaces: options.replaces === false ? SIPExtension.Unsupported : SIPExtension.Supported,
      sendInitialProvisionalResponse: false,
      noAnswerTimeout: NO_ANSWER_SECONDS,
      gracefulShutdown: false,
      logBuiltinEnabled: false,
      logConfiguration: false,
      userAgentString: 'relevo-demo (sip.js)',
      delegate: {
        onInvite: (invitation) => {
          this.#take(invitation);
        },
      },
    });
  }

  /** Opens the ports and resolves when the agent can be called. */
  static async start(options: DemoUserAgentOptions): Promise<DemoUserAgent> {
    const agent = new DemoUserAgent(options);
    await agent.#ua.start();
    const { transport } = agent.#ua;
    if (transport instanceof SipjsTransport) agent.#port = transport.port;
    agent.#ua.contact.uri.port = agent.#port;
    return agent;
  }

  get name(): string {
    return this.#options.name;
  }

  get port(): number {
    return this.#port;
  }

  get host(): string {
    return this.#host;
  }

  /** Where this agent can be called. */
  get uri(): string {
    const transport = this.#options.preferred ?? 'tcp';
    return `sip:${this.name}@${this.#host}:${this.port};transport=${transport}`;
  }

  /** What went wrong behind the scenes (an answer that could not be sent, say). */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** Places a call to a SIP URI. Await `answered` of the result. */
  call(target: string, options: DemoCallOptions = {}): DemoCall {
    const headers = [...(options.headers ?? [])];
    if (options.replaces !== undefined) headers.push(`Replaces: ${options.replaces.replacesValue()}`);
    const inviterOptions: InviterOptions = { extraHeaders: headers };
    if (options.earlyMedia === true) inviterOptions.earlyMedia = true;
    const inviter = new Inviter(this.#ua, parseUri(target), inviterOptions);
    const call = this.#adopt(inviter, options.source);
    this.#dial(inviter, call, () => undefined);
    return call;
  }

  /** Calls back with each incoming call, before its policy is applied. Returns how to stop. */
  onCall(listener: (call: DemoCall) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves with the next incoming call; rejects after `withinMs`. */
  nextCall(withinMs: number): Promise<DemoCall> {
    return new Promise((resolve, reject) => {
      const stop = this.onCall((call) => {
        deadline.cancel();
        stop();
        resolve(call);
      });
      const deadline = this.#clock.after(withinMs, () => {
        stop();
        reject(new Error(`${this.name} was not called within ${withinMs} ms`));
      });
    });
  }

  /** Ends all calls and frees the ports. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const open = this.calls.filter((call) => call.state !== 'ended');
    const goodbyes = Promise.all(
      open.map(async (call) => {
        await call.hangUp();
        await call.ended;
      }),
    ).catch(this.#note);
    await this.#within(GOODBYE_MS, goodbyes);
    const { transport } = this.#ua;
    await this.#ua.stop();
    await transport.dispose();
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    let stop: () => void = () => undefined;
    const deadline = new Promise<void>((resolve) => {
      const timer = this.#clock.after(ms, resolve);
      stop = () => {
        timer.cancel();
      };
    });
    await Promise.race([work, deadline]);
    stop();
  }

  readonly #note = (error: unknown): void => {
    this.#problems.push(messageOf(error));
  };

  #endpointOf(session: Session): RtpEndpoint {
    const endpoint = this.#endpoints.get(session);
    if (endpoint === undefined) throw new Error('a session that this user agent did not make');
    return endpoint;
  }

  #adopt(session: Inviter | Invitation, source?: AudioSource): DemoCall {
    const playing = source ?? this.#options.source?.() ?? silence;
    const endpoint = new RtpEndpoint({ host: this.#host, source: playing, clock: this.#clock });
    this.#endpoints.set(session, endpoint);
    const call = new DemoCall(session, endpoint, this.#clock);
    this.#callOf.set(session, call);
    this.calls.push(call);
    session.delegate = this.#delegate(session, call);
    return call;
  }

  #delegate(session: Session, call: DemoCall): SessionDelegate {
    return {
      onBye: (bye: Bye) => {
        call.noteEnd({ reason: bye.request.getHeader('reason') ?? null });
        void bye.accept();
      },
      onCancel: (cancel: Cancel) => {
        call.noteEnd({ status: 487, reason: cancel.request.getHeader('reason') ?? null });
      },
      onInfo: (info: Info) => {
        const contentType = info.request.getHeader('content-type') ?? '';
        void info.accept();
        call.noteInfo({ contentType, body: info.request.body });
      },
      onInvite: () => {
        call.emit('reinvite', call.mediaDirection);
      },
      onRefer: (referral: Referral) => {
        this.#takeRefer(referral, session, call);
      },
    };
  }

  #dial(inviter: Inviter, call: DemoCall, onStatus: (status: number, reason: string) => void): void {
    const note = ({ message }: { message: { statusCode?: number; reasonPhrase?: string } }): number => {
      const status = message.statusCode ?? 0;
      onStatus(status, message.reasonPhrase ?? '');
      return status;
    };
    const fail = (response: { message: { statusCode?: number } }): void => {
      call.noteEnd({ status: note(response) });
    };
    inviter
      .invite({
        requestDelegate: {
          onTrying: (response) => call.noteProgress(note(response)),
          onProgress: (response) => call.noteProgress(note(response)),
          onAccept: note,
          onReject: fail,
          onRedirect: fail,
        },
      })
      .catch(this.#note);
  }

  #take(invitation: Invitation): void {
    const call = this.#adopt(invitation);
    const replaced = invitation.replacee === undefined ? undefined : this.#callOf.get(invitation.replacee);
    for (const listener of [...this.#listeners]) listener(call);
    if (replaced !== undefined) {
      // RFC 3891 section 3: the user has taken this call already, so it does not ring.
      replaced.noteEnd({ byUs: true });
      invitation.accept().then(() => {
        replaced.noteReplacedBy(call);
      }, this.#note);
      return;
    }
    const policy = typeof this.answer === 'function' ? this.answer(call) : this.answer;
    this.#applyAnswer(invitation, call, policy).catch(this.#note);
  }

  async #applyAnswer(invitation: Invitation, call: DemoCall, policy: AnswerPolicy): Promise<void> {
    switch (policy.kind) {
      case 'ignore':
        return;
      case 'ring':
        await invitation.progress({ statusCode: 180 });
        return;
      case 'answer': {
        if (policy.earlyMedia === true) await invitation.progress({ statusCode: 183 });
        else if (policy.ring !== false) await invitation.progress({ statusCode: 180 });
        if (!(await this.#waitWhileRinging(call, policy.afterMs ?? 0))) return;
        await invitation.accept({ extraHeaders: [...(policy.headers ?? [])] });
        return;
      }
      case 'reject': {
        if (policy.ring === true) await invitation.progress({ statusCode: 180 });
        if (!(await this.#waitWhileRinging(call, policy.afterMs ?? 0))) return;
        call.noteEnd({ byUs: true, status: policy.status });
        await invitation.reject({ statusCode: policy.status, extraHeaders: [...(policy.headers ?? [])] });
        return;
      }
    }
  }

  /** False where the call ended first. */
  async #waitWhileRinging(call: DemoCall, ms: number): Promise<boolean> {
    if (ms > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(ms, resolve);
        void call.ended.then(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    return call.state === 'calling';
  }

  #takeRefer(referral: Referral, session: Session, call: DemoCall): void {
    const policy = this.refer;
    if (policy.kind === 'reject') {
      void referral.reject({ statusCode: policy.status });
      call.emit('refer', referral.referTo.uri.toString());
      return;
    }
    const { target, headers } = readReferral(referral);
    void referral.accept();
    call.emit('refer', target);
    if (policy.kind === 'follow') this.#follow(session, call, target, headers);
    if (policy.kind === 'accept-and-bye') {
      const timer = this.#clock.after(policy.afterMs, () => void call.hangUp().catch(this.#note));
      void call.ended.then(() => {
        timer.cancel();
      });
    }
  }

  #follow(session: Session, call: DemoCall, target: string, headers: readonly string[]): void {
    const contact = this.#ua.contact.toString();
    notifyReferrer(session, contact, 100, 'Trying');
    const inviter = new Inviter(this.#ua, parseUri(target), { extraHeaders: [...headers] });
    const next = this.#adopt(inviter);
    this.#dial(inviter, next, (status, reason) => {
      if (status > 100) notifyReferrer(session, contact, status, reason);
    });
    next.answered.then(
      () => {
        call.noteReplacedBy(next);
      },
      () => undefined,
    );
  }
}
