import { glareDelayMs } from '../../sip/dialog/offer-state.js';
import {
  agreedByResponse,
  answerSessionTimer,
  formatSessionExpires,
  minSe,
  sessionExpires,
  SessionTimer,
  SMALLEST_MIN_SE_S,
  supports,
  type SessionTimerPolicy,
} from '../../sip/dialog/session-timer.js';
import type { HeaderList, SipRequest, SipResponse } from '../../sip/message.js';
import type { Core } from './core.js';
import type { DialogControl } from './dialog-control.js';
import type { EngineDialog } from './engine-dialog.js';
import { RefreshChallenges } from './refresh-challenges.js';
import { contactOn } from './request-builder.js';
import type { Source } from '../../sip/transaction/transport.js';
import type { Listener } from '../transport/listener.js';

const EXPIRED = 'Session timer expired';
/** Where the peer neither agreed nor refused, the refresh is repeated after this long. */
const RETRY_MS = 10_000;
/** A challenge that nobody answers, or that refuses our password, is not asked for every 10 s. */
const CHALLENGED_RETRY_MS = 60_000;

/** A refresh that was challenged and goes out again with the credentials of the application. */
export interface ContinuedRefresh {
  readonly credentials: readonly (readonly [string, string])[];
  /** It is out. */
  sent(listener: Listener): void;
  answered(response: SipResponse, source: Source): void;
  refused(text: string): void;
}

/** Session timers (RFC 4028) of every dialog; the application never hears of a refresh that the engine makes. */
export class SessionRefresh {
  readonly #core: Core;
  readonly #control: DialogControl;
  readonly #policy: SessionTimerPolicy;
  /** Refreshes that wait for credentials. */
  readonly challenges: RefreshChallenges;

  constructor(core: Core, control: DialogControl, policy: SessionTimerPolicy) {
    this.#core = core;
    this.#control = control;
    this.challenges = new RefreshChallenges(core);
    this.#policy = { ...policy, minS: Math.max(policy.minS, SMALLEST_MIN_SE_S) };
  }

  /** The headers of the 422 that refuses the request for its timer; undefined when it may pass. */
  refusal(request: SipRequest): readonly (readonly [string, string])[] | undefined {
    if (!isRefreshing(request.method)) return undefined;
    const answer = answerSessionTimer(request.headers, this.#policy);
    return answer.kind === 'too-small' ? [['Min-SE', String(answer.minS)]] : undefined;
  }

  /** Completes a 2xx of the application to an INVITE or UPDATE with what the timer needs. */
  completeAnswer(request: SipRequest, response: SipResponse, dialog: EngineDialog): void {
    if (!isRefreshing(request.method) || response.status < 200 || response.status > 299) return;
    if (response.headers.has('session-expires') || dialog.state !== 'confirmed') return;
    const answer = answerSessionTimer(request.headers, this.#policy, dialog.sessionTimer);
    if (answer.kind !== 'agreed') return;
    response.headers.add('Session-Expires', formatSessionExpires(answer.intervalS, answer.refresher));
    if (answer.require && !requires(response.headers)) response.headers.add('Require', 'timer');
  }

  /** Our 2xx is out. */
  onAnswerSent(request: SipRequest, response: SipResponse, dialog: EngineDialog): void {
    this.#notePeer(dialog, request.headers);
    const agreed = sessionExpires(response.headers);
    if (!isRefreshing(request.method) || !agreed) return;
    this.#run(dialog, agreed.intervalS, agreed.refresher === 'uas' ? 'us' : 'peer');
  }

  /**
   * Completes an INVITE or UPDATE of the application; `intervalS` is the peer's minimum after a 422. The timer is
   * asked for where the policy says so or the dialog has one.
   */
  completeRequest(request: SipRequest, dialog: EngineDialog | undefined, intervalS?: number): void {
    if (!isRefreshing(request.method) || dialog?.state === 'ended') return;
    const { headers } = request;
    const running = dialog?.sessionTimer;
    if (intervalS === undefined && (headers.has('session-expires') || (!running && !this.#policy.offer)))
      return;
    if (request.method === 'UPDATE' && dialog?.state !== 'confirmed') return;
    const wanted = intervalS ?? running?.intervalS ?? this.#policy.defaultS;
    const refresher = running ? (running.refreshing === 'us' ? 'uac' : 'uas') : undefined;
    headers.set('Session-Expires', formatSessionExpires(wanted, refresher));
    const minS = Math.max(this.#policy.minS, intervalS ?? 0);
    if (minS > SMALLEST_MIN_SE_S || intervalS !== undefined) headers.set('Min-SE', String(minS));
    if (!supports(headers, 'timer')) headers.add('Supported', 'timer');
  }

  /** The interval to ask for again after a 422 to a request of ours; undefined when there is no point (RFC 4028 7.3). */
  intervalAfter(request: SipRequest, response: SipResponse): number | undefined {
    if (response.status !== 422) return undefined;
    const least = minSe(response.headers);
    const asked = sessionExpires(request.headers);
    return asked && least > asked.intervalS ? least : undefined;
  }

  /** A 2xx to an INVITE or UPDATE of ours. */
  onAnswered(request: SipRequest, response: SipResponse, dialog: EngineDialog): void {
    if (!isRefreshing(request.method)) return;
    this.#notePeer(dialog, response.headers);
    const agreed = agreedByResponse(request.headers, response.headers);
    if (agreed) this.#run(dialog, agreed.intervalS, agreed.refresher === 'uac' ? 'us' : 'peer');
  }

  #notePeer(dialog: EngineDialog, headers: HeaderList): void {
    const allow = headers.getAll('allow');
    if (allow.length > 0) dialog.peerTakesUpdate = allow.some((line) => /\bUPDATE\b/.test(line));
  }

  #run(dialog: EngineDialog, intervalS: number, refreshing: 'us' | 'peer'): void {
    if (dialog.state !== 'confirmed') return;
    dialog.sessionTimer ??= new SessionTimer({
      clock: this.#core.clock,
      refresh: () => {
        this.#refresh(dialog);
      },
      expire: () => {
        this.#core.log.info({ callId: dialog.callId }, 'session timer expired: the call is ended');
        this.#control.sendBye(dialog, EXPIRED);
      },
    });
    dialog.sessionTimer.restart(Math.max(intervalS, 1), refreshing);
  }

  /** RFC 4028 7.4: an UPDATE without offer where the peer takes one, else a re-INVITE with the SDP as it stands. */
  #refresh(dialog: EngineDialog, continued?: ContinuedRefresh): void {
    const { sip } = dialog;
    if (!sip || dialog.state !== 'confirmed') return;
    this.challenges.forget(dialog);
    const isUpdate = dialog.peerTakesUpdate;
    const busy =
      dialog.pendingInvite !== undefined ||
      dialog.pendingPeerInvite !== undefined ||
      dialog.ackWait !== undefined;
    if (busy && !isUpdate) {
      continued?.refused('an INVITE is outstanding in the dialog');
      dialog.sessionTimer?.retry(1_000);
      return;
    }
    const method = isUpdate ? 'UPDATE' : 'INVITE';
    const listener = this.#core.transports.listenerFor(dialog.lastSource ?? { transport: 'udp' });
    const contact = dialog.localContact ?? (listener ? contactOn(listener, sip.remoteTarget) : undefined);
    const sdp = isUpdate ? undefined : dialog.localSdp;
    const request = sip.createRequest(method, {
      ...(contact === undefined ? {} : { contact }),
      headers: [
        ...(sdp ? [['Content-Type', 'application/sdp'] as const] : []),
        ...(continued?.credentials ?? []),
      ],
      ...(sdp ? { body: sdp } : {}),
    });
    this.completeRequest(request, dialog);
    if (!isUpdate) dialog.pendingInvite = `refresh ${request.headers.get('cseq') ?? ''}`;
    const settle = (): void => {
      if (!isUpdate) dialog.pendingInvite = undefined;
      this.#control.runHeld(dialog);
    };
    this.#control.whenLocated(
      this.#core.locator.locate(sip.nextHop(), request, dialog.lastSource),
      (destination) => {
        this.#core.layer.sendRequest(request, destination, {
          onResponse: (response, _key, source) => {
            if (response.status < 200) return;
            this.#onRefreshed(dialog, request, response, settle);
            if (continued) continued.answered(response, source);
            else if (isChallenge(response)) this.challenges.handUp(dialog, request, response, source);
          },
          onTimeout: () => {
            settle();
            this.#control.sendBye(dialog, EXPIRED);
          },
          onTransportError: () => {
            settle();
            dialog.sessionTimer?.retry(RETRY_MS);
          },
        });
        const over = this.#core.transports.listenerFor(destination);
        if (over) continued?.sent(over);
      },
      (text) => {
        continued?.refused(text);
        settle();
        dialog.sessionTimer?.retry(RETRY_MS);
      },
    );
  }

  #onRefreshed(dialog: EngineDialog, request: SipRequest, response: SipResponse, settle: () => void): void {
    const { status } = response;
    const cseq = request.headers.cseq()?.number ?? 0;
    if (status < 300 && request.method === 'INVITE') {
      if (dialog.lastAck?.cseq === cseq) {
        this.#core.outbound.send(dialog.lastAck.destination, dialog.lastAck.bytes, undefined);
        return;
      }
      this.#control.ackByEngine(dialog, cseq);
    }
    settle();
    if (dialog.state === 'ended') return;
    if (status < 300) {
      dialog.sip?.refreshTarget(response);
      this.onAnswered(request, response, dialog);
      return;
    }
    // RFC 4028 10, RFC 5057: the peer has no such dialog any more.
    if (status === 408 || status === 481) {
      this.#control.sendBye(dialog, EXPIRED);
      return;
    }
    if (request.method === 'UPDATE' && (status === 405 || status === 501)) {
      dialog.peerTakesUpdate = false;
      this.#refresh(dialog);
      return;
    }
    const least = this.intervalAfter(request, response);
    if (least !== undefined) {
      dialog.sessionTimer?.restart(least, 'us');
      dialog.sessionTimer?.retry(0);
      return;
    }
    this.#core.log.info({ callId: dialog.callId, status }, 'session refresh refused; to be tried again');
    dialog.sessionTimer?.retry(
      status === 491
        ? glareDelayMs(dialog.role === 'uac', this.#core.random)
        : isChallenge(response)
          ? CHALLENGED_RETRY_MS
          : RETRY_MS,
    );
  }

  /** The application has credentials for a refresh that was challenged. */
  continueRefresh(dialog: EngineDialog, continued: ContinuedRefresh): void {
    this.#refresh(dialog, continued);
  }
}

function isChallenge({ status }: SipResponse): boolean {
  return status === 401 || status === 407;
}

function isRefreshing(method: string): boolean {
  return method === 'INVITE' || method === 'UPDATE';
}

function requires(headers: HeaderList): boolean {
  return headers.getAll('require').some((line) => /\btimer\b/i.test(line));
}
