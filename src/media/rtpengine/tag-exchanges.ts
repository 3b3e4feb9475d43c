import type { StreamSettings } from '../worker-messages.js';
import type { NgDictionary } from './ng-client.js';
import {
  HUB_SDP,
  keyingSdp,
  localAddress,
  localFingerprint,
  peerSdp,
  profileOf,
  transportFor,
} from './stream-sdp.js';

/** Ports stay as they are through every change of partner. */
const FLAGS = ['port latching'];
/** Digits may be put into a relayed stream; rtpengine then decodes it and encodes it again: only once they must. */
const INJECTING = [...FLAGS, 'inject DTMF'];

/** A leg whose stream is agreed, and what rtpengine was told of it. */
export interface Tag {
  readonly legId: string;
  settings: StreamSettings | null;
  /** Rises with each new agreement; what rtpengine knows is `told`, 0 while it knows nothing of the peer. */
  version: number;
  told: number;
  /** The key with which rtpengine was told to encrypt what goes to the peer. */
  keyed: string | null;
  /** The stream from its partner takes digits. */
  injecting: boolean;
}

/** A tag with its agreement. */
export type AgreedTag = Tag & { readonly settings: StreamSettings };

/** Sends a request for this call. */
export type AskCall = (request: NgDictionary & { readonly command: string }) => Promise<NgDictionary>;

/** What rtpengine has reserved for a leg. */
export interface LocalEnd {
  readonly address: string;
  readonly port: number;
  readonly fingerprint: string | null;
}

/** The tag without a peer with which a leg stands while it is joined to nobody. */
export const hubOf = (legId: string): string => `hub-${legId}`;

/**
 * The offers and answers of one call between its tags. A key of ours goes in with an offer of the hub, which rtpengine
 * hands on to the leg. Answers leave it alone, and so do offers without a key: that is how it stays through every
 * change of partner.
 */
export class TagExchanges {
  readonly #ask: AskCall;
  #versions = 0;

  constructor(ask: AskCall) {
    this.#ask = ask;
  }

  /** Reserves ports, and for DTLS a certificate. */
  async reserve(legId: string, family: 4 | 6, dtls: boolean): Promise<LocalEnd> {
    const reply = await this.#pairing('offer', hubOf(legId), legId, HUB_SDP, {
      'address family': `IP${family}`,
      ...transportFor(dtls ? 'UDP/TLS/RTP/SAVP' : 'RTP/AVP'),
    });
    const local = localAddress(reply.sdp);
    if (!local) throw new Error('rtpengine hands back no port for the leg');
    const fingerprint = dtls ? localFingerprint(reply.sdp) : null;
    if (dtls && fingerprint === null) throw new Error('rtpengine hands back no certificate for DTLS');
    return { ...local, fingerprint };
  }

  /** The leg has no partner. */
  async standAlone(tag: AgreedTag): Promise<void> {
    if (!(await this.#introduce(tag))) await this.#toHub(tag, HUB_SDP);
  }

  /** The two hear each other, unless they are blocked. */
  async join(one: AgreedTag, other: AgreedTag): Promise<void> {
    await this.#introduce(one);
    await this.#introduce(other);
    // rtpengine hands an SDES key that is offered on to the other side: whoever has one answers.
    if (one.settings.srtp && !other.settings.srtp) await this.#connect(other, one);
    else await this.#connect(one, other);
  }

  async #connect(offerer: AgreedTag, answerer: AgreedTag): Promise<void> {
    const { settings: theirs } = answerer;
    const codec = { transcode: theirs.sendCodec === offerer.settings.sendCodec ? [] : [theirs.sendCodec] };
    const flags = offerer.injecting || answerer.injecting ? INJECTING : FLAGS;
    const transport = transportFor(profileOf(theirs));
    const bothKeyed = offerer.settings.srtp !== null && theirs.srtp !== null;
    const { legId: from } = offerer;
    const { legId: to } = answerer;
    const offer = this.#describe(offerer, !bothKeyed);
    await this.#pairing('offer', from, to, offer, { codec, flags, ...transport });
    await this.#pairing('answer', from, to, this.#describe(answerer), { flags });
    // Then its key has to come as an answer too.
    if (bothKeyed) await this.#pairing('answer', to, from, this.#describe(offerer), { flags });
  }

  /** The peer's first word, and each new key of ours; false where rtpengine had both. */
  async #introduce(tag: AgreedTag): Promise<boolean> {
    const { srtp } = tag.settings;
    const key = srtp ? `${srtp.suite} ${srtp.sendKey}` : null;
    if (srtp && tag.keyed !== key) await this.#toHub(tag, keyingSdp(srtp));
    else if (tag.told === 0) await this.#answerHub(tag);
    else {
      tag.keyed = key;
      return false;
    }
    tag.keyed = key;
    return true;
  }

  async #toHub(tag: AgreedTag, hubSdp: string): Promise<void> {
    await this.#pairing('offer', hubOf(tag.legId), tag.legId, hubSdp, transportFor(profileOf(tag.settings)));
    await this.#answerHub(tag);
  }

  /** At first this completes the offer that reserved the port. */
  async #answerHub(tag: AgreedTag): Promise<void> {
    await this.#pairing('answer', hubOf(tag.legId), tag.legId, this.#describe(tag));
  }

  #describe(tag: AgreedTag, withKey = true): string {
    tag.told = tag.version;
    return peerSdp(tag.settings, ++this.#versions, withKey);
  }

  #pairing(
    command: 'offer' | 'answer',
    from: string,
    to: string,
    sdp: string,
    more: NgDictionary = {},
  ): Promise<NgDictionary> {
    return this.#ask({
      command,
      'from-tag': from,
      'to-tag': to,
      sdp,
      flags: FLAGS,
      ICE: 'remove',
      'rtcp-mux': ['accept', 'offer'],
      ...more,
    });
  }
}
