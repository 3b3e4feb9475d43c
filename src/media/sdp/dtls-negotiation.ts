import type { SrtpPolicy } from '../../call/project.js';
import type { DtlsSettings } from '../worker-messages.js';
import type { DtlsRole, RemoteDtls } from './dtls-attributes.js';
import {
  answerWithoutSrtp,
  chosen,
  refused,
  type KeyChoice,
  type KeyExchange,
  inTheClear,
} from './key-exchange.js';
import type { Read, RemoteAudio } from './remote-description.js';

/** Between two certificates, by their fingerprints. */
interface Association {
  readonly role: DtlsRole;
  readonly theirs: string;
  readonly ours: string;
}

/**
 * DTLS-SRTP for one leg (RFC 5763): who proves itself by which certificate, and who begins. The handshake is done where
 * the media is. An association goes on through new offers as long as neither side names another certificate or takes
 * the other role (RFC 8842 5).
 */
export class DtlsNegotiation implements KeyExchange {
  readonly profile = 'UDP/TLS/RTP/SAVP';
  #fingerprint: string;
  #policy: SrtpPolicy = 'off';
  #offered = false;
  #settled = false;
  /** In force; null for plain RTP. */
  #agreed: Association | null = null;

  /** `fingerprint` of the certificate that the media of this leg shows, as in a=fingerprint. */
  constructor(fingerprint: string) {
    this.#fingerprint = fingerprint;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** The media has another certificate from now on: the next description asks for a new association. */
  move(fingerprint: string): void {
    this.#fingerprint = fingerprint;
  }

  offer(policy: SrtpPolicy): readonly string[] {
    this.#policy = policy;
    this.#offered = this.#settled ? this.#agreed !== null : policy !== 'off';
    // RFC 5763 5: an offer always leaves the roles to the answer.
    return this.#offered ? this.#lines('actpass') : [];
  }

  answer(remote: RemoteAudio, policy: SrtpPolicy): Read<KeyChoice> {
    if (policy === 'off') return answerWithoutSrtp(remote, this.#plain());
    const { dtls, secure } = remote;
    if (dtls) {
      const role = this.#roleFor(dtls);
      if (role === null)
        return refused('sdp_no_srtp', 'a=setup:holdconn puts DTLS off, and nothing else is offered');
      return chosen(this.#both(role, dtls, this.#lines(role)));
    }
    if (policy === 'required' && !secure) {
      return refused('sdp_no_srtp', 'DTLS-SRTP is required here, and plain RTP is offered');
    }
    if (secure) return refused('sdp_no_srtp', 'SRTP is offered without an a=fingerprint that can be used');
    return chosen(this.#plain());
  }

  answered(remote: RemoteAudio): Read<KeyChoice> {
    const { dtls, secure } = remote;
    if (dtls && this.#offered) {
      const role = this.#roleAfter(dtls);
      if (role === null)
        return refused('sdp_answer', 'a=setup:holdconn puts DTLS off, which is no answer to actpass');
      return chosen(this.#both(role, dtls, []));
    }
    if (this.#policy === 'required') {
      return refused(
        'sdp_no_srtp',
        'DTLS-SRTP is required, and the answer has no a=fingerprint that can be used',
      );
    }
    if (secure) return refused('sdp_answer', 'the answer has no a=fingerprint that fits our offer');
    return chosen(this.#plain());
  }

  /** Ours in an answer; null where the offer wants no association now. */
  #roleFor({ setup, fingerprint }: RemoteDtls): DtlsRole | null {
    switch (setup) {
      case 'holdconn':
        return null;
      case 'passive':
        return 'active';
      case 'actpass':
        // The one in force stays (RFC 8842 5.3). Else the peer begins, which then has our answer for certain: a
        // handshake that overtakes it is lost with many phones, and costs a second.
        return this.#agreed?.theirs === fingerprint ? this.#agreed.role : 'passive';
      case 'active':
      case null:
        // RFC 4145 4.1: active where an offer does not say.
        return 'passive';
    }
  }

  /** Ours after an answer. */
  #roleAfter({ setup }: RemoteDtls): DtlsRole | null {
    switch (setup) {
      case 'holdconn':
        return null;
      case 'active':
        return 'passive';
      case 'actpass':
        // No answer may say so, and baresip 1.0 does in answers to new offers: it does not begin by itself then.
        return this.#agreed?.ours === this.#fingerprint ? this.#agreed.role : 'active';
      case 'passive':
      case null:
        // RFC 4145 4.1: passive where an answer does not say.
        return 'active';
    }
  }

  #lines(setup: DtlsRole | 'actpass'): string[] {
    return [`a=fingerprint:${this.#fingerprint}`, `a=setup:${setup}`];
  }

  #plain(): KeyChoice {
    return inTheClear(() => {
      this.#commit(null);
    });
  }

  #both(role: DtlsRole, { fingerprint }: RemoteDtls, lines: readonly string[]): KeyChoice {
    const dtls: DtlsSettings = { fingerprint, peerRole: role === 'active' ? 'passive' : 'active' };
    return {
      lines,
      srtp: null,
      dtls,
      commit: () => {
        this.#commit({ role, theirs: fingerprint, ours: this.#fingerprint });
      },
    };
  }

  #commit(agreed: Association | null): void {
    this.#settled = true;
    this.#agreed = agreed;
  }
}
