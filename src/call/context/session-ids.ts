import type { LegId } from '../signalling-port.js';
import type { Party, SipHeaders } from '../vocabulary.js';
import { headerValue } from './sip-headers.js';

/** The UUID of an end that is not known yet (RFC 7989 5). */
const NIL = '0'.repeat(32);

/**
 * The Session-ID of every message of one call (RFC 7989): the caller's UUID stands on all legs, beside that of the
 * leg's own far end; an end that names none is given one.
 */
export class SessionIds {
  readonly #ends = new Map<LegId, string>();
  #caller: string;
  #far: string;

  /** `uuid` makes a fresh one, hyphens or not. */
  constructor(uuid: () => string) {
    this.#caller = uuid().replaceAll('-', '').toLowerCase();
    this.#far = uuid().replaceAll('-', '').toLowerCase();
  }

  /** Takes what an end says of itself in a message of its leg. */
  learn(legId: LegId, party: Party, headers: SipHeaders): void {
    const given = /^\s*([0-9a-f]{32})\s*(?:;|$)/i.exec(headerValue(headers, 'session-id') ?? '')?.[1];
    if (given === undefined || given === NIL) return;
    const uuid = given.toLowerCase();
    this.#ends.set(legId, uuid);
    if (party === 'caller') this.#caller = uuid;
    else this.#far = uuid;
  }

  /** The value for a message of ours on this leg. */
  value(legId: LegId, party: Party): string {
    const remote = this.#ends.get(legId);
    if (party === 'caller') return `${this.#far};remote=${remote ?? this.#caller}`;
    return `${this.#caller};remote=${remote ?? NIL}`;
  }
}
