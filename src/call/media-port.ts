import type { RingbackCountry } from '../common/ringback-country.js';
import type { CodecName, DtmfKind, SrtpKeys, SrtpPolicy } from './project.js';
import type { LegId } from './signalling-port.js';
import type { Party } from './vocabulary.js';

/** RFC 3264 direction, seen from our side of the leg. */
export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** In place of a file: the built-in notice that the caller has hung up. */
export const CALLER_GONE = 'builtin:caller-gone';

/** What one party hears. */
export type MediaSource =
  | { readonly kind: 'leg'; readonly legId: LegId }
  /** Several parties at once; the hearing party itself is left out where it is named. A party that is gone is silent. */
  | { readonly kind: 'mix'; readonly legIds: readonly LegId[] }
  /** All that this party says and all that it is sent, mixed: for somebody who only listens. Nothing changes for the party. */
  | { readonly kind: 'tap'; readonly legId: LegId }
  /** Ringing tone; without a country that of most of Europe and Latin America. */
  | { readonly kind: 'ringback'; readonly country?: RingbackCountry }
  /** `file` null plays the built-in melody; music loops. */
  | { readonly kind: 'music'; readonly file: string | null }
  /** Played once, then silence; `played` is sent with the promptId. */
  | { readonly kind: 'file'; readonly file: string; readonly promptId: string }
  | { readonly kind: 'silence' };

/** What a call machine asks of the media adapter. Answers are events with the same `requestId`. */
export type MediaCommand =
  /** Reserves a port pair and makes our offer (or a new one, for a re-INVITE). → `localSdp` or `mediaFailed`. */
  | {
      readonly kind: 'makeOffer';
      readonly callId: string;
      readonly legId: LegId;
      readonly requestId: string;
      readonly party: Party;
      readonly codecs: readonly CodecName[];
      readonly symmetricRtp: boolean;
      /** Version of IP; 4 where it is not said. */
      readonly family?: 4 | 6;
      readonly dtmf?: DtmfKind;
      readonly srtp?: SrtpPolicy;
      readonly srtpKeys?: SrtpKeys;
      readonly direction: MediaDirection;
    }
  /** Takes the peer's offer (initial, re-INVITE or UPDATE) and makes our answer. → `localSdp` or `mediaFailed`. */
  | {
      readonly kind: 'makeAnswer';
      readonly callId: string;
      readonly legId: LegId;
      readonly requestId: string;
      readonly party: Party;
      readonly codecs: readonly CodecName[];
      readonly symmetricRtp: boolean;
      readonly dtmf?: DtmfKind;
      readonly srtp?: SrtpPolicy;
      readonly srtpKeys?: SrtpKeys;
      readonly remoteSdp: string;
      /** Our wish; the answer is narrowed by the offer (RFC 3264 6.1). */
      readonly direction: MediaDirection;
    }
  /** Takes the peer's answer to our offer. → `mediaReady` or `mediaFailed`. */
  | {
      readonly kind: 'takeAnswer';
      readonly legId: LegId;
      readonly requestId: string;
      readonly remoteSdp: string;
    }
  /** Switches what a party hears; SSRC, sequence and timestamp go on without a break. */
  | { readonly kind: 'hear'; readonly legId: LegId; readonly source: MediaSource }
  /** Sends digits to a party, in the way that its leg has them (RFC 4733, INFO, tones). */
  | {
      readonly kind: 'sendDtmf';
      readonly legId: LegId;
      readonly digits: string;
      /** Whose party pressed it and told so by INFO: the same press may come in RTP too, and is sent once. */
      readonly pressedOn?: LegId;
    }
  /** Lays a short tone over what a party hears: somebody listens. */
  | { readonly kind: 'beep'; readonly legId: LegId }
  /** Records the call of this leg, which is the caller's, until it is closed; a WAV file may be played first. */
  | {
      readonly kind: 'record';
      readonly legId: LegId;
      readonly directory: string;
      readonly consentFile: string | null;
    }
  /** Reports RTP silence from this party after so long; 0 stops watching. */
  | { readonly kind: 'watch'; readonly legId: LegId; readonly timeoutMs: number }
  /** Starts measuring the longest silence sent to this party. */
  | { readonly kind: 'startGap'; readonly legId: LegId }
  /** → `gap`. */
  | { readonly kind: 'stopGap'; readonly legId: LegId; readonly requestId: string }
  /** Frees ports and everything else of this leg. → `closed`. */
  | { readonly kind: 'close'; readonly legId: LegId };

/** Figures of one leg, for the call record; null is what this kind of media does not count. */
export interface LegMediaStats {
  readonly packetsReceived: number;
  readonly packetsSent: number | null;
  readonly bytesReceived: number;
  readonly bytesSent: number | null;
  /** Sequence numbers that never came (RFC 3550 A.3). */
  readonly packetsLost: number | null;
  readonly jitterMs: number | null;
  /** Packets of strangers and malformed ones, dropped. */
  readonly packetsRejected: number;
  /** Mean and longest, from RTCP (RFC 3550 6.4.1); null where the peer sent no report on ours. */
  readonly roundTripMs: number | null;
  readonly roundTripMaxMs: number | null;
  /** What the peer reported last of what it was sent. */
  readonly farPacketsLost: number | null;
  readonly farJitterMs: number | null;
  /** Estimated by the E-model (ITU-T G.107), 1 to 4.5: of what came from the peer, and of what it was sent. G.711 only. */
  readonly mos: number | null;
  readonly farMos: number | null;
}

/** For a call record: whose they are. */
export type LegFigures = LegMediaStats & { readonly party: Party };

/** What the media adapter tells a call machine. */
export type MediaEvent =
  | {
      readonly kind: 'localSdp';
      readonly legId: LegId;
      readonly requestId: string;
      readonly sdp: string;
      /** Set where the SDP is an answer: the agreed direction, from our side. */
      readonly direction: MediaDirection;
    }
  | {
      readonly kind: 'mediaReady';
      readonly legId: LegId;
      readonly requestId: string;
      readonly direction: MediaDirection;
    }
  /** `status`: the SIP status that fits: 488 no common codec or bad SDP, 503 no ports left or worker gone. */
  | {
      readonly kind: 'mediaFailed';
      readonly legId: LegId;
      readonly requestId: string;
      readonly status: 400 | 488 | 500 | 503;
      readonly code: string;
      readonly detail: string;
    }
  | {
      readonly kind: 'dtmf';
      readonly legId: LegId;
      readonly digit: string;
      readonly durationMs: number;
      /** Found as tones in the audio. */
      readonly inband?: true;
    }
  /** Digits for this party that RTP cannot carry: they are to go by INFO. */
  | { readonly kind: 'dtmfByInfo'; readonly legId: LegId; readonly digits: string }
  /** Who hears this party cannot take the codec that it sends: an offer of `codecs` is due (re-INVITE). */
  | { readonly kind: 'codecUnlike'; readonly legId: LegId; readonly codecs: readonly CodecName[] }
  /** `file` once it is being written; null with the reason where it cannot be, or can no more. */
  | {
      readonly kind: 'recording';
      readonly legId: LegId;
      readonly file: string | null;
      readonly code: string | null;
    }
  | { readonly kind: 'played'; readonly legId: LegId; readonly promptId: string }
  /** No RTP came from this party for the watched time; said once until RTP flows again. */
  | { readonly kind: 'mediaTimeout'; readonly legId: LegId; readonly silentMs: number }
  /** The ports of this leg are others than the peer was told: an offer that names them is due (re-INVITE). */
  | { readonly kind: 'mediaMoved'; readonly legId: LegId }
  /** RTP came at the new ports, so long after the old ones were lost. */
  | { readonly kind: 'mediaResumed'; readonly legId: LegId; readonly gapMs: number }
  /** Both ways were agreed, and one has been without audio for so long: from the party (`received`) or to it. */
  | {
      readonly kind: 'oneWayAudio';
      readonly legId: LegId;
      readonly missing: 'received' | 'sent';
      readonly forMs: number;
    }
  /** The media of this leg is gone for good, through a fault of ours. */
  | { readonly kind: 'mediaLost'; readonly legId: LegId; readonly detail: string }
  | { readonly kind: 'gap'; readonly legId: LegId; readonly requestId: string; readonly gapMs: number | null }
  | { readonly kind: 'closed'; readonly legId: LegId; readonly stats: LegMediaStats | null };
