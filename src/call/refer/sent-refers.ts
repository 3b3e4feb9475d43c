import { headerValue } from '../context/sip-headers.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg } from '../leg/leg.js';
import { parseSipfrag, parseSubscriptionState, referEventId } from './sipfrag.js';

/** What a NOTIFY said of a REFER of ours. */
export interface ReferNews {
  readonly status: number | null;
  readonly reason: string;
  readonly terminated: boolean;
  readonly terminatedReason: string | null;
}

/** One implicit subscription of ours (RFC 3515 2.4.4). */
export interface SentRefer {
  /** CSeq number of the REFER, once known: the `id` of later NOTIFYs. */
  cseq: string | null;
  /** Who follows it; null once it ended. */
  follower: ((news: ReferNews) => void) | null;
}

/** All REFERs that we sent in one call, the ended ones too: their late NOTIFYs are answered, not refused. */
export class SentRefers {
  readonly #sent: (SentRefer & { readonly leg: Leg })[] = [];

  add(leg: Leg, follower: (news: ReferNews) => void): SentRefer {
    const refer = { leg, cseq: null, follower };
    this.#sent.push(refer);
    return refer;
  }

  /** Answers a NOTIFY and passes its news on. 481 where it belongs to no REFER of ours (RFC 6665 4.1.3). */
  notify(leg: Leg, request: InDialogRequest): void {
    const id = referEventId(headerValue(request.headers, 'event') ?? headerValue(request.headers, 'o'));
    const refer = id === undefined ? undefined : this.#find(leg, id);
    if (!refer) {
      leg.respond(request.requestId, id === undefined ? 489 : 481);
      return;
    }
    leg.respond(request.requestId, 200);
    const frag = parseSipfrag(request.body);
    const state = parseSubscriptionState(headerValue(request.headers, 'subscription-state'));
    refer.follower?.({
      status: frag?.status ?? null,
      reason: frag?.reason ?? '',
      terminated: state.terminated,
      terminatedReason: state.reason,
    });
  }

  #find(leg: Leg, id: string | null): SentRefer | undefined {
    const own = this.#sent.filter((refer) => refer.leg === leg);
    if (id === null) return own.find((refer) => refer.follower !== null) ?? own.at(-1);
    const exact = own.find((refer) => refer.cseq === id);
    if (exact) return exact;
    // The 202 may come after the first NOTIFY: the number is learned from whichever comes first.
    const unnamed = own.find((refer) => refer.cseq === null && refer.follower !== null);
    if (unnamed) unnamed.cseq = id;
    return unnamed;
  }
}
