import type { RingbackCountry } from '../common/ringback-country.js';
import type { Rule } from './decision.js';
import type { TransferMethod, TransferMode } from './vocabulary.js';
import type { TrunkLogin, TrunkRegistration } from './trunk-auth.js';

/** The G.711 codecs, by their RTP/AVP names (RFC 3551): what this node can make and turn into each other. */
export type G711Name = 'PCMA' | 'PCMU';

/** A codec that may stand in an offer. G.722, Opus and comfort noise (RFC 3389) are only passed through. */
export type CodecName = G711Name | 'G722' | 'opus' | 'CN';

/** How DTMF goes to a peer: `auto` as its SDP allows (telephone-event, else INFO), `inband` as tones in the audio. */
export type DtmfKind = 'auto' | 'rfc4733' | 'info' | 'inband';

/** SRTP: `optional` offers it and takes plain RTP too, `required` takes nothing else. */
export type SrtpPolicy = 'off' | 'optional' | 'required';

/** Where the keys of SRTP come from: SDP (RFC 4568), or a handshake in the media path (RFC 5763). */
export type SrtpKeys = 'sdes' | 'dtls';

/** Recording of every call of a project. */
export interface RecordingSettings {
  /** Where the files are written; it exists when the node starts. */
  readonly directory: string;
  /** WAV file that the caller hears first; the recording begins when it has been played. */
  readonly consentFile: string | null;
  /** Older files are deleted; null keeps them. */
  readonly keepMs: number | null;
  /** The oldest files are deleted while all of them hold more; null for no bound. */
  readonly maxBytes: number | null;
}

/** How a number is written towards a trunk. */
export type NumberFormat = 'as-is' | 'e164' | 'e164-without-plus' | 'national';

/** How numbers are dialled where a trunk is, for telling and writing national numbers. */
export interface DialPlan {
  /** Without `+`, such as `54`. */
  readonly countryCode: string;
  /** The trunk prefix before a national number, such as `0`; may be empty. */
  readonly nationalPrefix: string;
  /** Before a number of another country, such as `00`. */
  readonly internationalPrefix: string;
}

/** Whom a call of ours to a person says that it is from, per trunk or destination. */
export interface IdentityPolicy {
  /** The number in From: the caller's, the one that was called, or a fixed one. */
  readonly from:
    | { readonly kind: 'caller' }
    | { readonly kind: 'called' }
    | { readonly kind: 'fixed'; readonly number: string };
  /** Is the peer trusted with the caller's number in P-Asserted-Identity (RFC 3325)? */
  readonly pAssertedIdentity: boolean;
  /** Diversion (RFC 5806): the number that was called, above what the caller's side sent. */
  readonly diversion: boolean;
  /** History-Info (RFC 7044): likewise. */
  readonly historyInfo: boolean;
  /** RFC 3323: as the caller asked, never, or always hidden. */
  readonly privacy: 'pass' | 'none' | 'id';
  readonly displayName: 'pass' | 'none';
}

/** User-to-User (RFC 7433): what it holds and where it stands. */
export interface UuiProfile {
  /** Template of the content. */
  readonly content: string;
  readonly encoding: 'hex' | 'text';
  readonly purpose: string | null;
  /** First octet of the content as two hexadecimal digits (RFC 7434: `00`, `04`); only with `hex`. */
  readonly protocolDiscriminator: string | null;
  /** Octets, the protocol discriminator included; longer content is cut between characters. */
  readonly maxLength: number;
  /** Where a REFER carries it: as its own header, inside the Refer-To URI, or both. An INVITE has the header. */
  readonly place: 'header' | 'refer-to' | 'both';
}

/** What becomes of a REFER of this peer: we dial ourselves, the other side is asked to, or it gets 603. */
export type ReferPolicy = 'terminate' | 'pass' | 'reject';

/** Connectivity data of one peer: a carrier, an SBC, a PBX. */
export interface Trunk {
  readonly name: string;
  /** SIP URIs in failover order, such as `sip:sbc1.example.net:5060;transport=udp`. */
  readonly hosts: readonly string[];
  /** CIDR blocks that may send us calls; empty means none may. */
  readonly allow: readonly string[];
  readonly auth: { readonly username: string; readonly password: string } | null;
  /** Who must log in to send us calls here; none where absent. */
  readonly login?: TrunkLogin | null;
  /** Registered at the hosts; not where absent. */
  readonly registration?: TrunkRegistration | null;
  readonly maxCalls: number | null;
  readonly maxCps: number | null;
  readonly codecs: readonly CodecName[];
  readonly numberFormat: NumberFormat;
  readonly dialPlan: DialPlan | null;
  readonly identity: IdentityPolicy;
  /** What this peer can do when its side of the call is to be transferred. */
  readonly transferMethod: 'auto' | 'refer' | 'invite';
  /** False asks the peer for no NOTIFYs (RFC 4488): such transfers end as completed_unconfirmed. */
  readonly referSub: boolean;
  readonly referPolicy: ReferPolicy;
  /** Transfers towards this trunk at once; null for no bound. */
  readonly maxTransfers: number | null;
  /** Number patterns that are never dialled here, such as `+1900*`. */
  readonly deny: readonly string[];
  /** Are 3xx responses followed, to targets that the project allows? */
  readonly followRedirects: boolean;
  /** May this peer take over a call of ours with INVITE + Replaces (RFC 3891)? */
  readonly acceptReplaces: boolean;
  readonly dtmf: DtmfKind;
  /** Off where absent. */
  readonly srtp?: SrtpPolicy;
  /** SDES where absent. */
  readonly srtpKeys?: SrtpKeys;
  /** May this peer send REFERs outside the dialog that they are for, naming it by Target-Dialog (RFC 4538)? */
  readonly acceptReferOutOfDialog: boolean;
  /** Media from another address than the SDP's is accepted (NAT); then locked to it. */
  readonly symmetricRtp: boolean;
}

/** A voicebot. */
export interface Bot {
  readonly name: string;
  readonly kind: 'sip';
  readonly uri: string;
  /** Trunk whose codecs, credentials and allow list serve this bot; null for the defaults. */
  readonly trunk: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly referPolicy: ReferPolicy;
  /** How long the bot may take to answer. */
  readonly answerTimeoutMs: number;
  /** RTP silence from an answered bot after which it counts as dead; 0 switches the check off. */
  readonly mediaTimeoutMs: number;
}

interface DestinationBase {
  readonly name: string;
  /** Overrides the project's ring_timeout. */
  readonly ringTimeoutMs: number | null;
}
interface DialledBase extends DestinationBase {
  /** In place of the trunk's. */
  readonly identity: IdentityPolicy | null;
  /** In place of the project's. */
  readonly uui: UuiProfile | null;
  /** Digits to dial after the answer; `p` and `,` wait a second. */
  readonly thenDial: string | null;
}
export interface PhoneDestination extends DialledBase {
  readonly type: 'phone';
  readonly number: string;
  readonly trunk: string;
}
export interface ExtensionDestination extends DialledBase {
  readonly type: 'extension';
  readonly extension: string;
  readonly trunk: string;
}
export interface QueueDestination extends DialledBase {
  readonly type: 'queue';
  readonly address: string;
  readonly trunk: string;
}
export type GroupStrategy = 'sequential' | 'simultaneous' | 'round-robin' | 'least-recent';
/** Opening hours: `mon-fri 08:00-18:00` spans in an IANA time zone. */
export interface OpeningHours {
  readonly timezone: string;
  readonly open: readonly string[];
}
export interface GroupDestination extends DestinationBase {
  readonly type: 'group';
  readonly strategy: GroupStrategy;
  readonly members: readonly string[];
  readonly hours: OpeningHours | null;
  readonly maxConcurrent: number | null;
  readonly overflow: readonly string[];
}
export type Destination = PhoneDestination | ExtensionDestination | QueueDestination | GroupDestination;

/** What the caller hears while a person is being reached. `bot` keeps the bot talking. */
export type Waiting = 'music' | 'ringback' | 'bot' | 'silence';
export type FailureStep = 'next' | 'resume-bot' | 'announce' | 'hangup';

/** Free targets that a bot may name: `to` is a SIP URI or number pattern with `*`; a CIDR may stand as host. */
export interface AllowedTarget {
  readonly to: string;
  readonly trunk: string;
}

/** Every timer of a transfer, each settable by itself (milliseconds). */
export interface TransferTimers {
  /** REFER sent, no final response to it. */
  readonly referReplyMs: number;
  /** 202 received, no NOTIFY at all. */
  readonly firstNotifyMs: number;
  /** The whole transfer, over all attempts. */
  readonly totalMs: number;
  /** Ringing of one attempt. */
  readonly ringMs: number;
  /** The accept gate: how long the agent may take to press the digit. */
  readonly acceptMs: number;
  /** After success by REFER: how long the peer may take to BYE before we do. */
  readonly byeGraceMs: number;
  /** After a BYE that came before the final NOTIFY: how long to wait for that NOTIFY. */
  readonly lateNotifyMs: number;
}

/** The moment in which caller, bot and agent hear each other. */
export interface ThreeWaySettings {
  /** Longest (ms); the bot ends it earlier by saying `done` or by leaving. */
  readonly durationMs: number;
  /** Digit by which the agent ends it; null for none. */
  readonly digit: string | null;
}

export interface TransferSettings {
  /** Default destination. */
  readonly to: string | null;
  readonly mode: TransferMode;
  readonly method: TransferMethod;
  readonly waiting: Waiting;
  /** Whose ringing tone a caller hears. */
  readonly ringback: RingbackCountry;
  /** WAV file for `music`; null plays the built-in melody. */
  readonly musicFile: string | null;
  /** `audio` plays `briefFile` to the agent before the caller is joined; `bot` lets the bot speak to the agent. */
  readonly brief: 'none' | 'audio' | 'bot';
  readonly briefFile: string | null;
  /** The agent must press this digit to take the call; null joins at answer. */
  readonly acceptDigit: string | null;
  /** Attended: caller, bot and agent talk together before the bot leaves; null joins caller and agent at once. */
  readonly threeWay: ThreeWaySettings | null;
  /** What an agent in a consultation hears when the caller hangs up: a WAV file, `CALLER_GONE`, or null for nothing. */
  readonly callerGoneNotice: string | null;
  readonly onFailure: readonly FailureStep[];
  /** WAV file for `announce`. */
  readonly announceFile: string | null;
  /** After the person hangs up: end the call, or give the caller back to the bot. */
  readonly afterAgent: 'end' | 'resume-bot';
  /** A REFER that got no final NOTIFY at all and no 18x: try INVITE (only with method auto), keep the bot, or end. */
  readonly onNoNotify: 'invite' | 'resume-bot' | 'hangup';
  readonly headers: Readonly<Record<string, string>>;
  /** User-to-User; null sends none, unless the destination has its own. */
  readonly uui: UuiProfile | null;
  /** Header that carries the bot's summary to the person; null carries it nowhere by itself. */
  readonly summaryHeader: string | null;
  /** How long a bot that is talking may go on before the hand-over begins (ms); it ends that by saying `done`. */
  readonly botFinishMs: number;
  /** WAV file that the caller hears before the hand-over begins. */
  readonly announceBeforeFile: string | null;
  readonly allow: readonly AllowedTarget[];
  readonly timers: TransferTimers;
}

/** Which calls a project takes: the trunk they come by and the called number (`*` matches any run). */
export interface ProjectMatch {
  readonly trunk: string;
  readonly to: string;
}

/** Operators who hear calls. */
export interface ListenSettings {
  /** Free targets beside the destinations. */
  readonly allow: readonly AllowedTarget[];
  /** Listeners of one call at once. */
  readonly max: number;
  /** Longest ringing of one phone. */
  readonly ringTimeoutMs: number;
  /** Are caller and person told, by a short tone now and then, that somebody listens? */
  readonly notice: 'none' | 'beep';
}

export interface Project {
  readonly name: string;
  readonly match: readonly ProjectMatch[];
  readonly bot: string;
  readonly transfer: TransferSettings;
  readonly rules: readonly Rule[];
  /** How long signalling waits for the policy thread before it takes the default decision. */
  readonly policyDeadlineMs: number;
  /** When the bot cannot be reached or dies: transfer to this destination, else fail with the status. */
  readonly botFailure: { readonly to: string | null; readonly status: number };
  /** Longest call; 0 for no bound. */
  readonly maxDurationMs: number;
  /** RTP silence from the caller (not on hold) after which the call is ended; 0 switches it off. */
  readonly callerMediaTimeoutMs: number;
  /** Codecs that this project allows, in its order; null leaves it to the trunks. */
  readonly codecs: readonly CodecName[] | null;
  /** null records nothing. */
  readonly recording: RecordingSettings | null;
  /** Headers of the caller's INVITE, beside X-*, that are carried to bot and agent. */
  readonly carryHeaders: readonly string[];
  /** Headers of the bot's 18x and 2xx that the caller gets; `X-*` stands for all that begin so. */
  readonly carryAnswerHeaders: readonly string[];
  /** Who may listen to calls; null or absent: nobody. */
  readonly listen?: ListenSettings | null;
  readonly limits: {
    /** Transfers of this project at once; null for no bound. */
    readonly transfers: number | null;
    /** Transfers of one call: the guard against circles. */
    readonly perCall: number;
  };
}

/** What signalling and the call machines need of a configuration: plain data, frozen, structured-cloneable. */
export interface CallPlan {
  readonly trunks: Readonly<Record<string, Trunk>>;
  readonly bots: Readonly<Record<string, Bot>>;
  readonly destinations: Readonly<Record<string, Destination>>;
  readonly projects: Readonly<Record<string, Project>>;
  readonly limits: { readonly maxCalls: number; readonly maxCps: number };
}
