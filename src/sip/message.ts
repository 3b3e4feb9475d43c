import type { HeaderList } from './header-list.js';

export { HeaderList } from './header-list.js';

/** A SIP request (RFC 3261 7.1). */
export interface SipRequest {
  kind: 'request';
  method: string;
  /** The Request-URI as written. */
  uri: string;
  headers: HeaderList;
  body: Buffer;
}

/** A SIP response (RFC 3261 7.2). */
export interface SipResponse {
  kind: 'response';
  status: number;
  reason: string;
  headers: HeaderList;
  body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

export const NO_BODY: Buffer = Buffer.alloc(0);
