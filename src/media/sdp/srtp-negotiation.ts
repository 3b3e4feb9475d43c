import { randomBytes } from 'node:crypto';
import type { SrtpPolicy } from '../../call/project.js';
import { masterBytes, SRTP_PREFERENCE, type SrtpSuite } from '../../rtp/srtp/suites.js';
import { renderCrypto, type CryptoAttribute } from './crypto-attribute.js';
import {
  answerWithoutSrtp,
  chosen,
  refused,
  type KeyChoice,
  type KeyExchange,
  inTheClear,
} from './key-exchange.js';
import type { Read, RemoteAudio } from './remote-description.js';

/** Draws a master key with its salt, in base64. */
export type DrawKey = (bytes: number) => string;

export const drawKey: DrawKey = (bytes) => randomBytes(bytes).toString('base64');

/**
 * The keys of one leg by SDES (RFC 4568). Our key stays the same as long as our stream is encrypted in the same way;
 * one that was in use and is left is never used again.
 */
export class SrtpNegotiation implements KeyExchange {
  readonly profile = 'RTP/SAVP';
  readonly #draw: DrawKey;
  readonly #keys = new Map<SrtpSuite, string>();
  #policy: SrtpPolicy = 'off';
  #offered: readonly CryptoAttribute[] = [];
  /** Ours in force; null for plain RTP. */
  #agreed: CryptoAttribute | null = null;
  #settled = false;

  constructor(draw: DrawKey) {
    this.#draw = draw;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Every suite at first, then the one in force. */
  offer(policy: SrtpPolicy): readonly string[] {
    this.#policy = policy;
    if (this.#settled) this.#offered = this.#agreed ? [this.#agreed] : [];
    else if (policy === 'off') this.#offered = [];
    else {
      this.#offered = SRTP_PREFERENCE.map((suite, index) => ({
        tag: index + 1,
        suite,
        key: this.#keyOf(suite),
      }));
    }
    return this.#offered.map(renderCrypto);
  }

  /** RFC 4568 5.1.2: the suite in force where it is there, else the peer's first. */
  answer(remote: RemoteAudio, policy: SrtpPolicy): Read<KeyChoice> {
    if (policy === 'off') return answerWithoutSrtp(remote, this.#plain());
    const suite = this.#agreed?.suite;
    const { cryptos } = remote;
    const theirs = cryptos.find((one) => one.suite === suite) ?? cryptos[0];
    if (theirs) {
      const own = { tag: theirs.tag, suite: theirs.suite, key: this.#keyOf(theirs.suite) };
      return chosen(this.#both(own, theirs));
    }
    if (policy === 'required' && !remote.secure && remote.cryptosWritten === 0) {
      return refused('sdp_no_srtp', 'SRTP is required here, and plain RTP is offered');
    }
    if (policy === 'required' || remote.secure) {
      return refused('sdp_no_srtp', 'SRTP is offered without an a=crypto that can be used');
    }
    return chosen(this.#plain());
  }

  /** RFC 4568 5.1.3: one of our tags, with its suite. */
  answered(remote: RemoteAudio): Read<KeyChoice> {
    for (const theirs of remote.cryptos) {
      const own = this.#offered.find(({ tag, suite }) => tag === theirs.tag && suite === theirs.suite);
      if (own) return chosen(this.#both(own, theirs));
    }
    if (this.#policy === 'required')
      return refused('sdp_no_srtp', 'SRTP is required, and the answer has no key for it');
    if (remote.secure || (this.#offered.length > 0 && remote.cryptosWritten > 0)) {
      return refused('sdp_answer', 'the answer has no a=crypto that fits our offer');
    }
    return chosen(this.#plain());
  }

  #plain(): KeyChoice {
    return inTheClear(() => {
      this.#commit(null);
    });
  }

  #both(own: CryptoAttribute, theirs: CryptoAttribute): KeyChoice {
    return {
      lines: [renderCrypto(own)],
      srtp: { suite: own.suite, sendKey: own.key, receiveKey: theirs.key },
      dtls: null,
      commit: () => {
        this.#commit(own);
      },
    };
  }

  #commit(own: CryptoAttribute | null): void {
    this.#settled = true;
    this.#agreed = own;
    for (const suite of [...this.#keys.keys()]) if (suite !== own?.suite) this.#keys.delete(suite);
    if (own) this.#keys.set(own.suite, own.key);
  }

  #keyOf(suite: SrtpSuite): string {
    const key = this.#keys.get(suite) ?? this.#draw(masterBytes(suite));
    this.#keys.set(suite, key);
    return key;
  }
}
