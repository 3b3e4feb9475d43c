import type { Credentials } from './leg-context.js';
import type { SrfAuth } from './srf-types.js';

/**
 * Credentials for one request, given once: a second challenge means that they are wrong, and is left to the
 * caller as the 401 or 407 that it is. (drachtio-srf counts tries per Call-ID, which several requests share.)
 */
export function answerOnce(credentials: Credentials): SrfAuth {
  let used = false;
  return (_request, _response, done) => {
    if (used) {
      done(new Error('challenged again after digest credentials were sent'));
      return;
    }
    used = true;
    done(null, credentials.username, credentials.password);
  };
}
