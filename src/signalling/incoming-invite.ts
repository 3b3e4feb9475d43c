import type { IncomingInvite } from '../call/signalling-port.js';
import { firstValue, readAbilities, readHeaders, readNameAddress, sdpOf, userOf } from './header-reading.js';
import { canonicalAddress } from './source-table.js';
import type { SrfRequest } from './srf-types.js';

/** An initial INVITE as the call machine sees it. */
export function readInvite(request: SrfRequest): IncomingInvite {
  const headers = readHeaders(request.msg.raw);
  const from = readNameAddress(firstValue(headers, 'from'));
  const asserted = readNameAddress(firstValue(headers, 'p-asserted-identity'));
  const identity = asserted ?? from;
  return {
    sourceAddress: canonicalAddress(request.source_address),
    sourcePort: request.source_port,
    transport: request.protocol.toLowerCase(),
    requestUri: request.uri,
    called: userOf(request.uri),
    caller: identity ? userOf(identity.uri) : '',
    callerDisplayName: asserted?.displayName ?? from?.displayName ?? null,
    sipCallId: firstValue(headers, 'call-id') ?? '',
    headers,
    sdp: sdpOf(headers, request.body),
    peer: readAbilities(headers),
  };
}
