import type { CallContext } from '../call-context.js';
import type { LegMediaStats, MediaDirection, MediaEvent, MediaSource } from '../media-port.js';
import type { CodecName, DtmfKind, RecordingSettings, SrtpKeys, SrtpPolicy } from '../project.js';
import type { LegId } from '../signalling-port.js';
import type { Party } from '../vocabulary.js';

/** The media adapter's answer to one request. `sdp` is empty for `takeAnswer`. */
export type MediaResult =
  | { readonly ok: true; readonly sdp: string; readonly direction: MediaDirection }
  | { readonly ok: false; readonly status: number; readonly code: string; readonly detail: string };

/** What a leg's media is made of. */
export interface MediaProfile {
  readonly codecs: readonly CodecName[];
  readonly symmetricRtp: boolean;
  /** Version of IP of an offer of ours; an answer takes the peer's. */
  readonly family: 4 | 6;
  /** How digits go to this peer, and from where they are taken. */
  readonly dtmf: DtmfKind;
  /** Off where absent. */
  readonly srtp?: SrtpPolicy;
  /** SDES where absent. */
  readonly srtpKeys?: SrtpKeys;
}

/** The media endpoint of one leg: requests with their answers, and exactly one close. */
export class LegMedia {
  readonly #context: CallContext;
  readonly #legId: LegId;
  readonly #party: Party;
  #profile: MediaProfile;
  #switchDue = false;
  readonly #pending = new Map<string, (result: MediaResult) => void>();
  #gapDone: ((gapMs: number | null) => void) | null = null;
  #gapRequest: string | null = null;
  #gap: 'idle' | 'measuring' | 'asked' | 'known' = 'idle';
  #gapMs: number | null = null;
  #state: 'unused' | 'open' | 'closing' | 'closed' = 'unused';
  #stats: LegMediaStats | null = null;
  #watchMs = 0;
  #watchedMs = 0;
  #agreed: MediaDirection = 'sendrecv';
  #holding = false;

  constructor(context: CallContext, legId: LegId, party: Party, profile: MediaProfile) {
    this.#context = context;
    this.#legId = legId;
    this.#party = party;
    this.#profile = profile;
  }

  /** Nothing is held at the media adapter (never used, or closed). */
  get released(): boolean {
    return this.#state === 'unused' || this.#state === 'closed';
  }
  get open(): boolean {
    return this.#state === 'open';
  }
  get state(): string {
    return this.#state;
  }
  get stats(): LegMediaStats | null {
    return this.#stats;
  }
  /** The direction in force, from our side. */
  get agreed(): MediaDirection {
    return this.#agreed;
  }
  /** The peer would not hear us though we wished to send. */
  get holding(): boolean {
    return this.#holding;
  }

  /** An offer and its answer agreed on a direction; `wish` is what we had asked for. */
  settle(wish: MediaDirection, agreed: MediaDirection): void {
    this.#agreed = agreed;
    const sends = (direction: MediaDirection): boolean =>
      direction === 'sendrecv' || direction === 'sendonly';
    if (sends(wish)) this.#holding = !sends(agreed);
    this.#applyWatch();
  }

  /** From now on only these codecs are offered and accepted: others hear this party who have no more. */
  narrowTo(codecs: readonly CodecName[]): void {
    this.#profile = { ...this.#profile, codecs };
    this.#switchDue = true;
  }

  /** True once after `narrowTo`: the peer has to be told. */
  takeSwitch(): boolean {
    const due = this.#switchDue;
    this.#switchDue = false;
    return due;
  }

  makeOffer(direction: MediaDirection, done: (result: MediaResult) => void): void {
    const requestId = this.#begin(done);
    if (requestId === null) return;
    this.#context.media({
      kind: 'makeOffer',
      callId: this.#context.callId,
      legId: this.#legId,
      requestId,
      party: this.#party,
      ...this.#profile,
      direction,
    });
  }

  makeAnswer(remoteSdp: string, direction: MediaDirection, done: (result: MediaResult) => void): void {
    const requestId = this.#begin(done);
    if (requestId === null) return;
    this.#context.media({
      kind: 'makeAnswer',
      callId: this.#context.callId,
      legId: this.#legId,
      requestId,
      party: this.#party,
      ...this.#profile,
      remoteSdp,
      direction,
    });
  }

  takeAnswer(remoteSdp: string, done: (result: MediaResult) => void): void {
    const requestId = this.#begin(done);
    if (requestId === null) return;
    this.#context.media({ kind: 'takeAnswer', legId: this.#legId, requestId, remoteSdp });
  }

  hear(source: MediaSource): void {
    if (this.open) this.#context.media({ kind: 'hear', legId: this.#legId, source });
  }

  sendDtmf(digits: string, pressedOn?: LegId): void {
    if (!this.open) return;
    this.#context.media({ kind: 'sendDtmf', legId: this.#legId, digits, ...(pressedOn && { pressedOn }) });
  }

  /** A short tone over what the party hears. */
  beep(): void {
    if (this.open) this.#context.media({ kind: 'beep', legId: this.#legId });
  }

  /** Records this leg and what its party hears, until it is closed. */
  record({ directory, consentFile }: RecordingSettings): void {
    if (this.open) this.#context.media({ kind: 'record', legId: this.#legId, directory, consentFile });
  }

  /** Watches for RTP silence while the peer is expected to send (ms); 0 stops. */
  watch(timeoutMs: number): void {
    this.#watchMs = timeoutMs;
    this.#applyWatch();
  }

  startGap(): void {
    if (!this.open) return;
    this.#gap = 'measuring';
    this.#context.media({ kind: 'startGap', legId: this.#legId });
  }

  /** Asks for the longest silence; `done` gets null where it was not measured or the media is gone. */
  stopGap(done: (gapMs: number | null) => void): void {
    this.#askGap();
    if (this.#gap === 'asked') this.#gapDone = done;
    else done(this.#gapMs);
  }

  /** Frees the ports; idempotent. Requests in flight are forgotten. */
  close(): void {
    this.#pending.clear();
    if (this.#state === 'unused') this.#state = 'closed';
    if (this.#state !== 'open') return;
    this.#askGap();
    this.#state = 'closing';
    this.#context.media({ kind: 'close', legId: this.#legId });
  }

  /** Gives up waiting for `closed` (the media worker is gone). */
  forget(): void {
    this.#pending.clear();
    this.#state = 'closed';
    this.#finishGap(null);
  }

  /** Takes an answer of the media adapter; false where nobody asked. */
  handle(event: MediaEvent): boolean {
    switch (event.kind) {
      case 'localSdp':
        return this.#answer(event.requestId, { ok: true, sdp: event.sdp, direction: event.direction });
      case 'mediaReady':
        return this.#answer(event.requestId, { ok: true, sdp: '', direction: event.direction });
      case 'mediaFailed': {
        const { status, code, detail } = event;
        return this.#answer(event.requestId, { ok: false, status, code, detail });
      }
      case 'gap':
        if (event.requestId !== this.#gapRequest) return false;
        this.#finishGap(event.gapMs);
        return true;
      case 'closed':
        if (this.#state === 'closed') return false;
        this.#state = 'closed';
        this.#stats = event.stats;
        this.#finishGap(null);
        return true;
      default:
        return false;
    }
  }

  #applyWatch(): void {
    const expected = this.#agreed === 'sendrecv' || this.#agreed === 'recvonly';
    const timeoutMs = expected ? this.#watchMs : 0;
    if (!this.open || timeoutMs === this.#watchedMs) return;
    this.#watchedMs = timeoutMs;
    this.#context.media({ kind: 'watch', legId: this.#legId, timeoutMs });
  }

  #begin(done: (result: MediaResult) => void): string | null {
    if (this.#state === 'closing' || this.#state === 'closed') return null;
    this.#state = 'open';
    const requestId = this.#context.nextRequestId();
    this.#pending.set(requestId, done);
    return requestId;
  }

  #answer(requestId: string, result: MediaResult): boolean {
    const done = this.#pending.get(requestId);
    // An answer that crossed our close is late, not wrong.
    if (!done) return this.#state === 'closing';
    this.#pending.delete(requestId);
    done(result);
    return true;
  }

  /** The figure is asked for before the media goes. */
  #askGap(): void {
    if (this.#gap !== 'measuring' || !this.open) return;
    this.#gap = 'asked';
    const requestId = this.#context.nextRequestId();
    this.#gapRequest = requestId;
    this.#context.media({ kind: 'stopGap', legId: this.#legId, requestId });
  }

  #finishGap(gapMs: number | null): void {
    if (this.#gap === 'idle' || this.#gap === 'known') return;
    this.#gap = 'known';
    this.#gapMs = gapMs;
    const done = this.#gapDone;
    this.#gapDone = null;
    this.#gapRequest = null;
    done?.(gapMs);
  }
}
