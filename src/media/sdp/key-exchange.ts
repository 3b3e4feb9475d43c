import type { SrtpPolicy } from '../../call/project.js';
import type { DtlsSettings, SrtpSettings } from '../worker-messages.js';
import type { Read, RemoteAudio, SdpFailure } from './remote-description.js';

/** How a stream is protected, and what our description says of it. Both settings are null for plain RTP. */
export interface KeyChoice {
  /** Attributes of our audio line. */
  readonly lines: readonly string[];
  readonly srtp: SrtpSettings | null;
  readonly dtls: DtlsSettings | null;
  /** Puts the choice in force. */
  readonly commit: () => void;
}

/** One way to agree on the keys of a leg. What is chosen holds only once it is committed. */
export interface KeyExchange {
  /** An exchange has succeeded: its profile is kept. */
  readonly settled: boolean;
  /** Of the m= line of a first offer where SRTP is required. */
  readonly profile: string;
  /** The attributes of an offer. */
  offer(policy: SrtpPolicy): readonly string[];
  /** What we answer to an offer. */
  answer(remote: RemoteAudio, policy: SrtpPolicy): Read<KeyChoice>;
  /** What the answer to our offer came to. */
  answered(remote: RemoteAudio): Read<KeyChoice>;
}

/** Plain RTP. */
export function inTheClear(commit: () => void): KeyChoice {
  return { lines: [], srtp: null, dtls: null, commit };
}

export function chosen(choice: KeyChoice): Read<KeyChoice> {
  return { ok: true, value: choice };
}

/** With 488: the peer may try with another description. */
export function refused(code: SdpFailure['code'], detail: string): Read<KeyChoice> {
  return { ok: false, failure: { status: 488, code, detail } };
}

/** An offer where SRTP is off: only plain RTP is taken, whatever stands beside it. */
export function answerWithoutSrtp(remote: RemoteAudio, plain: KeyChoice): Read<KeyChoice> {
  if (!remote.secure) return chosen(plain);
  return refused('sdp_no_audio', `audio over ${remote.protocol} is not taken here: srtp is off`);
}
