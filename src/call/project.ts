import type { TransferMethod, TransferMode, TransferReason } from './vocabulary.js';

/** A G.711 codec by its RTP/AVP name (RFC 3551). */
export type CodecName = 'PCMA' | 'PCMU';

/** How a number is written towards a trunk. */
export type NumberFormat = 'as-is' | 'e164' | 'e164-without-plus';

/** Connectivity data of one peer: a carrier, an SBC, a PBX. */
export interface Trunk {
  readonly name: string;
  /** SIP URIs in failover order, such as `sip:sbc1.example.net:5060;transport=udp`. */
  readonly hosts: readonly string[];
  /** CIDR blocks that may send us calls; empty means none may. */
  readonly allow: readonly string[];
  readonly auth: { readonly username: string; readonly password: string } | null;
  readonly maxCalls: number | null;
  readonly maxCps: number | null;
  readonly codecs: readonly CodecName[];
  readonly numberFormat: NumberFormat;
  /** What this peer can do when its side of the call is to be transferred. */
  readonly transferMethod: 'auto' | 'refer' | 'invite';
  /** May this peer take over a call of ours with INVITE + Replaces (RFC 3891)? */
  readonly acceptReplaces: boolean;
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
export interface PhoneDestination extends DestinationBase {
  readonly type: 'phone';
  readonly number: string;
  readonly trunk: string;
}
export interface ExtensionDestination extends DestinationBase {
  readonly type: 'extension';
  readonly extension: string;
  readonly trunk: string;
}
export interface QueueDestination extends DestinationBase {
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

export interface TransferSettings {
  /** Default destination. */
  readonly to: string | null;
  readonly mode: TransferMode;
  readonly method: TransferMethod;
  readonly waiting: Waiting;
  /** WAV file for `music`; null plays the built-in melody. */
  readonly musicFile: string | null;
  /** `audio` plays `briefFile` to the agent before the caller is joined; `bot` lets the bot speak to the agent. */
  readonly brief: 'none' | 'audio' | 'bot';
  readonly briefFile: string | null;
  /** The agent must press this digit to take the call; null joins at answer. */
  readonly acceptDigit: string | null;
  readonly onFailure: readonly FailureStep[];
  /** WAV file for `announce`. */
  readonly announceFile: string | null;
  /** After the person hangs up: end the call, or give the caller back to the bot. */
  readonly afterAgent: 'end' | 'resume-bot';
  /** A REFER that got no final NOTIFY at all and no 18x: try INVITE (only with method auto), keep the bot, or end. */
  readonly onNoNotify: 'invite' | 'resume-bot' | 'hangup';
  readonly headers: Readonly<Record<string, string>>;
  /** User-to-User (RFC 7433): template of the content; null sends none. */
  readonly uui: {
    readonly content: string;
    readonly encoding: 'hex' | 'text';
    readonly purpose: string | null;
  } | null;
  readonly allow: readonly AllowedTarget[];
  readonly timers: TransferTimers;
}

/** One rule of the policy. Exactly one condition; the first rule that holds wins. */
export interface Rule {
  readonly name: string;
  readonly reason: TransferReason;
  readonly to: string | null;
  readonly mode: TransferMode | null;
  readonly method: TransferMethod | null;
  readonly condition:
    | { readonly kind: 'intent'; readonly intents: readonly string[] }
    | { readonly kind: 'low_confidence'; readonly below: number; readonly turns: number }
    | { readonly kind: 'no_match'; readonly turns: number }
    | { readonly kind: 'no_input'; readonly turns: number }
    | { readonly kind: 'dtmf'; readonly digits: string }
    | { readonly kind: 'duration'; readonly overS: number }
    | { readonly kind: 'bot_unreachable' }
    | { readonly kind: 'when'; readonly expression: string };
}

/** Which calls a project takes: the trunk they come by and the called number (`*` matches any run). */
export interface ProjectMatch {
  readonly trunk: string;
  readonly to: string;
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
  /** Headers of the caller's INVITE, beside X-*, that are carried to bot and agent. */
  readonly carryHeaders: readonly string[];
}

/** What signalling and the call machines need of a configuration: plain data, frozen, structured-cloneable. */
export interface CallPlan {
  readonly trunks: Readonly<Record<string, Trunk>>;
  readonly bots: Readonly<Record<string, Bot>>;
  readonly destinations: Readonly<Record<string, Destination>>;
  readonly projects: Readonly<Record<string, Project>>;
  readonly limits: { readonly maxCalls: number; readonly maxCps: number };
}
