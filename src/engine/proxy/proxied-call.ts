import type { Timer } from '../../common/clock.js';
import type { SipRequest, SipResponse } from '../../sip/message.js';
import { parseNameAddrList } from '../../sip/name-addr.js';
import { createResponse } from '../../sip/response.js';
import type { Source } from '../../sip/transaction/transport.js';
import type { Core } from '../signalling/core.js';
import type { DialogControl } from '../signalling/dialog-control.js';
import { bestResponse } from './best-response.js';
import type { ProxyOptions } from './proxy-options.js';

/** RFC 3261 16.6 step 11: longer than three minutes. */
const TIMER_C_MS = 181_000;
const MAX_TARGETS = 32;

/** What a proxied request tells its owner. */
export interface ProxiedCallUser {
  /** A final response of a target; `source` is undefined for one that was made up for want of one. */
  onTargetResponse(response: SipResponse, source: Source | undefined): void;
  /** All is over but for repetitions of a 2xx. */
  onDone(call: ProxiedCall): void;
}

/** `trying` until something came, `ringing` until a final response, `over` after it. */
interface Branch {
  readonly uri: string;
  state: 'trying' | 'ringing' | 'over';
  key: string;
  provisional: Timer | undefined;
  final: Timer | undefined;
  /** It was given up: its failure does not count. */
  cancelled: boolean;
}

/** One request on its way through a stateful proxy (RFC 3261 16). */
export class ProxiedCall {
  readonly key: string;
  readonly #core: Core;
  readonly #control: DialogControl;
  readonly #request: SipRequest;
  readonly #options: ProxyOptions;
  readonly #user: ProxiedCallUser;
  readonly #targets: string[];
  readonly #seen = new Set<string>();
  readonly #branches: Branch[] = [];
  readonly #failures: SipResponse[] = [];
  readonly #prepare: (uri: string, destinationTransport: string, localPort: number | undefined) => SipRequest;
  #next = 0;
  #stopped = false;
  #cancelled = false;
  #done = false;

  /** `prepare` makes the request to forward, Via excepted (RFC 3261 16.6). */
  constructor(parts: {
    core: Core;
    control: DialogControl;
    key: string;
    request: SipRequest;
    options: ProxyOptions;
    user: ProxiedCallUser;
    prepare: (uri: string, transport: string, localPort: number | undefined) => SipRequest;
  }) {
    this.#core = parts.core;
    this.#control = parts.control;
    this.key = parts.key;
    this.#request = parts.request;
    this.#options = parts.options;
    this.#user = parts.user;
    this.#prepare = parts.prepare;
    this.#targets = [];
    this.#addTargets(parts.options.destinations);
  }

  start(): void {
    this.#proceed();
  }

  /** The caller has given up (RFC 3261 16.10): every branch is cancelled, no further one is tried. */
  cancel(): void {
    this.#cancelled = true;
    this.#stop();
    this.#proceed();
  }

  /** Stops its timers. Idempotent. */
  close(): void {
    for (const branch of this.#branches) this.#settle(branch);
  }

  #addTargets(uris: readonly string[]): number {
    let added = 0;
    for (const uri of uris) {
      if (this.#seen.has(uri) || this.#targets.length >= MAX_TARGETS) continue;
      this.#seen.add(uri);
      this.#targets.push(uri);
      added++;
    }
    return added;
  }

  /** Tries what is left to try, and ends when nothing is. */
  #proceed(): void {
    if (this.#done) return;
    const open = (): boolean => this.#branches.some(({ state }) => state !== 'over');
    while (!this.#stopped && this.#next < this.#targets.length && (this.#options.simultaneous || !open()))
      this.#try(this.#targets[this.#next++]!);
    if (!open() && (this.#stopped || this.#next >= this.#targets.length)) this.#finish();
  }

  #try(uri: string): void {
    const branch: Branch = {
      uri,
      state: 'trying',
      key: '',
      provisional: undefined,
      final: undefined,
      cancelled: false,
    };
    this.#branches.push(branch);
    const hop = this.#nextHop(uri);
    this.#control.whenLocated(
      this.#core.locator.locate(hop, this.#request),
      (destination) => {
        if (this.#stopped) {
          this.#fail(branch, this.#madeUp(487));
          return;
        }
        const request = this.#prepare(uri, destination.transport, destination.localPort);
        branch.key = this.#core.layer.sendRequest(request, destination, {
          onResponse: (response, _key, source) => {
            this.#onResponse(branch, response, source);
          },
          onTimeout: () => {
            this.#fail(branch, this.#madeUp(408));
          },
          onTransportError: () => {
            this.#fail(branch, this.#madeUp(503));
          },
        });
        this.#watch(branch);
      },
      (text) => {
        this.#core.log.info({ uri, text }, 'target of a proxied request refused');
        // From within the constructor's caller the owner must not be told yet.
        queueMicrotask(() => {
          this.#fail(branch, this.#madeUp(404));
        });
      },
    );
  }

  /** RFC 3261 16.6 step 6: the routes that are left, else the target. */
  #nextHop(uri: string): string {
    const route = this.#prepare(uri, 'udp', undefined).headers.get('route');
    const first = route === undefined ? undefined : parseNameAddrList(route)?.[0];
    return first?.uri ?? uri;
  }

  #watch(branch: Branch): void {
    if (this.#request.method !== 'INVITE') return;
    const { provisionalMs, finalMs } = this.#options;
    const { clock } = this.#core;
    const giveUp = (): void => {
      this.#giveUp(branch);
    };
    if (provisionalMs !== undefined) branch.provisional = clock.after(provisionalMs, giveUp);
    branch.final = clock.after(finalMs ?? TIMER_C_MS, giveUp);
  }

  /** Cancels a target that takes too long and goes on with the next; its answer still counts should it cross. */
  #giveUp(branch: Branch): void {
    if (branch.state === 'over' || branch.cancelled) return;
    branch.cancelled = true;
    this.#core.layer.cancel(branch.key);
    this.#fail(branch, this.#madeUp(408));
  }

  #onResponse(branch: Branch, response: SipResponse, source: Source): void {
    const { status } = response;
    branch.provisional?.cancel();
    if (status < 200) {
      if (branch.state === 'trying') branch.state = 'ringing';
      // RFC 3261 16.7 step 2: timer C starts anew with each provisional but 100.
      if (status > 100 && this.#options.finalMs === undefined && branch.final) {
        branch.final.cancel();
        branch.final = this.#core.clock.after(TIMER_C_MS, () => {
          this.#giveUp(branch);
        });
      }
      if (status > 100 && !this.#done && branch.state !== 'over') this.#forward(response);
      return;
    }
    if (status < 300) {
      // A repetition, or the answer of another branch: each goes on (RFC 3261 16.7 step 5).
      this.#settle(branch);
      this.#forward(response);
      if (this.#done) return;
      this.#done = true;
      this.#user.onTargetResponse(response, source);
      this.#user.onDone(this);
      this.#stop();
      return;
    }
    if (branch.state === 'over' || this.#done) return;
    if (status < 400 && this.#options.followRedirects && this.#redirect(branch, response, source)) return;
    this.#user.onTargetResponse(response, source);
    this.#fail(branch, response, true);
  }

  #redirect(branch: Branch, response: SipResponse, source: Source): boolean {
    const contacts = response.headers
      .getAll('contact')
      .flatMap((line) => parseNameAddrList(line) ?? [])
      .filter(({ uri }) => /^sips?:/i.test(uri))
      .sort((a, b) => Number(b.params.get('q') ?? 1) - Number(a.params.get('q') ?? 1))
      .map(({ uri }) => uri);
    if (this.#stopped || this.#addTargets(contacts) === 0) return false;
    this.#user.onTargetResponse(response, source);
    this.#settle(branch);
    this.#proceed();
    return true;
  }

  #fail(branch: Branch, response: SipResponse, reported = false): void {
    if (branch.state === 'over') return;
    if (!reported && !this.#done) this.#user.onTargetResponse(response, undefined);
    this.#settle(branch);
    this.#failures.push(response);
    if (response.status >= 600) this.#stop();
    this.#proceed();
  }

  #settle(branch: Branch): void {
    branch.state = 'over';
    branch.provisional?.cancel();
    branch.final?.cancel();
  }

  /** No further targets; those that ring are cancelled. */
  #stop(): void {
    this.#stopped = true;
    for (const branch of this.#branches) {
      branch.provisional?.cancel();
      branch.final?.cancel();
      if (branch.state === 'over' || branch.cancelled || branch.key === '') continue;
      branch.cancelled = true;
      this.#core.layer.cancel(branch.key);
    }
  }

  #finish(): void {
    this.#done = true;
    this.#forward(this.#cancelled ? this.#madeUp(487) : (bestResponse(this.#failures) ?? this.#madeUp(404)));
    this.#user.onDone(this);
  }

  /** Sends a response of a target on to the caller (RFC 3261 16.7 steps 3 and 9). */
  #forward(response: SipResponse): void {
    // The Via lines are those of the caller's request: the top one was ours.
    const own = this.#request.headers.getAll('via');
    const headers = response.headers.clone();
    headers.remove('via');
    for (const via of own.reverse()) headers.prepend('Via', via);
    this.#core.layer.respond(this.key, { ...response, headers });
  }

  #madeUp(status: number): SipResponse {
    return createResponse(this.#request, status, undefined, { toTag: this.#core.layer.toTag(this.key) });
  }
}
