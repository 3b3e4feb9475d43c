import type { SipResponse } from '../../sip/message.js';

/** Within the 4xx class these tell the caller how to succeed (RFC 3261 16.7 step 6). */
const HELPFUL: readonly number[] = [401, 407, 415, 420, 484];

/**
 * The final response that a forking proxy sends on (RFC 3261 16.7 steps 6 and 7): a 6xx, else one of the lowest
 * class, in 4xx one that helps the caller. Challenges of all branches come together. 503 becomes 500, as it
 * speaks of the next hop and not of us. Undefined without responses.
 */
export function bestResponse(responses: readonly SipResponse[]): SipResponse | undefined {
  let best: SipResponse | undefined;
  for (const response of responses) if (!best || rank(response.status) < rank(best.status)) best = response;
  if (!best) return undefined;
  if (best.status === 503) return { ...best, status: 500, reason: 'Server Internal Error' };
  if (best.status !== 401 && best.status !== 407) return best;
  const headers = best.headers.clone();
  for (const other of responses) {
    if (other === best || (other.status !== 401 && other.status !== 407)) continue;
    for (const name of ['WWW-Authenticate', 'Proxy-Authenticate'])
      for (const value of other.headers.getAll(name)) headers.add(name, value);
  }
  return { ...best, headers };
}

function rank(status: number): number {
  if (status >= 600) return 0;
  const base = Math.floor(status / 100) * 1_000;
  if (status === 503) return 9_000;
  return HELPFUL.includes(status) ? base : base + 1 + (status === 408 || status === 487 ? 1 : 0);
}
