import type { CallContext } from '../call-context.js';
import type { MediaEvent } from '../media-port.js';
import type { LegId } from '../signalling-port.js';
import type { Party } from '../vocabulary.js';
import type { LegMedia } from './leg-media.js';
import { MovedMedia } from './moved-media.js';
import { PressFilter, type PressKind } from '../../common/press-filter.js';

/** The leg as its media sees it. What is told here is told only while the leg is not released. */
export interface LegMediaEventsPort {
  readonly legId: LegId;
  readonly party: Party;
  readonly media: LegMedia;
  /** Answered, agreed, and ended by nobody. */
  readonly up: () => boolean;
  readonly released: () => boolean;
  /** The peer and another party send to each other, and nobody is calling it back. */
  readonly away: () => boolean;
  /** A re-INVITE of ours with what the leg wishes. */
  readonly offer: (done: (ok: boolean) => void) => void;
  readonly switchCodec: () => void;
  readonly sendDigits: (digits: string) => void;
  readonly digit: (digit: string, via: 'rtp' | 'info') => void;
  readonly silent: (silentMs: number) => void;
  readonly played: (promptId: string) => void;
  /** Nobody is heard on this leg any more, for good: it is to end. */
  readonly lost: (detail: string) => void;
  readonly closed: () => void;
}

/** What the media of a leg has to say: keys, silence, ends of prompts, new ports. */
export class LegMediaEvents {
  readonly #context: CallContext;
  readonly #port: LegMediaEventsPort;
  readonly #presses = new PressFilter();
  readonly #moved: MovedMedia;

  constructor(context: CallContext, port: LegMediaEventsPort) {
    this.#context = context;
    this.#port = port;
    const { legId, party, media } = port;
    this.#moved = new MovedMedia(context, {
      legId,
      party,
      up: () => port.up() && !port.released(),
      heard: () => media.agreed === 'sendrecv' || media.agreed === 'recvonly',
      offer: port.offer,
      failed: (detail) => this.#lost(detail),
    });
  }

  take(event: MediaEvent): void {
    const { legId, party, media, released } = this.#port;
    switch (event.kind) {
      case 'dtmf':
        this.digit(event.digit, event.inband ? 'inband' : 'rfc4733');
        return;
      case 'dtmfByInfo':
        this.#port.sendDigits(event.digits);
        return;
      case 'mediaTimeout':
        if (!released() && this.#port.up()) this.#port.silent(event.silentMs);
        return;
      case 'mediaMoved':
        // Nobody sends to the old ports; the offer that takes the media back names the new ones.
        if (this.#port.away()) this.#moved.forgo();
        else this.#moved.moved();
        return;
      case 'mediaResumed':
        this.#moved.resumed(event.gapMs);
        return;
      case 'oneWayAudio': {
        const { missing, forMs } = event;
        // Who only listens may well be muted.
        if (party === 'operator' && missing === 'received') return;
        this.#context.event('one_way_audio', { leg: legId, party, missing, forMs });
        return;
      }
      case 'mediaLost':
        // What the parties hear does not need it, as long as it is not to be taken back.
        if (this.#port.away()) this.#context.event('media_lost', { leg: legId, party });
        else this.#lost(event.detail);
        return;
      case 'recording':
        this.#context.event('recording', { file: event.file, failed: event.code });
        return;
      case 'codecUnlike':
        media.narrowTo(event.codecs);
        this.#port.switchCodec();
        return;
      case 'played':
        if (!released()) this.#port.played(event.promptId);
        return;
      default:
        if (!media.handle(event)) {
          this.#context.impossible('media answer that nobody awaits', { leg: legId, kind: event.kind });
        }
        if (event.kind === 'closed') this.#port.closed();
    }
  }

  /** A key of the peer, by whichever way; the same press by another way is not told again. */
  digit(digit: string, kind: PressKind): void {
    if (this.#port.released() || !this.#presses.isNew(digit, kind, this.#context.now())) return;
    this.#port.digit(digit, kind === 'info' ? 'info' : 'rtp');
  }

  /** The leg is answered: new ports that its peer has not heard of yet are told. */
  answered(): void {
    this.#moved.answered();
  }

  /** Idempotent. */
  close(): void {
    this.#moved.close();
  }

  /** What is said and heard here goes nowhere any more: who may be silent for long is not to be waited for. */
  #lost(detail: string): void {
    const { legId, party, up, released, silent, lost } = this.#port;
    if (released() || !up()) return;
    this.#context.event('media_lost', { leg: legId, party });
    if (party === 'agent' || party === 'operator') lost(detail);
    else silent(0);
  }
}
