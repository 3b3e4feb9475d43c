import { randomInt } from 'node:crypto';
import type { BodyAndContentType, SessionDescriptionHandler } from 'sip.js';
import type { G711Law } from './audio/g711.js';
import type { RtpEndpoint } from './rtp-endpoint.js';
import {
  answerDirection,
  readSessionDescription,
  receives,
  sends,
  writeSessionDescription,
  type AudioDescription,
  type MediaDirection,
} from './session-description.js';

const CONTENT_TYPE = 'application/sdp';
const TELEPHONE_EVENT = 101;

type Negotiation =
  | { state: 'stable' }
  | { state: 'have-local-offer'; offer: AudioDescription }
  | { state: 'have-remote-offer'; offer: AudioDescription };

/** sip.js's media layer on plain RTP: negotiates G.711 and telephone-event for one `RtpEndpoint` (RFC 3264). */
export class RtpSessionDescriptionHandler implements SessionDescriptionHandler {
  /** What we want of the next offer or answer: `sendonly` or `inactive` puts the peer on hold. */
  wanted: MediaDirection = 'sendrecv';
  readonly #endpoint: RtpEndpoint;
  readonly #host: string;
  readonly #codecs: readonly G711Law[];
  readonly #sessionId = randomInt(1, 2 ** 31);
  #version = 0;
  #negotiation: Negotiation = { state: 'stable' };
  #direction: MediaDirection = 'inactive';
  #codec: G711Law | null = null;
  #closed = false;

  constructor(endpoint: RtpEndpoint, options: { host: string; codecs: readonly G711Law[] }) {
    this.#endpoint = endpoint;
    this.#host = options.host;
    this.#codecs = options.codecs;
  }

  /** The direction agreed last, from our side. */
  get direction(): MediaDirection {
    return this.#direction;
  }

  /** The codec agreed last; null before the first answer. */
  get codec(): G711Law | null {
    return this.#codec;
  }

  hasDescription(contentType: string): boolean {
    return contentType.toLowerCase().startsWith(CONTENT_TYPE);
  }

  async getDescription(): Promise<BodyAndContentType> {
    const port = await this.#endpoint.open();
    if (this.#closed) throw new Error('the media session ended');
    const local = this.#negotiation.state === 'have-remote-offer' ? this.#answer(port) : this.#offer(port);
    this.#version++;
    const origin = { sessionId: this.#sessionId, version: this.#version };
    return { body: writeSessionDescription(origin, local), contentType: CONTENT_TYPE };
  }

  setDescription(sdp: string): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('the media session ended'));
    try {
      const remote = readSessionDescription(sdp);
      if (this.#negotiation.state === 'have-local-offer') this.#acceptAnswer(this.#negotiation.offer, remote);
      else this.#negotiation = { state: 'have-remote-offer', offer: remote };
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  rollbackDescription(): Promise<void> {
    this.#negotiation = { state: 'stable' };
    return Promise.resolve();
  }

  sendDtmf(tones: string): boolean {
    // sip.js asks for a synchronous verdict; a press cut short by the end of the call is no error of its own.
    this.#endpoint.press(tones).catch(() => undefined);
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#endpoint.close();
  }

  #offer(port: number): AudioDescription {
    const offer: AudioDescription = {
      host: this.#host,
      port,
      direction: this.wanted,
      codecs: this.#codecs,
      telephoneEventType: TELEPHONE_EVENT,
    };
    this.#negotiation = { state: 'have-local-offer', offer };
    return offer;
  }

  #answer(port: number): AudioDescription {
    if (this.#negotiation.state !== 'have-remote-offer') throw new Error('no offer to answer');
    const { offer } = this.#negotiation;
    const codec = this.#commonCodec(offer);
    const direction = answerDirection(offer.direction, this.wanted);
    this.#negotiation = { state: 'stable' };
    this.#apply(offer, codec, direction);
    return {
      host: this.#host,
      port,
      direction,
      codecs: [codec],
      telephoneEventType: offer.telephoneEventType,
    };
  }

  #acceptAnswer(offer: AudioDescription, answer: AudioDescription): void {
    this.#negotiation = { state: 'stable' };
    const codec = this.#commonCodec(answer);
    this.#apply(answer, codec, answerDirection(answer.direction, offer.direction));
  }

  #commonCodec(remote: AudioDescription): G711Law {
    const codec = remote.codecs.find((one) => this.#codecs.includes(one));
    if (codec === undefined || remote.port === 0) throw new Error('no audio codec in common');
    return codec;
  }

  #apply(remote: AudioDescription, codec: G711Law, direction: MediaDirection): void {
    this.#direction = direction;
    this.#codec = codec;
    this.#endpoint.sendTo({
      host: remote.host,
      port: remote.port,
      codec,
      telephoneEventType: remote.telephoneEventType,
      sending: sends(direction) && receives(remote.direction),
    });
  }
}
