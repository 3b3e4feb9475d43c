import type { MessagePort } from 'node:worker_threads';
import type { MediaCommand, MediaEvent } from '../call/media-port.js';
import type { CodecName, DtmfKind, G711Name } from '../call/project.js';
import type { LegId } from '../call/signalling-port.js';
import type { Party } from '../call/vocabulary.js';
import type { LogLevel } from '../common/log.js';
import type { ThreadLoadReading } from '../common/thread-load.js';
import type { SrtpSuite } from '../rtp/srtp/suites.js';
import type { DtlsRole } from './sdp/dtls-attributes.js';

/** An IPv4 or IPv6 transport address; IPv6 without brackets. */
export interface MediaAddress {
  readonly address: string;
  readonly port: number;
}

/** Keys of an encrypted stream, each with its salt, in base64: secrets, which are shown nowhere. */
export interface SrtpSettings {
  readonly suite: SrtpSuite;
  /** Ours. */
  readonly sendKey: string;
  /** The peer's. */
  readonly receiveKey: string;
}

/** A stream whose keys come from a DTLS handshake in its own path (RFC 5764). */
export interface DtlsSettings {
  /** Of the peer's certificate, as in a=fingerprint. */
  readonly fingerprint: string;
  readonly peerRole: DtlsRole;
}

/** The SSRCs of what we send a party: at a clock of 8000 Hz, and at 48,000 Hz. */
export interface StreamSsrcs {
  readonly narrow: number;
  readonly wide: number;
}

/** What one offer/answer exchange agreed on, as a worker needs it. */
export interface StreamSettings {
  /** Where the peer wants RTP; null where it wants none (hold by c=0.0.0.0). */
  readonly remoteRtp: MediaAddress | null;
  readonly remoteRtcp: MediaAddress | null;
  /** RFC 5761: RTCP shares the RTP port. */
  readonly rtcpMux: boolean;
  /** Audio that we make: the agreed G.711 codec, under the peer's number. */
  readonly sendCodec: G711Name;
  readonly sendPayloadType: number;
  /** Samples of one packet of ours: 160 for 20 ms, 80 where the peer takes no more than 10 ms (a=maxptime). */
  readonly packetSamples: number;
  /** What else the peer takes, under its numbers: passed through as it comes. */
  readonly passThrough: readonly { readonly payloadType: number; readonly codec: CodecName }[];
  /** The codec in which the peer is going to send: the first that both sides name. */
  readonly peerCodec: CodecName;
  /** RFC 4733 payload type at 8000 Hz that the peer takes; null where it takes none. */
  readonly sendEventPayloadType: number | null;
  /** Likewise at 48,000 Hz, beside Opus. */
  readonly sendWideEventPayloadType: number | null;
  /** How digits go to the peer; `inband` has its audio searched for tones. */
  readonly dtmf: DtmfKind;
  /** What we take: payload types that our SDP announced. */
  readonly receivePayloadTypes: readonly { readonly payloadType: number; readonly codec: CodecName }[];
  readonly receiveEventPayloadType: number | null;
  readonly receiveWideEventPayloadType: number | null;
  /** Null for plain RTP, and for keys by DTLS. */
  readonly srtp: SrtpSettings | null;
  readonly dtls?: DtlsSettings | null;
  /** The agreed direction, from our side. */
  readonly maySend: boolean;
  readonly mayReceive: boolean;
}

/** What is passed on to the worker of a leg as the call gave it; answers come as `event`. */
export type LegCommand = Extract<
  MediaCommand,
  {
    kind:
      | 'hear'
      | 'sendDtmf'
      | 'beep'
      | 'record'
      | 'watch'
      | 'askSource'
      | 'rest'
      | 'startGap'
      | 'stopGap'
      | 'close';
  }
>;

/** Signalling side → media worker, over their own port, those of one turn as an array. In order: a leg's `open` comes before all else of it. */
export type ToMediaWorker =
  /** → `opened` or `openFailed`. Other commands for the leg may follow at once. */
  | {
      readonly kind: 'open';
      readonly callId: string;
      readonly legId: LegId;
      readonly symmetricRtp: boolean;
      readonly family: 4 | 6;
      readonly party: Party;
      /** Its keys come from DTLS: `opened` has a fingerprint. */
      readonly dtls?: boolean;
      /** The leg had ports at a worker that was lost so long ago. → `event` with `mediaResumed`. */
      readonly lostForMs?: number;
      /** A worker was asked for it before, which has lost its call. */
      readonly again?: true;
      /** Never those of a worker before this one: under the same key their numbers are used up (RFC 3711 9.1). */
      readonly ssrcs?: StreamSsrcs;
    }
  | {
      readonly kind: 'configure';
      readonly legId: LegId;
      readonly settings: StreamSettings;
      /** SSRC and highest index of what the peer has sent under the key of `settings` to a worker that was lost. */
      readonly srtpReached?: readonly (readonly [ssrc: number, index: number])[];
    }
  | Exclude<LegCommand, { kind: 'record' | 'startGap' }>
  /** `part`: from 2 on where a worker before this one has written what came before. */
  | (Extract<LegCommand, { kind: 'record' }> & { readonly part?: number })
  /** `silentForMs`: how long nothing was sent already. */
  | (Extract<LegCommand, { kind: 'startGap' }> & { readonly silentForMs?: number })
  /** Reads and converts files before a call needs them. */
  | { readonly kind: 'preload'; readonly files: readonly string[] };

/** Media worker → signalling side, likewise as arrays. */
export type FromMediaWorker =
  | {
      readonly kind: 'opened';
      readonly legId: LegId;
      readonly rtpPort: number;
      /** What stands in our SDP; undefined leaves it to the configuration. */
      readonly address?: string;
      /** Of the certificate that is shown in DTLS, as in a=fingerprint. */
      readonly fingerprint?: string;
    }
  | { readonly kind: 'openFailed'; readonly legId: LegId; readonly code: string; readonly detail: string }
  /** This worker cannot carry the call any further, and has forgotten it: others are not concerned. */
  | { readonly kind: 'callLost'; readonly callId: string; readonly detail: string }
  /** How far a source of the peer has come under its key `keyId`, a secret: for the next worker. */
  | {
      readonly kind: 'srtpReached';
      readonly callId: string;
      readonly legId: LegId;
      readonly keyId: string;
      readonly ssrc: number;
      readonly index: number;
    }
  | {
      readonly kind: 'event';
      readonly callId: string;
      readonly event: Extract<
        MediaEvent,
        {
          kind:
            | 'dtmf'
            | 'dtmfByInfo'
            | 'recording'
            | 'played'
            | 'mediaTimeout'
            | 'mediaResumed'
            | 'oneWayAudio'
            | 'source'
            | 'gap'
            | 'closed';
        }
      >;
    };

/** First and last UDP port, both inclusive. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `workerData` of a media worker. */
export interface MediaWorkerOptions {
  readonly index: number;
  /** IPv4 address to bind RTP and RTCP sockets to. */
  readonly address: string;
  /** IPv6 address likewise; null where legs are IPv4 only. */
  readonly address6: string | null;
  readonly ports: PortRange;
  /** Audio in one direction alone for so long is told of. */
  readonly oneWayAudioAfterMs?: number;
  readonly logLevel: LogLevel;
}

/** An rtpengine, as the thread that steers it is told of it. */
export interface RtpengineNode {
  /** Where it listens for the ng protocol over UDP. */
  readonly address: string;
  readonly port: number;
  /** Where it sends its `dtmf-log-dest` to; null where it reports no keys. */
  readonly dtmf: { readonly address: string; readonly port: number } | null;
}

/** `workerData` of the thread that steers an rtpengine. */
export interface RtpengineThreadOptions {
  readonly index: number;
  readonly node: RtpengineNode;
  readonly logLevel: LogLevel;
}

/** Counters of one worker since its start; `legs` and `portsInUse` are gauges. */
export interface MediaWorkerStats extends ThreadLoadReading {
  readonly legs: number;
  readonly portsInUse: number;
  readonly portsTotal: number;
  readonly packetsReceived: number;
  readonly packetsRelayed: number;
  /** Prompt, silence and DTMF packets. */
  readonly packetsGenerated: number;
  /** Packets of strangers and malformed ones, dropped. */
  readonly packetsRejected: number;
  readonly recordings: number;
  /** That could not be begun, or not be written to their end. */
  readonly recordingsFailed: number;
}

/** Control thread → media worker. */
export type ControlToMediaWorker =
  /** A port to a signalling thread, which speaks ToMediaWorker. Legs opened over it close with it. */
  | { readonly kind: 'connect'; readonly port: MessagePort }
  /** The port to the thread that writes recordings. */
  | { readonly kind: 'recorder'; readonly port: MessagePort }
  | { readonly kind: 'getStats'; readonly requestId: number }
  /** Closes every leg and ends the thread. */
  | { readonly kind: 'close' };

/** Media worker → control thread. */
export type MediaWorkerToControl =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stats'; readonly requestId: number; readonly stats: MediaWorkerStats };
