import { EventEmitter } from 'node:events';
import type { Invitation } from 'sip.js';
import { Grammar, Inviter, SessionState, URI, type Notification } from 'sip.js';
import type { Clock } from '../common/clock.js';
import type { AudioSource } from './audio/audio-source.js';
import type { Hearing } from './audio/hearing.js';
import type { CallEnd, ReferNotification, ReferOutcome, SentRefer } from './call-policy.js';
import type { RtpEndpoint, RtpStats } from './rtp-endpoint.js';
import type { RtpSessionDescriptionHandler } from './rtp-session-description-handler.js';
import type { MediaDirection } from './session-description.js';

const REINVITE_ATTEMPTS = 4;

/** An INFO request received within the call. */
export interface ReceivedInfo {
  readonly contentType: string;
  readonly body: string;
}

export interface DemoCallEvents {
  dtmf: [digit: string];
  info: [info: ReceivedInfo];
  /** The peer sent a re-INVITE; the direction agreed, from our side. */
  reinvite: [direction: MediaDirection];
  refer: [referTo: string];
  /** A new call has taken this one's place: by a REFER that we followed or by INVITE with Replaces. */
  replaced: [by: DemoCall];
}

/** A SIP URI in a REFER: sip.js writes it without angle brackets, which would turn its parameters into the header's. */
class ReferTarget extends URI {
  readonly #text: string;

  constructor(text: string) {
    super('sip', '', 'refer.invalid');
    this.#text = text;
  }

  override toString(): string {
    return `<${this.#text}>`;
  }
}

/** One call of a `DemoUserAgent`: a sip.js session and its RTP. */
export class DemoCall extends EventEmitter<DemoCallEvents> {
  readonly direction: 'incoming' | 'outgoing';
  /** Resolves when the call is answered; rejects (with the status) when it ends before. */
  readonly answered: Promise<void>;
  /** Resolves when the call has ended, however that came about. */
  readonly ended: Promise<CallEnd>;
  /** The digits received so far. */
  digits = '';
  readonly infos: ReceivedInfo[] = [];
  /** Provisional statuses received so far (outgoing calls). */
  readonly progress: number[] = [];
  /** The call that this one took the place of. */
  replaces: DemoCall | null = null;
  readonly #session: Inviter | Invitation;
  readonly #endpoint: RtpEndpoint;
  readonly #clock: Clock;
  #resolveAnswered!: () => void;
  #rejectAnswered!: (error: Error) => void;
  #resolveEnded!: (end: CallEnd) => void;
  #answeredAtMs: number | null = null;
  #endStatus: number | null = null;
  #endReason: string | null = null;
  #endedByUs = false;

  constructor(session: Inviter | Invitation, endpoint: RtpEndpoint, clock: Clock) {
    super();
    this.#session = session;
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.direction = session instanceof Inviter ? 'outgoing' : 'incoming';
    this.answered = new Promise((resolve, reject) => {
      this.#resolveAnswered = resolve;
      this.#rejectAnswered = reject;
    });
    // Not everybody awaits the answer; `ended` tells the same story.
    this.answered.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    endpoint.onDigit((digit) => {
      this.digits += digit;
      this.emit('dtmf', digit);
    });
    this.#observe();
  }

  /** The Call-ID header. */
  get sipCallId(): string {
    return this.#session.request.callId;
  }

  get state(): 'calling' | 'answered' | 'ended' {
    if (this.#session.state === SessionState.Terminated) return 'ended';
    return this.#session.state === SessionState.Established ? 'answered' : 'calling';
  }

  /** `Clock.now()` of the answer; null before. */
  get answeredAtMs(): number | null {
    return this.#answeredAtMs;
  }

  /** The From URI of an incoming call, the To URI of an outgoing one. */
  get remoteUri(): string {
    return this.#session.remoteIdentity.uri.toString();
  }

  /** A header of the INVITE that made this call, by its full name; null where it is missing. */
  header(name: string): string | null {
    return this.headers(name)[0] ?? null;
  }

  /** All values of a header of the INVITE that made this call. */
  headers(name: string): string[] {
    return this.#session.request.getHeaders(name);
  }

  /** What this side hears. */
  get hearing(): Hearing {
    return this.#endpoint.hearing;
  }

  /** The direction agreed last, from our side: `recvonly` or `inactive` while the peer holds us. */
  get mediaDirection(): MediaDirection {
    return this.#media?.direction ?? 'inactive';
  }

  rtpStats(): RtpStats {
    return this.#endpoint.stats();
  }

  /** What the peer is sent from now on. */
  play(source: AudioSource): void {
    this.#endpoint.play(source);
  }

  /** Presses DTMF digits (RFC 4733); resolves when the last one was sent. */
  press(digits: string, toneMs?: number): Promise<void> {
    return this.#endpoint.press(digits, toneMs);
  }

  /** Resolves when `count` digits have been received in all; rejects after `withinMs`. */
  receivesDigits(count: number, withinMs: number): Promise<string> {
    return this.#until('dtmf', withinMs, `${count} digits`, () =>
      this.digits.length >= count ? this.digits : undefined,
    );
  }

  /** Resolves with the `count`th INFO (1 is the first); rejects after `withinMs`. */
  receivesInfo(count: number, withinMs: number): Promise<ReceivedInfo> {
    return this.#until('info', withinMs, `INFO ${count}`, () => this.infos[count - 1]);
  }

  /** Resolves with the call that takes this one's place; rejects after `withinMs`. */
  isReplaced(withinMs: number): Promise<DemoCall> {
    let by: DemoCall | undefined;
    this.once('replaced', (call) => (by = call));
    return this.#until('replaced', withinMs, 'a replacement', () => by);
  }

  /** Ends the call as its state asks: CANCEL, a refusal, or BYE (resolves when that is answered). Idempotent. */
  async hangUp(reason?: string): Promise<void> {
    if (this.state === 'ended' || this.#endedByUs) return;
    this.#endedByUs = true;
    const session = this.#session;
    switch (session.state) {
      case SessionState.Initial:
      case SessionState.Establishing:
        if (session instanceof Inviter) await session.cancel();
        else await session.reject({ statusCode: 480 });
        break;
      case SessionState.Established: {
        const extraHeaders = reason === undefined ? [] : [`Reason: ${reason}`];
        await new Promise<void>((resolve, reject) => {
          const done = (): void => {
            resolve();
          };
          const requestDelegate = { onAccept: done, onReject: done, onRedirect: done };
          session.bye({ requestDelegate, requestOptions: { extraHeaders } }).catch(reject);
        });
        break;
      }
      case SessionState.Terminating:
      case SessionState.Terminated:
        break;
    }
  }

  /** Puts the peer on hold; `inactive` stops our own audio as well. Resolves with the final status. */
  hold(direction: 'sendonly' | 'inactive' = 'sendonly'): Promise<number> {
    return this.#reinvite(direction);
  }

  unhold(): Promise<number> {
    return this.#reinvite('sendrecv');
  }

  /** Sends an INFO; resolves with the status of its response. */
  sendInfo(contentType: string, content: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const settle = ({ message }: { message: { statusCode?: number } }): void => {
        resolve(message.statusCode ?? 0);
      };
      this.#session
        .info({
          requestDelegate: { onAccept: settle, onReject: settle, onRedirect: settle },
          requestOptions: { body: { contentDisposition: 'render', contentType, content } },
        })
        .catch(reject);
    });
  }

  /** Sends an event of a voicebot, such as `{event:'turn',intent:'agent'}`, as JSON in an INFO. */
  sendEvent(event: Readonly<Record<string, unknown>>): Promise<number> {
    return this.sendInfo('application/json', JSON.stringify(event));
  }

  /**
   * Sends a REFER: blind to a SIP URI (which may carry headers), attended to another call of ours (the URI
   * then holds its Replaces, RFC 5589 section 7). Resolves when the REFER is answered.
   */
  refer(target: string | DemoCall, headers: readonly string[] = []): Promise<SentRefer> {
    const notifications: ReferNotification[] = [];
    let settle: (outcome: ReferOutcome) => void = () => undefined;
    const outcome = new Promise<ReferOutcome>((resolve) => (settle = resolve));
    void this.ended.then(() => {
      settle({ by: 'call-ended', status: null });
    });
    return new Promise((resolve, reject) => {
      const answer = ({ message }: { message: { statusCode?: number } }): void => {
        const status = message.statusCode ?? 0;
        if (status >= 300) settle({ by: 'response', status });
        resolve({ status, notifications, outcome });
      };
      this.#session
        .refer(typeof target === 'string' ? new ReferTarget(target) : target.#session, {
          requestOptions: { extraHeaders: [...headers] },
          requestDelegate: { onAccept: answer, onReject: answer, onRedirect: answer },
          onNotify: (notification) => {
            const noted = readReferNotification(notification);
            notifications.push(noted);
            void notification.accept();
            const final = noted.status >= 200 || /^terminated/i.test(noted.subscriptionState);
            if (final) settle({ by: 'notify', status: noted.status >= 200 ? noted.status : null });
          },
        })
        .catch(reject);
    });
  }

  /** The value of a Replaces header that names this call towards its peer (RFC 3891 section 6.1). */
  replacesValue(): string {
    const dialog = this.#session.dialog;
    if (dialog === undefined) throw new Error('the call has no dialog');
    return `${dialog.callId};to-tag=${dialog.remoteTag};from-tag=${dialog.localTag}`;
  }

  /** Where the peer of this call can be reached for a new one: its Contact. */
  get remoteTarget(): string {
    const dialog = this.#session.dialog;
    if (dialog === undefined) throw new Error('the call has no dialog');
    return dialog.remoteTarget.toString();
  }

  /** Called by the user agent that owns the session. */
  noteProgress(status: number): void {
    this.progress.push(status);
  }

  /** Called by the user agent: the final status of the INVITE, or the Reason of a BYE or CANCEL. */
  noteEnd(end: { status?: number; reason?: string | null; byUs?: boolean }): void {
    this.#endStatus = end.status ?? this.#endStatus;
    this.#endReason = end.reason ?? this.#endReason;
    this.#endedByUs = end.byUs ?? this.#endedByUs;
  }

  noteInfo(info: ReceivedInfo): void {
    this.infos.push(info);
    this.emit('info', info);
  }

  noteReplacedBy(call: DemoCall): void {
    call.replaces = this;
    this.emit('replaced', call);
  }

  get #media(): RtpSessionDescriptionHandler | undefined {
    return this.#session.sessionDescriptionHandler as RtpSessionDescriptionHandler | undefined;
  }

  #observe(): void {
    this.#session.stateChange.addListener((state) => {
      if (state === SessionState.Established) {
        this.#answeredAtMs = this.#clock.now();
        this.#resolveAnswered();
      }
      if (state !== SessionState.Terminated) return;
      this.#endpoint.close();
      // sip.js ends the session first and tells the status after, in the same turn.
      queueMicrotask(() => {
        this.#finish();
      });
    });
  }

  #finish(): void {
    const by = this.#endedByUs ? 'local' : 'remote';
    this.#rejectAnswered(new Error(`the call was not answered: ${this.#endStatus ?? 'ended'}`));
    this.#resolveEnded({ by, status: this.#endStatus, reason: this.#endReason });
  }

  async #reinvite(direction: MediaDirection): Promise<number> {
    const media = this.#media;
    if (media === undefined) throw new Error('the call has no media session');
    const before = media.wanted;
    for (let attempt = 1; ; attempt++) {
      media.wanted = direction;
      const status = await this.#reinviteOnce();
      if (status !== 491 || attempt === REINVITE_ATTEMPTS) {
        if (status >= 300) media.wanted = before;
        return status;
      }
      // RFC 3261 section 14.1: the owner of the Call-ID waits longer, so that the two do not collide again.
      const waitMs = this.direction === 'outgoing' ? 2100 + Math.random() * 1900 : Math.random() * 2000;
      await new Promise<void>((resolve) => void this.#clock.after(waitMs, resolve));
    }
  }

  #reinviteOnce(): Promise<number> {
    return new Promise((resolve, reject) => {
      const settle = ({ message }: { message: { statusCode?: number } }): void => {
        resolve(message.statusCode ?? 0);
      };
      this.#session
        .invite({ requestDelegate: { onAccept: settle, onReject: settle, onRedirect: settle } })
        .catch(reject);
    });
  }

  #until<T>(
    event: 'dtmf' | 'info' | 'replaced',
    withinMs: number,
    what: string,
    read: () => T | undefined,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const value = read();
        if (value === undefined) return;
        stop();
        resolve(value);
      };
      const stop = (): void => {
        deadline.cancel();
        this.off(event, check);
      };
      const deadline = this.#clock.after(withinMs, () => {
        stop();
        reject(new Error(`${what} did not come within ${withinMs} ms`));
      });
      this.on(event, check);
      check();
    });
  }
}

/** Parses a SIP URI; throws an Error for what is none. */
export function parseUri(text: string): URI {
  const uri = Grammar.URIParse(text);
  if (uri === undefined) throw new Error(`not a SIP URI: "${text}"`);
  return uri;
}

function readReferNotification(notification: Notification): ReferNotification {
  const [, status, reason] = /^SIP\/2\.0 (\d{3})(?: ([^\r\n]*))?/.exec(notification.request.body) ?? [];
  return {
    status: Number(status ?? 0),
    reason: reason ?? '',
    subscriptionState: notification.request.getHeader('subscription-state') ?? '',
  };
}
