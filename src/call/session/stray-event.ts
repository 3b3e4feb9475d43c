import type { CallContext } from '../call-context.js';
import type { SignallingEvent } from '../signalling-port.js';

/** An event of a leg that the call does not have: counted, and a request is answered 481. */
export function refuseStray(
  context: CallContext,
  event: Exclude<SignallingEvent, { kind: 'incoming' }>,
): void {
  const { legId, kind } = event;
  context.impossible('event of an unknown leg', { leg: legId, kind });
  if (kind !== 'request') return;
  const rest = { reason: null, headers: {}, body: null, contentType: null };
  context.signalling({ kind: 'respond', legId, requestId: event.requestId, status: 481, ...rest });
}
