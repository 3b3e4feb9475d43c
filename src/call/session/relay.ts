import type { Bridge } from '../bridge.js';
import { headerValue } from '../context/sip-headers.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg } from '../leg/leg.js';
import type { SipHeaders } from '../vocabulary.js';

/** Headers of an INFO or MESSAGE that mean something to the other side. */
function passed(headers: SipHeaders): SipHeaders {
  const out: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (/^(x-.*|info-package|content-disposition|subject)$/i.test(name)) out[name] = value;
  }
  return out;
}

/** Passes a request to the leg that this one talks to, and the response back; 480 where it talks to nobody. */
export function relayRequest(bridge: Bridge, leg: Leg, request: InDialogRequest): void {
  const peer = bridge.peerOf(leg);
  if (!peer?.up || bridge.peerOf(peer) !== leg) {
    leg.respond(request.requestId, 480);
    return;
  }
  const { method, headers, body, contentType } = request;
  peer.request(method, { headers: passed(headers), body, contentType }, (reply) => {
    const type = headerValue(reply.headers, 'content-type') ?? 'text/plain';
    const { status, reason, body: replyBody } = reply;
    leg.respond(request.requestId, status, { reason, body: replyBody }, type);
  });
}
