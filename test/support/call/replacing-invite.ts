import type { IncomingInvite } from '../../../src/call/signalling-port.js';

/** An INVITE with Replaces of another phone behind the PBX, 202. */
export function replacingInvite(sdp = 'v=0 a=sendrecv'): IncomingInvite {
  return {
    sourceAddress: '10.0.0.7',
    sourcePort: 5060,
    transport: 'udp',
    requestUri: 'sip:relevo',
    called: 'relevo',
    caller: '202',
    callerDisplayName: null,
    sipCallId: 'r@pbx',
    headers: {},
    sdp,
    peer: { allow: null, supported: null, userAgent: null },
  };
}
