import type { CallHost } from '../call-host.js';
import type { Leg } from '../leg/leg.js';
import type { LegOfCall } from '../signalling-port.js';
import { parseReplaces } from './refer-to.js';

/** What the Replaces of a REFER is about. */
export type Joining =
  /** No dialog of this node, or no Replaces at all. */
  | { readonly kind: 'elsewhere' }
  /** A leg of this very call to which a transfer may be waiting for an answer. */
  | { readonly kind: 'consultation'; readonly leg: Leg }
  /** A leg of another call of this node. */
  | { readonly kind: 'call'; readonly of: LegOfCall }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string };

export const OWN_DIALOG = 'Replaces names a dialog of this call';

const refused = (status: number, reason: string): Joining => ({ kind: 'refused', status, reason });

/**
 * Looks up the dialog that a REFER on `leg` wants replaced. Only a peer that may replace dialogs by INVITE may
 * have it done for it (RFC 3891 3), and no two calls are joined twice: they would only hear each other.
 */
export function joinedDialog(host: CallHost, leg: Leg, replaces: string | null): Joining {
  if (replaces === null) return { kind: 'elsewhere' };
  const own = host.namedLeg(replaces);
  if (own) {
    // The caller would be joined with itself.
    const parts = Object.values(host.roles) as (Leg | null)[];
    return own === leg || parts.includes(own) ? refused(603, OWN_DIALOG) : { kind: 'consultation', leg: own };
  }
  const name = parseReplaces(replaces);
  const { deps, callId } = host.context;
  const found = name && (deps.dialogs?.find(callId, name) ?? null);
  if (found === null) return { kind: 'elsewhere' };
  if (!(host.mayReplace(leg) ?? (found !== 'ended' && found.acceptReplaces)))
    return refused(403, 'Replaces is not taken from this peer');
  if (found === 'ended') return refused(603, 'The dialog that Replaces names has ended');
  if (found.callId === callId) return refused(603, OWN_DIALOG);
  if (found.joined) return refused(603, 'The calls are joined already');
  if (found.confirmed && /;\s*early-only\b/i.test(replaces))
    return refused(486, 'The dialog that Replaces names is answered');
  return { kind: 'call', of: { callId: found.callId, legId: found.legId } };
}
