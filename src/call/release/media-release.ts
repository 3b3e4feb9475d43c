import type { CallHost } from '../call-host.js';
import type { PacketSource } from '../media-port.js';
import type { Leg } from '../leg/leg.js';
import type { OfferResult } from '../leg/negotiation.js';
import { MediaReturn } from './media-return.js';
import { isUnwanted, lastingReason, pairNow, samePair, type KeptReason, type Pair } from './release-pair.js';
import { nextReleaseState, type ReleaseState, type ReleaseTrigger } from './release-state.js';

/** Nothing has changed between the two for so long: the hand-over stands. */
const STABLE_MS = 1_000;
/** A worker that does not say by then whence the packets come is asked again. */
const ASK_MS = 2_000;
/** How often the two are asked whence they send while one has sent nothing yet. */
const MAX_UNHEARD = 30;
/** So often may the audio of one call leave us. */
const MAX_RELEASES = 3;
/** Offers in one go: the two, and the same anew where an answer brought new ports; beyond them it would not settle. */
const MAX_OFFERS = 6;
const TIMER = 'release';

/** What stands between two descriptions. */
const MISFITS = ['srtp', 'ip_version', 'codecs', 'dtmf', 'payload_types'] as const;

/** Why the audio of a pair stays with us from now on, with the status of the peer where it refused. */
interface Keep {
  readonly reason: KeptReason;
  readonly status: number | null;
}

/** Offers to the two in turn: who is asked, how many there were, and who has taken one. */
interface Round {
  readonly asked: Leg;
  readonly offers: number;
  readonly told: ReadonlySet<Leg>;
}

/**
 * Leads the audio of a caller and a person past us once they are joined (3pcc, RFC 3725), and takes it back when
 * anything of it is needed here. It looks at the call as it stands whenever something may have changed: `review`.
 */
export class MediaRelease {
  readonly #host: CallHost;
  readonly #return: MediaReturn;
  readonly #noted = new Set<string>();
  #state: ReleaseState = 'idle';
  #pair: Pair | null = null;
  /** Of the round of offers that is out; what comes of one before means nothing any more. */
  #round: Round | null = null;
  #sinceMs = 0;
  #releases = 0;
  #unheard = 0;
  #listened = false;
  /** The audio of the pair stays with us once it is back. */
  #keep: Keep | null = null;

  constructor(host: CallHost) {
    this.#host = host;
    this.#return = new MediaReturn(host, () => this.#back());
  }

  /** Something may have changed: who is joined, what is agreed, which state the call is in. */
  review(): void {
    if (this.#state === 'over') return;
    if (this.#host.ending) {
      this.#move('ended');
      this.#host.context.timers.stop(TIMER);
      this.#return.stop();
      return;
    }
    switch (this.#state) {
      case 'idle':
        this.#join();
        return;
      case 'settling':
      case 'asking':
      case 'kept':
        this.#watchPair();
        return;
      case 'releasing':
      case 'released':
        this.#watchRelease();
        return;
      case 'returning':
        this.#return.review();
        return;
    }
  }

  /** Somebody listens, or is being called to: what the two say has to come by here. */
  listened(active: boolean): void {
    if (active === this.#listened) return;
    this.#listened = active;
    this.review();
  }

  /** Sends a digit of `from` to whom it talks to; in RTP it goes out once that one hears us again. */
  passDigit(from: Leg, digit: string): void {
    const { bridge } = this.#host;
    const leg = bridge.peerOf(from);
    if (!leg || bridge.peerOf(leg) !== from) return;
    leg.media.sendDtmf(digit, from.legId);
    if (this.#state !== 'releasing' && this.#state !== 'released') return;
    // By INFO it goes past the audio.
    if (leg.profile.dtmf !== 'info') this.#disturb('digit', { reason: 'digit_by_info', status: null });
  }

  dump(): object {
    return { state: this.#state, releases: this.#releases, kept: [...this.#noted] };
  }

  #join(): void {
    const pair = pairNow(this.#host);
    if (!pair || isUnwanted(pair)) return;
    if (!samePair(pair, this.#pair)) {
      this.#keep = null;
      this.#unheard = 0;
    }
    this.#pair = pair;
    this.#move('joined');
    const lasting = lastingReason(this.#host, pair);
    if (lasting) this.#keepWith(lasting, null);
    else if (this.#keep) this.#keepWith(this.#keep.reason, this.#keep.status);
    else if (this.#releases >= MAX_RELEASES) this.#keepWith('too_often', null);
    else this.#settle();
  }

  #watchPair(): void {
    if (!samePair(pairNow(this.#host), this.#pair)) {
      this.#host.context.timers.stop(TIMER);
      this.#move('parted');
      this.#join();
    } else if (this.#state !== 'kept') {
      this.#move('disturbed');
      this.#settle();
    }
  }

  #settle(): void {
    this.#host.context.timers.start(TIMER, STABLE_MS, () => this.#stable());
  }

  #stable(): void {
    const { caller, agent } = this.#pair!;
    const legs = [caller, agent];
    if (!samePair(pairNow(this.#host), this.#pair)) {
      this.#watchPair();
      return;
    }
    if (legs.some((leg) => !leg.offers.idle)) {
      this.#settle();
      return;
    }
    if (this.#listened) {
      // Its end has us look again.
      this.#note('listener', null);
      return;
    }
    if (legs.some((leg) => leg.holding || leg.media.agreed !== 'sendrecv')) {
      // The offer that ends the hold has us look again.
      this.#note('hold', null);
      return;
    }
    this.#move('stable');
    const sources: PacketSource[] = [];
    for (const leg of legs) {
      leg.media.askSource((source) => {
        sources.push(source);
        if (this.#state === 'asking' && sources.length === legs.length) this.#found(sources);
      });
    }
    this.#host.context.timers.start(TIMER, ASK_MS, () => {
      this.#move('disturbed');
      this.#settle();
    });
  }

  #found(sources: readonly PacketSource[]): void {
    this.#host.context.timers.stop(TIMER);
    if (sources.includes('unknown')) this.#keepWith('media_kind', null);
    else if (sources.includes('elsewhere')) this.#keepWith('nat', null);
    else if (!sources.includes('nothing')) {
      this.#move('found');
      this.#sinceMs = this.#host.context.now();
      // The person first: a refusal there leaves the caller undisturbed.
      this.#ask(this.#pair!.agent, 1, new Set());
    } else if (this.#unheard < MAX_UNHEARD) {
      this.#unheard += 1;
      this.#move('disturbed');
      this.#settle();
    } else this.#keepWith('unheard', null);
  }

  /** Tells one of them of the other, and then that one, until neither has anything to learn. */
  #ask(asked: Leg, offers: number, told: ReadonlySet<Leg>): void {
    const { caller, agent } = this.#pair!;
    const other = asked === agent ? caller : agent;
    const round = { asked, offers, told };
    this.#round = round;
    asked.offerDirect(
      other,
      () => this.#round === round,
      (result) => {
        if (this.#round === round) this.#answered(round, other, result);
        else this.review();
      },
    );
  }

  #answered({ asked, offers, told }: Round, other: Leg, result: OfferResult): void {
    if (result.kind === 'failed') {
      this.#failed(result);
    } else if (asked.media.agreed !== 'sendrecv') {
      // The answer says so: the other one is told as by any hold.
      this.#host.bridge.directionChanged(asked, () => undefined);
      this.#disturb('hold', null);
    } else if (result.kind === 'nothing_new' && told.has(other)) {
      this.#released();
    } else if (offers >= MAX_OFFERS) {
      this.#disturb('unsettled', { reason: 'unsettled', status: null });
    } else {
      if (told.size === 0) this.#releases += 1;
      this.#ask(other, offers + 1, new Set([...told, asked]));
    }
  }

  #failed({ status, code }: Extract<OfferResult, { kind: 'failed' }>): void {
    if (code === 'hold') this.#note('hold', null);
    const misfit = MISFITS.find((one) => one === code);
    if (misfit) this.#disturb(misfit, { reason: misfit, status: null });
    else if (status !== null) this.#disturb('refused', { reason: 'refused', status });
    // A leg that is gone, or media that is just being moved: nothing lasting.
    else this.#disturb(code === 'unsent' || code === null ? 'parted' : code, null);
  }

  #released(): void {
    const { context } = this.#host;
    const { caller, agent } = this.#pair!;
    this.#round = null;
    this.#move('told');
    for (const leg of [caller, agent]) leg.media.rest(true);
    context.event('media_released', { tookMs: Math.round(context.now() - this.#sinceMs) });
  }

  #watchRelease(): void {
    const pair = this.#pair!;
    if (this.#listened) {
      this.#disturb('listener', null);
      return;
    }
    if (!samePair(pairNow(this.#host), pair)) {
      this.#disturb(this.#host.transferInFlight() ? 'transfer' : 'parted', null);
      return;
    }
    const legs = [pair.caller, pair.agent];
    if (legs.some((leg) => leg.media.agreed !== 'sendrecv')) {
      this.#disturb('hold', null);
      return;
    }
    for (const leg of this.#round?.told ?? legs) {
      if (leg.media.direct) continue;
      this.#disturb('offer', null);
      return;
    }
  }

  /** Each is called back. */
  #disturb(cause: string, keep: Keep | null): void {
    this.#round = null;
    this.#keep = keep;
    this.#move('disturbed');
    this.#return.begin(this.#pair!, cause);
    this.#return.review();
  }

  #back(): void {
    this.#move('back');
    this.#join();
  }

  #keepWith(reason: KeptReason, status: number | null): void {
    this.#keep = { reason, status };
    this.#host.context.timers.stop(TIMER);
    this.#move('keep');
    this.#note(reason, status);
  }

  /** Each reason is told of once in a call. */
  #note(reason: KeptReason, status: number | null): void {
    if (this.#noted.has(reason)) return;
    this.#noted.add(reason);
    this.#host.context.event('media_kept', { reason, ...(status !== null && { status }) });
  }

  #move(trigger: ReleaseTrigger): void {
    const next = nextReleaseState(this.#state, trigger);
    if (next === null) this.#host.context.impossible('release', { state: this.#state, trigger });
    else this.#state = next;
  }
}
