import { isIPv6 } from 'node:net';
import type { MediaDirection } from '../../call/media-port.js';
import type { CodecName, SrtpKeys, SrtpPolicy } from '../../call/project.js';
import {
  audioLines,
  audioToAnswer,
  audioToOffer,
  meaningsOf,
  narrow,
  settingsOf,
  type LocalAudio,
  type NegotiatedSettings,
} from './local-audio.js';
import type { StreamSettings } from '../worker-messages.js';
import { DtlsNegotiation } from './dtls-negotiation.js';
import type { KeyChoice, KeyExchange } from './key-exchange.js';
import {
  readRemoteDescription,
  type MediaLine,
  type Read,
  type RemoteAudio,
  type SdpFailure,
} from './remote-description.js';
import { drawKey, SrtpNegotiation } from './srtp-negotiation.js';

/** What an exchange came to. */
export interface Agreement {
  /** From our side. */
  readonly direction: MediaDirection;
  readonly settings: NegotiatedSettings & Pick<StreamSettings, 'srtp' | 'dtls'>;
}

/**
 * The offer/answer state of one leg (RFC 3264) with one audio stream of ours. A failed exchange leaves the
 * state before it in force. No sockets here: the RTP port is an input.
 */
export class SdpSession {
  #address: string;
  #rtpPort: number;
  readonly #sessionId: string;
  #addressType: 'IP4' | 'IP6';
  #version = 0;
  #lastContent = '';
  #lines: readonly MediaLine[] = [];
  #audioIndex = 0;
  #protocol = 'RTP/AVP';
  /** Offered until a peer has answered without it (RFC 5761 5.1.1). */
  #rtcpMux = true;
  /** RFC 3264 8.3.2: a payload type keeps its meaning for the whole session. */
  readonly #payloadTypes = new Map<CodecName, number>();
  readonly #eventPayloadTypes = new Map<number, number>();
  /** By m= line: what each payload type has stood for, on either side. */
  readonly #meanings = new Map<number, Map<number, string>>();
  /** Of t=; an answer repeats that of its offer. */
  #timing = '0 0';
  #offered: LocalAudio | null = null;
  readonly #sdes: SrtpNegotiation;
  /** Null where the media has no certificate: keys come from SDP then. */
  #dtls: DtlsNegotiation | null = null;
  #keys: KeyExchange;

  /**
   * `sessionId` is a decimal number as o= wants it; `fingerprint` that of the certificate of this leg's media, where
   * keys are to come from DTLS.
   */
  constructor(
    address: string,
    rtpPort: number,
    sessionId: string,
    fingerprint: string | null = null,
    draw = drawKey,
  ) {
    this.#sdes = new SrtpNegotiation(draw);
    this.#keys = this.#sdes;
    this.#certify(fingerprint);
    this.#address = address;
    this.#addressType = isIPv6(address) ? 'IP6' : 'IP4';
    this.#rtpPort = rtpPort;
    this.#sessionId = sessionId;
  }

  /** Our socket is another one from now on; the next description says so, and its version rises (RFC 3264 8.3.1). */
  move(address: string, rtpPort: number, fingerprint: string | null = null): void {
    this.#certify(fingerprint);
    this.#address = address;
    this.#addressType = isIPv6(address) ? 'IP6' : 'IP4';
    this.#rtpPort = rtpPort;
  }

  /** Our offer, initial or new (RFC 3264 5, 8). An offer that was never answered is forgotten. */
  makeOffer(
    codecs: readonly CodecName[],
    direction: MediaDirection,
    srtp: SrtpPolicy = 'off',
    keys: SrtpKeys = 'sdes',
  ): string {
    this.#takeKeys(keys);
    this.#offered = audioToOffer(
      codecs,
      this.#payloadTypes,
      this.#eventPayloadTypes,
      this.#meaningsNow(),
      direction,
      this.#rtcpMux,
    );
    if (!this.#keys.settled) this.#protocol = srtp === 'required' ? this.#keys.profile : 'RTP/AVP';
    return this.#render(this.#offered, this.#keys.offer(srtp));
  }

  /** Takes an offer and makes the answer (RFC 3264 6). */
  makeAnswer(
    remoteSdp: string,
    codecs: readonly CodecName[],
    wish: MediaDirection,
    srtp: SrtpPolicy = 'off',
    keys: SrtpKeys = 'sdes',
  ): Read<Agreement & { readonly sdp: string }> {
    this.#takeKeys(keys);
    const read = readRemoteDescription(remoteSdp);
    if (!read.ok) return read;
    const { audio, noAudio, lines, timing } = read.value;
    if (lines.length < this.#lines.length) {
      return failed({
        status: 488,
        code: 'sdp_malformed',
        detail: 'fewer m= lines than before (RFC 3264 8)',
      });
    }
    if (audio.length === 0) return failed(noAudio);
    // What can be encrypted comes before what cannot.
    const ranked = [...audio];
    if (srtp !== 'off')
      ranked.sort((one, other) => Number(this.#hasKeys(other)) - Number(this.#hasKeys(one)));
    let refusal: SdpFailure | null = null;
    for (const remote of ranked) {
      const secured = this.#keys.answer(remote, srtp);
      if (!secured.ok) {
        refusal ??= secured.failure;
        continue;
      }
      const local = audioToAnswer(codecs, remote, narrow(wish, remote));
      const settings = local ? settingsOf(local, remote, local.direction) : null;
      if (!local || !settings || !this.#sameFamily(remote.rtp.address)) continue;
      this.#offered = null;
      this.#lines = lines;
      this.#timing = timing;
      this.#audioIndex = remote.index;
      this.#mean(remote.meanings);
      this.#protocol = remote.protocol;
      this.#remember(local);
      secured.value.commit();
      return {
        ok: true,
        value: {
          sdp: this.#render(local, secured.value.lines),
          direction: local.direction,
          settings: { ...settings, ...protection(secured.value) },
        },
      };
    }
    if (refusal) return failed(refusal);
    if (!audio.some((remote) => this.#sameFamily(remote.rtp.address))) return failed(this.#otherFamily());
    return failed({
      status: 488,
      code: 'sdp_no_common_codec',
      detail: `no G.711 of ${codecs.join(', ')} is offered`,
    });
  }

  /** Takes the answer to our last offer; may come again (183, then 200) as long as no new offer was made. */
  takeAnswer(remoteSdp: string): Read<Agreement> {
    const local = this.#offered;
    if (!local) return failed(answerFault('there is no offer of ours to answer'));
    const read = readRemoteDescription(remoteSdp);
    if (!read.ok) return read;
    const { lines, audio, noAudio } = read.value;
    if (lines.length !== Math.max(1, this.#lines.length)) {
      return failed(answerFault(`${lines.length} m= lines answer ${Math.max(1, this.#lines.length)}`));
    }
    const remote = audio.find((candidate) => candidate.index === this.#audioIndex);
    if (!remote) {
      const rejected = lines[this.#audioIndex]?.port === 0;
      return failed(rejected ? { ...noAudio, detail: 'the peer rejected the audio stream' } : noAudio);
    }
    if (!this.#sameFamily(remote.rtp.address)) return failed(this.#otherFamily());
    const direction = narrow(local.direction, remote);
    const agreed = { ...local, rtcpMux: local.rtcpMux && remote.rtcpMux };
    const settings = settingsOf(agreed, remote, direction);
    if (!settings) {
      return failed({
        status: 488,
        code: 'sdp_no_common_codec',
        detail: 'the answer has no G.711 of our offer',
      });
    }
    const secured = this.#keys.answered(remote);
    if (!secured.ok) return secured;
    secured.value.commit();
    this.#mean(remote.meanings);
    this.#remember(agreed);
    return { ok: true, value: { direction, settings: { ...settings, ...protection(secured.value) } } };
  }

  #certify(fingerprint: string | null): void {
    if (fingerprint === null) return;
    if (this.#dtls) this.#dtls.move(fingerprint);
    else this.#dtls = new DtlsNegotiation(fingerprint);
  }

  #takeKeys(keys: SrtpKeys): void {
    this.#keys = (keys === 'dtls' ? this.#dtls : null) ?? this.#sdes;
  }

  #hasKeys(remote: RemoteAudio): boolean {
    return this.#keys === this.#sdes ? remote.cryptos.length > 0 : remote.dtls !== null;
  }

  /** Our sockets speak one version of IP (RFC 6157 is not done: no two addresses in one offer). */
  #sameFamily(remoteAddress: string): boolean {
    return isIPv6(remoteAddress) === isIPv6(this.#address);
  }

  #otherFamily(): SdpFailure {
    const version = isIPv6(this.#address) ? 6 : 4;
    return { status: 488, code: 'sdp_address', detail: `this leg has an IPv${version} address` };
  }

  #remember(local: LocalAudio): void {
    for (const { codec, payloadType } of local.codecs) this.#payloadTypes.set(codec, payloadType);
    for (const [rate, payloadType] of local.events) this.#eventPayloadTypes.set(rate, payloadType);
    this.#rtcpMux = local.rtcpMux;
  }

  #meaningsNow(): Map<number, string> {
    const found = this.#meanings.get(this.#audioIndex) ?? new Map<number, string>();
    this.#meanings.set(this.#audioIndex, found);
    return found;
  }

  #mean(meanings: Iterable<readonly [payloadType: number, name: string]>): void {
    const now = this.#meaningsNow();
    for (const [payloadType, name] of meanings) now.set(payloadType, name);
  }

  #render(local: LocalAudio, keyLines: readonly string[]): string {
    this.#mean(meaningsOf(local));
    const head = ['s=-', `c=IN ${this.#addressType} ${this.#address}`, `t=${this.#timing}`];
    const body: string[] = [];
    const count = Math.max(1, this.#lines.length);
    for (let index = 0; index < count; index++) {
      const line = this.#lines[index];
      if (index === this.#audioIndex) {
        body.push(...audioLines(local, this.#rtpPort, this.#protocol, keyLines));
      } else if (line) {
        body.push(`m=${line.type} 0 ${line.protocol} ${line.formats}`);
      }
    }
    const content = [...head, ...body].join('\r\n');
    // RFC 3264 8: the version rises by one exactly when something else changed.
    if (content !== this.#lastContent) this.#version++;
    this.#lastContent = content;
    const origin = `o=relevo ${this.#sessionId} ${this.#version} IN ${this.#addressType} ${this.#address}`;
    return `v=0\r\n${origin}\r\n${content}\r\n`;
  }
}

function protection({ srtp, dtls }: KeyChoice): Pick<StreamSettings, 'srtp' | 'dtls'> {
  return { srtp, ...(dtls && { dtls }) };
}

function failed(failure: SdpFailure): { readonly ok: false; readonly failure: SdpFailure } {
  return { ok: false, failure };
}

function answerFault(detail: string): SdpFailure {
  return { status: 488, code: 'sdp_answer', detail };
}
