import { headerValue } from '../context/sip-headers.js';
import type { SipHeaders } from '../vocabulary.js';
import { dtmfDigit } from './dtmf-info.js';
import type { InDialogRequest } from './in-dialog.js';

/** What we say that we can do, where OPTIONS asks. */
export const ABILITIES: SipHeaders = {
  Allow: 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY, MESSAGE, PRACK',
  Accept: 'application/sdp',
  Supported: 'replaces, norefersub, tdialog',
};

/** Whose a request of the peer is: the leg answers by itself, or its owner does. */
export function whoseRequest(
  request: InDialogRequest,
  inDialog: boolean,
): 'nobody' | 'negotiation' | 'stack' | 'owner' {
  // A NOTIFY may follow the BYE (RFC 6665 4.4.1): its owner still wants to know.
  if (!inDialog) return request.method === 'NOTIFY' ? 'owner' : 'nobody';
  switch (request.method) {
    case 'INVITE':
    case 'UPDATE':
      return 'negotiation';
    case 'OPTIONS':
      return 'stack';
    case 'INFO':
    case 'MESSAGE':
    case 'REFER':
    case 'NOTIFY':
      return 'owner';
  }
}

/** The DTMF digit that an INFO carries, or null. */
export function digitOfInfo(request: InDialogRequest): string | null {
  return dtmfDigit(request.contentType ?? headerValue(request.headers, 'content-type'), request.body);
}
