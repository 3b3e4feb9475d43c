import type { MediaCommand, MediaEvent, MediaSource } from '../call/media-port.js';
import type { CodecName, DtmfKind } from '../call/project.js';
import type { Timer } from '../common/clock.js';
import type { CodecSide } from './codec-match.js';
import type { SdpFailure } from './sdp/remote-description.js';
import { SdpSession, type Agreement } from './sdp/sdp-session.js';
import type { StreamSettings } from './worker-messages.js';

/** Commands that are answered by `localSdp`, `mediaReady` or `mediaFailed`. */
export type NegotiationCommand = Extract<MediaCommand, { kind: 'makeOffer' | 'makeAnswer' | 'takeAnswer' }>;

export interface MediaLegOptions {
  readonly callId: string;
  readonly legId: string;
  readonly mediaAddress: string;
  readonly sessionId: string;
  readonly emit: (event: MediaEvent) => void;
  readonly configure: (settings: StreamSettings) => void;
  /** Cancelled once the worker has answered. */
  readonly openDeadline: Timer;
}

type State =
  /** The worker binds the sockets; commands wait. */
  | { readonly kind: 'opening'; readonly waiting: NegotiationCommand[] }
  | { readonly kind: 'open'; readonly sdp: SdpSession }
  | { readonly kind: 'lost'; readonly code: string; readonly detail: string };

/** The negotiation of one leg on the signalling side. */
export class MediaLeg implements CodecSide {
  readonly callId: string;
  readonly legId: string;
  /** `stopGap` that the worker has not answered yet. */
  readonly gapRequests = new Set<string>();
  /** Its sockets, once the worker has them. */
  bound: { readonly rtpPort: number; readonly address?: string } | null = null;
  /** `close` was sent to the worker. */
  closing = false;
  /** What the party is to hear. */
  source: MediaSource | null = null;
  /** It was said of these settings that a listener cannot take them. */
  saidUnlike: StreamSettings | null = null;
  #dtmf: DtmfKind = 'auto';
  #codecs: readonly CodecName[] = [];
  #settings: StreamSettings | null = null;
  readonly #options: MediaLegOptions;
  #state: State = { kind: 'opening', waiting: [] };

  constructor(options: MediaLegOptions) {
    this.callId = options.callId;
    this.legId = options.legId;
    this.#options = options;
  }

  /** True when its worker is gone or could not open it. */
  get lost(): boolean {
    return this.#state.kind === 'lost';
  }

  get codecs(): readonly CodecName[] {
    return this.#codecs;
  }
  /** What the last exchange agreed on. */
  get settings(): StreamSettings | null {
    return this.#settings;
  }

  /** Its commands wait for its sockets. */
  get opening(): boolean {
    return this.#state.kind === 'opening';
  }

  negotiate(command: NegotiationCommand): void {
    const state = this.#state;
    switch (state.kind) {
      case 'opening':
        state.waiting.push(command);
        return;
      case 'open':
        this.#carryOut(state.sdp, command);
        return;
      case 'lost':
        this.#refuse(command, 503, state.code, state.detail);
        return;
    }
  }

  /** The worker has bound the sockets; `address` is what stands in our SDP. */
  opened(rtpPort: number, address = this.#options.mediaAddress): void {
    if (this.#state.kind !== 'opening') return;
    const { waiting } = this.#state;
    this.#options.openDeadline.cancel();
    const sdp = new SdpSession(address, rtpPort, this.#options.sessionId);
    this.#state = { kind: 'open', sdp };
    for (const command of waiting) this.#carryOut(sdp, command);
  }

  /** The worker cannot serve the leg; true when a command was waiting, which has now failed. */
  fail(status: 500 | 503, code: string, detail: string): boolean {
    const waiting = this.#state.kind === 'opening' ? this.#state.waiting : [];
    this.#options.openDeadline.cancel();
    this.#state = { kind: 'lost', code, detail };
    for (const command of waiting) this.#refuse(command, status, code, detail);
    return waiting.length > 0;
  }

  /** Stops the timer; nothing more is said. */
  dispose(): void {
    this.#options.openDeadline.cancel();
  }

  #carryOut(sdp: SdpSession, command: NegotiationCommand): void {
    const { legId, requestId } = command;
    if (command.kind !== 'takeAnswer') {
      this.#codecs = command.codecs;
      this.#dtmf = command.dtmf ?? 'auto';
    }
    if (command.kind === 'makeOffer') {
      const offer = sdp.makeOffer(command.codecs, command.direction, command.srtp);
      this.#options.emit({ kind: 'localSdp', legId, requestId, sdp: offer, direction: command.direction });
      return;
    }
    if (command.kind === 'makeAnswer') {
      const answer = sdp.makeAnswer(command.remoteSdp, command.codecs, command.direction, command.srtp);
      if (!answer.ok) {
        this.#reject(command, answer.failure);
        return;
      }
      this.#configure(answer.value.settings);
      const { sdp: text, direction } = answer.value;
      this.#options.emit({ kind: 'localSdp', legId, requestId, sdp: text, direction });
      return;
    }
    const taken = sdp.takeAnswer(command.remoteSdp);
    if (!taken.ok) {
      this.#reject(command, taken.failure);
      return;
    }
    this.#configure(taken.value.settings);
    this.#options.emit({ kind: 'mediaReady', legId, requestId, direction: taken.value.direction });
  }

  #configure(negotiated: Agreement['settings']): void {
    const settings = { ...negotiated, dtmf: this.#dtmf };
    this.#settings = settings;
    this.#options.configure(settings);
  }

  #reject(command: NegotiationCommand, failure: SdpFailure): void {
    this.#refuse(command, failure.status, failure.code, failure.detail);
  }

  #refuse(command: NegotiationCommand, status: 400 | 488 | 500 | 503, code: string, detail: string): void {
    const { legId, requestId } = command;
    this.#options.emit({ kind: 'mediaFailed', legId, requestId, status, code, detail });
  }
}
