import type { MediaDirection } from '../../call/media-port.js';
import type { CodecName } from '../../call/project.js';
import type { StreamSettings } from '../worker-messages.js';
import {
  readRemoteDescription,
  type MediaLine,
  type Read,
  type RemoteAudio,
  type SdpFailure,
} from './remote-description.js';

const STATIC_PAYLOAD_TYPE: Readonly<Record<CodecName, number>> = { PCMU: 0, PCMA: 8 };
const EVENT_PAYLOAD_TYPE = 101;
const FIRST_DYNAMIC = 96;
const PTIME_MS = 20;

type PayloadTypes = readonly { readonly payloadType: number; readonly codec: CodecName }[];

/** The audio line of a description of ours. */
interface LocalAudio {
  readonly codecs: PayloadTypes;
  readonly eventPayloadType: number | null;
  readonly direction: MediaDirection;
  readonly rtcpMux: boolean;
}

/** What an exchange came to. */
export interface Agreement {
  /** From our side. */
  readonly direction: MediaDirection;
  readonly settings: StreamSettings;
}

/**
 * The offer/answer state of one leg (RFC 3264) with one audio stream of ours. A failed exchange leaves the
 * state before it in force. No sockets here: the RTP port is an input.
 */
export class SdpSession {
  readonly #address: string;
  readonly #rtpPort: number;
  readonly #sessionId: string;
  #version = 0;
  #lastContent = '';
  #lines: readonly MediaLine[] = [];
  #audioIndex = 0;
  #protocol = 'RTP/AVP';
  #rtcpMux = false;
  /** RFC 3264 8.3.2: a payload type keeps its meaning for the whole session. */
  readonly #payloadTypes = new Map<CodecName, number>();
  #eventPayloadType = EVENT_PAYLOAD_TYPE;
  #offered: LocalAudio | null = null;

  /** `sessionId` is a decimal number as o= wants it. */
  constructor(address: string, rtpPort: number, sessionId: string) {
    this.#address = address;
    this.#rtpPort = rtpPort;
    this.#sessionId = sessionId;
  }

  /** Our offer, initial or new (RFC 3264 5, 8). An offer that was never answered is forgotten. */
  makeOffer(codecs: readonly CodecName[], direction: MediaDirection): string {
    const types = codecs.map((codec) => ({
      codec,
      payloadType: this.#payloadTypes.get(codec) ?? STATIC_PAYLOAD_TYPE[codec],
    }));
    this.#offered = {
      codecs: types,
      eventPayloadType: freeEventType(this.#eventPayloadType, types),
      direction,
      rtcpMux: this.#rtcpMux,
    };
    return this.#render(this.#offered);
  }

  /** Takes an offer and makes the answer (RFC 3264 6): one codec, the first of ours that the peer has. */
  makeAnswer(
    remoteSdp: string,
    codecs: readonly CodecName[],
    wish: MediaDirection,
  ): Read<Agreement & { readonly sdp: string }> {
    const read = readRemoteDescription(remoteSdp);
    if (!read.ok) return read;
    const { audio, noAudio, lines } = read.value;
    if (lines.length < this.#lines.length) {
      return failed({
        status: 488,
        code: 'sdp_malformed',
        detail: 'fewer m= lines than before (RFC 3264 8)',
      });
    }
    if (audio.length === 0) return failed(noAudio);
    for (const remote of audio) {
      const chosen = chooseCodec(codecs, remote);
      if (!chosen) continue;
      const local: LocalAudio = {
        codecs: [chosen],
        eventPayloadType: remote.eventPayloadType,
        direction: narrow(wish, remote),
        rtcpMux: remote.rtcpMux,
      };
      this.#offered = null;
      this.#lines = lines;
      this.#audioIndex = remote.index;
      this.#protocol = remote.protocol;
      this.#remember(local);
      return {
        ok: true,
        value: {
          sdp: this.#render(local),
          direction: local.direction,
          settings: settingsOf(local, remote, chosen, local.direction),
        },
      };
    }
    return failed({
      status: 488,
      code: 'sdp_no_common_codec',
      detail: `none of ${codecs.join(', ')} is offered`,
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
    // RFC 3264 6.1: the answerer's first format is the one it wants to get.
    const chosen = remote.codecs.find((format) => local.codecs.some((ours) => ours.codec === format.codec));
    if (!chosen) {
      return failed({
        status: 488,
        code: 'sdp_no_common_codec',
        detail: 'the answer has no codec of our offer',
      });
    }
    const direction = narrow(local.direction, remote);
    const agreed = { ...local, rtcpMux: local.rtcpMux && remote.rtcpMux };
    this.#remember(agreed);
    return { ok: true, value: { direction, settings: settingsOf(agreed, remote, chosen, direction) } };
  }

  #remember(local: LocalAudio): void {
    for (const { codec, payloadType } of local.codecs) this.#payloadTypes.set(codec, payloadType);
    this.#eventPayloadType = local.eventPayloadType ?? this.#eventPayloadType;
    this.#rtcpMux = local.rtcpMux;
  }

  #render(local: LocalAudio): string {
    const head = ['s=-', `c=IN IP4 ${this.#address}`, 't=0 0'];
    const body: string[] = [];
    const count = Math.max(1, this.#lines.length);
    for (let index = 0; index < count; index++) {
      const line = this.#lines[index];
      if (index === this.#audioIndex) {
        body.push(...this.#audioLines(local));
      } else if (line) {
        body.push(`m=${line.type} 0 ${line.protocol} ${line.formats}`);
      }
    }
    const content = [...head, ...body].join('\r\n');
    // RFC 3264 8: the version rises by one exactly when something else changed.
    if (content !== this.#lastContent) this.#version++;
    this.#lastContent = content;
    const origin = `o=relevo ${this.#sessionId} ${this.#version} IN IP4 ${this.#address}`;
    return `v=0\r\n${origin}\r\n${content}\r\n`;
  }

  #audioLines(local: LocalAudio): string[] {
    const formats = local.codecs.map((format) => format.payloadType);
    if (local.eventPayloadType !== null) formats.push(local.eventPayloadType);
    const lines = [`m=audio ${this.#rtpPort} ${this.#protocol} ${formats.join(' ')}`];
    for (const { payloadType, codec } of local.codecs) lines.push(`a=rtpmap:${payloadType} ${codec}/8000`);
    if (local.eventPayloadType !== null) {
      lines.push(`a=rtpmap:${local.eventPayloadType} telephone-event/8000`);
      lines.push(`a=fmtp:${local.eventPayloadType} 0-15`);
    }
    lines.push(`a=ptime:${PTIME_MS}`);
    if (local.rtcpMux) lines.push('a=rtcp-mux');
    lines.push(`a=${local.direction}`);
    return lines;
  }
}

function failed(failure: SdpFailure): { readonly ok: false; readonly failure: SdpFailure } {
  return { ok: false, failure };
}

function answerFault(detail: string): SdpFailure {
  return { status: 488, code: 'sdp_answer', detail };
}

function chooseCodec(codecs: readonly CodecName[], remote: RemoteAudio): PayloadTypes[number] | undefined {
  for (const codec of codecs) {
    const found = remote.codecs.find((format) => format.codec === codec);
    if (found) return found;
  }
  return undefined;
}

/** A dynamic payload type for telephone-event that no codec of the offer has. */
function freeEventType(preferred: number, codecs: PayloadTypes): number {
  const taken = (type: number): boolean => codecs.some((format) => format.payloadType === type);
  if (!taken(preferred)) return preferred;
  let type = FIRST_DYNAMIC;
  while (taken(type)) type++;
  return type;
}

/** RFC 3264 6.1: our wish within what the peer's direction leaves us. */
function narrow(wish: MediaDirection, remote: RemoteAudio): MediaDirection {
  const peerTakes =
    !remote.heldByAddress && (remote.direction === 'sendrecv' || remote.direction === 'recvonly');
  const peerSends = remote.direction === 'sendrecv' || remote.direction === 'sendonly';
  const send = peerTakes && (wish === 'sendrecv' || wish === 'sendonly');
  const receive = peerSends && (wish === 'sendrecv' || wish === 'recvonly');
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}

function settingsOf(
  local: LocalAudio,
  remote: RemoteAudio,
  chosen: PayloadTypes[number],
  direction: MediaDirection,
): StreamSettings {
  return {
    remoteRtp: remote.heldByAddress ? null : remote.rtp,
    remoteRtcp: remote.heldByAddress ? null : remote.rtcp,
    rtcpMux: local.rtcpMux,
    sendCodec: chosen.codec,
    sendPayloadType: chosen.payloadType,
    sendEventPayloadType: remote.eventPayloadType,
    receivePayloadTypes: local.codecs,
    receiveEventPayloadType: local.eventPayloadType,
    maySend: direction === 'sendrecv' || direction === 'sendonly',
    mayReceive: direction === 'sendrecv' || direction === 'recvonly',
  };
}
