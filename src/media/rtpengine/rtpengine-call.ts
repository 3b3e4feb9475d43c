import type { LegMediaStats, MediaSource } from '../../call/media-port.js';
import type { Clock, Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/log.js';
import type { StreamSettings } from '../worker-messages.js';
import { HandshakeWatch } from './handshake-watch.js';
import type { NgClient, NgDictionary } from './ng-client.js';
import { placesOf, type Place } from './pairing.js';
import type { Prompt, PromptSource } from './prompt-source.js';
import { figuresOf, rtpStream } from './query-figures.js';
import { hubOf, TagExchanges, type AgreedTag, type LocalEnd, type Tag } from './tag-exchanges.js';

const DIGIT_MS = 120;
const DIGIT_PAUSE_MS = 80;

export interface RtpengineCallOptions {
  readonly callId: string;
  readonly ng: Pick<NgClient, 'ask'>;
  readonly prompts: PromptSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onPlayed: (legId: string, promptId: string) => void;
  /** rtpengine does not know this call any more, or does not answer: the node is of no use for its calls. */
  readonly onFailed: (error: unknown) => void;
}

/** What rtpengine knows of the packets of a leg, by the wall clock, to the second. */
export interface LegActivity {
  readonly lastReceivedMs: number;
  /** Null where it is sent something all the time. */
  readonly lastSentMs: number | null;
  /** Audio was agreed in both directions. */
  readonly bothWays: boolean;
}

/** A leg, and what rtpengine was told about it last. */
interface Leg extends Tag {
  /** rtpengine holds its ports. */
  reserved: boolean;
  source: MediaSource;
  /** undefined: rtpengine holds its port, and has not heard of the peer yet. */
  partner: string | null | undefined;
  blocked: boolean;
  prompt: Prompt | null;
  finished: Timer | null;
  digits: string;
}

/**
 * One call on one rtpengine. Every leg is a tag, with a hub (a tag of ours without a peer) as its partner while it
 * is joined to nobody. Wishes are noted at once and brought to rtpengine one exchange after the other; what is
 * overtaken by a newer wish is never sent.
 */
export class RtpengineCall {
  readonly #options: RtpengineCallOptions;
  readonly #legs = new Map<string, Leg>();
  /** What happens in order: opening, applying, closing. */
  #work: Promise<void> = Promise.resolve();
  #applying = false;
  /** Legs that rtpengine holds. */
  #held = 0;
  /** rtpengine has had a first leg of it. */
  #known = false;

  readonly #exchanges: TagExchanges;
  readonly #handshakes: HandshakeWatch;

  constructor(options: RtpengineCallOptions) {
    this.#options = options;
    this.#exchanges = new TagExchanges((request) => this.#ask(request));
    this.#handshakes = new HandshakeWatch({
      clock: options.clock,
      hasKeys: async (legId) => {
        const reply = await this.#ask({ command: 'query', 'from-tag': legId });
        return rtpStream(reply, legId)?.['crypto suite'] !== undefined;
      },
      onSecured: () => {
        this.#apply();
      },
      onLate: (legId) => {
        const { callId, log } = options;
        log.warn(
          { callId, legId, code: 'dtls_no_keys' },
          'no DTLS handshake with the peer yet: it hears nothing',
        );
      },
    });
  }

  get callId(): string {
    return this.#options.callId;
  }

  get legIds(): readonly string[] {
    return [...this.#legs.keys()];
  }

  /** Reserves the leg's ports, with a certificate where its keys are to come from DTLS. Rejects with RelevoError. */
  async open(legId: string, family: 4 | 6, dtls: boolean): Promise<LocalEnd> {
    const leg: Leg = {
      legId,
      settings: null,
      version: 0,
      told: 0,
      keyed: null,
      reserved: false,
      source: { kind: 'silence' },
      partner: undefined,
      blocked: false,
      prompt: null,
      finished: null,
      digits: '',
      injecting: false,
    };
    this.#held++;
    this.#legs.set(legId, leg);
    try {
      const local = await this.#inOrder(() => this.#exchanges.reserve(legId, family, dtls));
      this.#known = true;
      leg.reserved = true;
      // A leg that was taken over is agreed already.
      if (leg.settings) this.#apply();
      return local;
    } catch (error) {
      this.#legs.delete(legId);
      this.#held--;
      throw error;
    }
  }

  /** Has rtpengine forget what it knows of this call from before; nothing where it knows nothing. */
  clear(): void {
    this.#inOrder(() => this.#ask({ command: 'delete', 'delete delay': 0 })).catch((error: unknown) => {
      const { callId, log } = this.#options;
      log.debug({ callId, error: messageOf(error) }, 'rtpengine held nothing of this call');
    });
  }

  /** Nothing more is asked for; rtpengine is to forget what it knows of the call. */
  abandon(): void {
    for (const leg of this.#legs.values()) {
      leg.finished?.cancel();
      this.#handshakes.forget(leg.legId);
    }
    this.#legs.clear();
    this.clear();
  }

  configure(legId: string, settings: StreamSettings): void {
    const leg = this.#legs.get(legId);
    if (!leg) return;
    leg.settings = settings;
    leg.version++;
    this.#apply();
  }

  hear(legId: string, source: MediaSource): void {
    const leg = this.#legs.get(legId);
    if (!leg) return;
    leg.source = source;
    this.#apply();
  }

  /** Digits wait until the leg hears a partner: rtpengine puts them into that stream. */
  sendDtmf(legId: string, digits: string): void {
    const leg = this.#legs.get(legId);
    if (!leg) return;
    leg.digits += digits;
    this.#apply();
  }

  /** What goes on with each leg; rejects with RelevoError. */
  async activity(): Promise<ReadonlyMap<string, LegActivity>> {
    const found = new Map<string, LegActivity>();
    if (!this.#known) return found;
    const reply = await this.#ask({ command: 'query' });
    const lastMs = (legId: string): number => {
      const last = rtpStream(reply, legId)?.['last packet'];
      return typeof last === 'number' ? last * 1000 : 0;
    };
    for (const { legId, settings, partner, prompt } of this.#legs.values()) {
      if (!settings) continue;
      const bothWays = settings.maySend && settings.mayReceive && settings.remoteRtp !== null;
      // What is played to it goes out; else it gets what its partner sends.
      const lastSentMs = prompt !== null ? null : lastMs(partner ?? '');
      found.set(legId, { lastReceivedMs: lastMs(legId), lastSentMs, bothWays });
    }
    return found;
  }

  /** Frees the leg; null where rtpengine has no figures of it. Never rejects. */
  async close(legId: string): Promise<LegMediaStats | null> {
    const leg = this.#legs.get(legId);
    if (!leg) return null;
    this.#legs.delete(legId);
    leg.finished?.cancel();
    this.#handshakes.forget(legId);
    for (const other of this.#legs.values()) {
      // Whoever was joined to it stands alone from now on, and is to be told so.
      if (other.partner === legId) other.partner = null;
    }
    this.#apply();
    try {
      return await this.#inOrder(async () => {
        const figures = figuresOf(await this.#ask({ command: 'query' }), legId);
        this.#held--;
        if (this.#held === 0) {
          await this.#ask({ command: 'delete', 'delete delay': 0 });
        } else {
          await this.#ask({ command: 'delete', 'from-tag': legId, 'delete delay': 0 });
          await this.#ask({ command: 'delete', 'from-tag': hubOf(legId), 'delete delay': 0 });
        }
        return figures;
      });
    } catch (error) {
      const { callId, log } = this.#options;
      log.warn(
        { callId, legId, error: messageOf(error) },
        'rtpengine did not free a leg: it will by time-out',
      );
      return null;
    }
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  /** Brings rtpengine to what is wished, once for all wishes of this turn. */
  #apply(): void {
    if (this.#applying) return;
    this.#applying = true;
    this.#inOrder(async () => {
      this.#applying = false;
      await this.#reconcile();
    }).catch((error: unknown) => {
      this.#options.onFailed(error);
    });
  }

  async #reconcile(): Promise<void> {
    const { places, unserved } = placesOf(
      [...this.#legs.values()].map(({ legId, source, settings, reserved }) => ({
        legId,
        source,
        ready: settings !== null && reserved,
      })),
    );
    for (const legId of unserved) {
      const { callId, log } = this.#options;
      log.warn(
        { callId, legId, code: 'rtpengine_pairs_only' },
        'rtpengine joins two parties, not three: silence',
      );
    }
    const placed = [...places].flatMap(([legId, place]) => {
      const leg = this.#legs.get(legId);
      return leg ? [{ leg, place }] : [];
    });
    // First nobody hears what he is no longer to hear, last everybody hears what he is to hear.
    for (const { leg, place } of placed) if (place.blocked) await this.#block(leg, true);
    for (const { leg, place } of placed) await this.#join(leg, place);
    for (const { leg, place } of placed) await this.#play(leg, this.#mayPlay(leg) ? place.prompt : null);
    for (const { leg, place } of placed) if (!place.blocked) await this.#block(leg, false);
    for (const { leg, place } of placed) await this.#sendDigits(leg, place);
  }

  async #block(leg: Leg, blocked: boolean): Promise<void> {
    if (leg.blocked === blocked) return;
    leg.blocked = blocked;
    await this.#ask({ command: blocked ? 'block media' : 'unblock media', 'from-tag': leg.legId });
  }

  async #join(leg: Leg, { partner }: Place): Promise<void> {
    const other = partner === null ? null : (this.#legs.get(partner) ?? null);
    const told = leg.told === leg.version && (other === null || other.told === other.version);
    if (told && leg.partner === partner) return;
    if (!isAgreed(leg)) return;
    // What is played while there are no keys would go out in the clear.
    if (!this.#mayPlay(leg)) await this.#play(leg, null);
    if (other && isAgreed(other)) {
      if (!this.#mayPlay(other)) await this.#play(other, null);
      await this.#exchanges.join(leg, other);
      other.partner = leg.legId;
      this.#handshakes.told(other.legId, other.settings.dtls);
    } else {
      await this.#exchanges.standAlone(leg);
    }
    leg.partner = partner;
    this.#handshakes.told(leg.legId, leg.settings.dtls);
  }

  #mayPlay({ legId, settings }: Leg): boolean {
    return this.#handshakes.ready(legId, settings?.dtls);
  }

  async #play(leg: Leg, prompt: Prompt | null): Promise<void> {
    if (leg.prompt === prompt) return;
    const silent = leg.prompt?.kind === 'silence' && prompt?.kind === 'silence';
    leg.prompt = prompt;
    if (silent) return;
    leg.finished?.cancel();
    leg.finished = null;
    if (prompt === null) {
      await this.#ask({ command: 'stop media', 'from-tag': leg.legId });
      return;
    }
    const { callId, prompts, log, clock, onPlayed } = this.#options;
    const finish = (): void => {
      if (prompt.kind === 'file') onPlayed(leg.legId, prompt.promptId);
    };
    try {
      const what = await prompts.argumentsFor(prompt);
      const reply = await this.#ask({ command: 'play media', 'from-tag': leg.legId, ...what });
      const durationMs = typeof reply.duration === 'number' ? reply.duration : 0;
      leg.finished = prompt.kind === 'file' ? clock.after(durationMs, finish) : null;
    } catch (error) {
      log.warn({ callId, legId: leg.legId, error: messageOf(error) }, 'rtpengine cannot play this prompt');
      finish();
    }
  }

  /** In a stream that is relayed as RFC 4733 events; to a leg that stands alone as tones, which most machines take. */
  async #sendDigits(leg: Leg, place: Place): Promise<void> {
    if (leg.digits.length === 0 || !this.#mayPlay(leg)) return;
    const { digits } = leg;
    leg.digits = '';
    const { callId, prompts, log, clock } = this.#options;
    try {
      if (place.partner !== null && leg.settings?.sendEventPayloadType !== null) {
        if (!leg.injecting) {
          leg.injecting = true;
          leg.partner = null;
          await this.#join(leg, place);
        }
        for (const code of digits) {
          const timing = { duration: DIGIT_MS, pause: DIGIT_PAUSE_MS };
          await this.#ask({ command: 'play DTMF', 'from-tag': place.partner, code, ...timing });
        }
        return;
      }
      const reply = await this.#ask({
        command: 'play media',
        'from-tag': leg.legId,
        ...prompts.tones(digits),
      });
      leg.finished?.cancel();
      leg.finished = clock.after(typeof reply.duration === 'number' ? reply.duration : 0, () => {
        // What it heard before goes on.
        leg.prompt = null;
        this.#apply();
      });
    } catch (error) {
      log.warn(
        { callId, legId: leg.legId, digits: digits.length, error: messageOf(error) },
        'digits not sent',
      );
    }
  }

  #ask(request: NgDictionary & { readonly command: string }): Promise<NgDictionary> {
    return this.#options.ng.ask({ ...request, 'call-id': `relevo-${this.#options.callId}` });
  }
}

function isAgreed(leg: Leg): leg is Leg & AgreedTag {
  return leg.settings !== null;
}
