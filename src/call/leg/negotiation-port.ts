import type { InDialogResponse } from './in-dialog.js';
import type { RequestContent } from './leg-requests.js';
import type { NegotiationPort } from './negotiation.js';

/** What of a leg the negotiation speaks through. */
interface Dialog {
  readonly legId: string;
  request(method: 'INVITE', content: RequestContent, done: (response: InDialogResponse) => void): void;
  respond(requestId: string, status: number, more: Partial<InDialogResponse>): void;
}

/** Lets the negotiation of a leg speak through the leg's dialog. */
export function negotiationPort(
  leg: Dialog,
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
