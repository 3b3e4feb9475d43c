import type { InDialogResponse } from './in-dialog.js';
import type { Leg } from './leg.js';
import type { NegotiationPort } from './negotiation.js';

/** Lets the negotiation of a leg speak through the leg's dialog. */
export function negotiationPort(
  leg: Leg,
  rest: Pick<NegotiationPort, 'ownsCallId' | 'wish' | 'directionChanged' | 'lost'>,
): NegotiationPort {
  return {
    ...rest,
    legId: leg.legId,
    request: (method, sdp, done: (response: InDialogResponse) => void) => {
      leg.request(method, { body: sdp, contentType: 'application/sdp' }, done);
    },
    respond: (requestId, status, headers, sdp) => {
      leg.respond(requestId, status, { headers, body: sdp });
    },
  };
}
