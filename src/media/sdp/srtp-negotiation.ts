import { randomBytes } from 'node:crypto';
import type { SrtpPolicy } from '../../call/project.js';
import { masterBytes, SRTP_PREFERENCE, type SrtpSuite } from '../../rtp/srtp/suites.js';
import type { SrtpSettings } from '../worker-messages.js';
import type { CryptoAttribute } from './crypto-attribute.js';
import type { Read, RemoteAudio, SdpFailure } from './remote-description.js';

/** Whether a stream is encrypted, and our attribute that says so. */
export interface SrtpChoice {
  readonly own: CryptoAttribute | null;
  readonly settings: SrtpSettings | null;
}

/** Draws a master key with its salt, in base64. */
export type DrawKey = (bytes: number) => string;

const PLAIN: SrtpChoice = { own: null, settings: null };

export const drawKey: DrawKey = (bytes) => randomBytes(bytes).toString('base64');

/**
 * The keys of one leg by SDES (RFC 4568). What is chosen holds only once it is committed. Our key stays the same as
 * long as our stream is encrypted in the same way; one that was in use and is left is never used again.
 */
export class SrtpNegotiation {
  readonly #draw: DrawKey;
  readonly #keys = new Map<SrtpSuite, string>();
  #policy: SrtpPolicy = 'off';
  #offered: readonly CryptoAttribute[] = [];
  #agreed: SrtpChoice | null = null;

  constructor(draw: DrawKey) {
    this.#draw = draw;
  }

  /** An exchange has succeeded: its profile is kept. */
  get settled(): boolean {
    return this.#agreed !== null;
  }

  /** The attributes of an offer: every suite at first, then the one in force. */
  offer(policy: SrtpPolicy): readonly CryptoAttribute[] {
    this.#policy = policy;
    if (this.#agreed) this.#offered = this.#agreed.own ? [this.#agreed.own] : [];
    else if (policy === 'off') this.#offered = [];
    else {
      this.#offered = SRTP_PREFERENCE.map((suite, index) => ({
        tag: index + 1,
        suite,
        key: this.#keyOf(suite),
      }));
    }
    return this.#offered;
  }

  /** What we answer to an offer (RFC 4568 5.1.2): the suite in force where it is there, else the peer's first. */
  answer(remote: RemoteAudio, policy: SrtpPolicy): Read<SrtpChoice> {
    if (policy === 'off') {
      if (!remote.secure) return chosen(PLAIN);
      return refused('sdp_no_audio', `audio over ${remote.protocol} is not taken here: srtp is off`);
    }
    const suite = this.#agreed?.own?.suite;
    const { cryptos } = remote;
    const theirs = cryptos.find((one) => one.suite === suite) ?? cryptos[0];
    if (theirs) {
      const own = { tag: theirs.tag, suite: theirs.suite, key: this.#keyOf(theirs.suite) };
      return chosen(both(own, theirs));
    }
    if (policy === 'required' && !remote.secure && remote.cryptosWritten === 0) {
      return refused('sdp_no_srtp', 'SRTP is required here, and plain RTP is offered');
    }
    if (policy === 'required' || remote.secure) {
      return refused('sdp_no_srtp', 'SRTP is offered without an a=crypto that can be used');
    }
    return chosen(PLAIN);
  }

  /** What the answer to our offer came to (RFC 4568 5.1.3): one of our tags, with its suite. */
  answered(remote: RemoteAudio): Read<SrtpChoice> {
    for (const theirs of remote.cryptos) {
      const own = this.#offered.find(({ tag, suite }) => tag === theirs.tag && suite === theirs.suite);
      if (own) return chosen(both(own, theirs));
    }
    if (this.#policy === 'required')
      return refused('sdp_no_srtp', 'SRTP is required, and the answer has no key for it');
    if (remote.secure || (this.#offered.length > 0 && remote.cryptosWritten > 0)) {
      return refused('sdp_answer', 'the answer has no a=crypto that fits our offer');
    }
    return chosen(PLAIN);
  }

  /** The choice is in force. */
  commit(choice: SrtpChoice): void {
    this.#agreed = choice;
    for (const suite of [...this.#keys.keys()]) if (suite !== choice.own?.suite) this.#keys.delete(suite);
    if (choice.own) this.#keys.set(choice.own.suite, choice.own.key);
  }

  #keyOf(suite: SrtpSuite): string {
    const key = this.#keys.get(suite) ?? this.#draw(masterBytes(suite));
    this.#keys.set(suite, key);
    return key;
  }
}

function both(own: CryptoAttribute, theirs: CryptoAttribute): SrtpChoice {
  return { own, settings: { suite: own.suite, sendKey: own.key, receiveKey: theirs.key } };
}

function chosen(choice: SrtpChoice): Read<SrtpChoice> {
  return { ok: true, value: choice };
}

function refused(code: SdpFailure['code'], detail: string): Read<SrtpChoice> {
  return { ok: false, failure: { status: 488, code, detail } };
}
