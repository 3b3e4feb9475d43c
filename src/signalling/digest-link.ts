import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/log.js';
import type { Random } from '../common/random.js';
import { DigestClient } from '../sip/auth/digest-client.js';
import { parseChallenge } from '../sip/auth/digest.js';
import { AnsweringRequest, withCredentials } from './answering-request.js';
import type { ChallengedRefresh } from './challenged-refresh.js';
import { readHeaders, valuesOf } from './header-reading.js';
import type { Credentials } from './leg-context.js';
import type { SipLink } from './sip-link.js';
import type { SrfSendOptions, SrfSent } from './srf-types.js';

export interface DigestLinkOptions {
  readonly link: SipLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const MAX_CLIENTS = 2_000;
const COMPLAINT_EVERY_MS = 60_000;

/**
 * Sends requests and answers the digest challenges that they meet, where they have credentials. The SIP server and
 * drachtio-srf take no part in it, so it is the same over the embedded engine and over a drachtio-server.
 */
export class DigestLink implements SipLink {
  readonly #options: DigestLinkOptions;
  /** By credentials: what one request to a trunk has learned serves the next ones. */
  readonly #clients = new Map<string, DigestClient>();
  readonly #complainedAt = new Map<string, number>();
  #failures = 0;

  constructor(options: DigestLinkOptions) {
    this.#options = options;
  }

  /** Requests whose credentials were refused. */
  get failures(): number {
    return this.#failures;
  }

  request(uri: string, options: SrfSendOptions, done: SrfSent): void {
    const { credentials, ...plain } = options;
    if (!credentials) {
      this.#options.link.request(uri, plain, done);
      return;
    }
    new AnsweringRequest({
      link: this.#options.link,
      uri,
      options: plain,
      client: this.clientOf(credentials),
      done,
      refused: (realm, status) => {
        this.#refused(credentials.username, realm, status, plain.method);
      },
    }).start();
  }

  /** Gives the embedded engine the credentials for a refresh of its own that was challenged. */
  continueRefresh(challenge: ChallengedRefresh, credentials: Credentials): void {
    const { request, dialogId, transactionId, status } = challenge;
    const attempt = this.clientOf(credentials).begin();
    const step = attempt.onChallenge(challenge.challenges, request);
    if (step.kind !== 'retry') {
      this.#refused(credentials.username, null, status, request.method);
      return;
    }
    const options = {
      method: request.method,
      headers: {},
      stackDialogId: dialogId,
      stackTxnId: transactionId,
    };
    this.#options.link.request(request.uri, withCredentials(options, step.headers), (failure, sent) => {
      if (failure) this.#options.log.debug({ dialogId, failure }, 'the refresh did not go on');
      sent?.on('response', (response) => {
        if (response.status !== 401 && response.status !== 407) return;
        const headers = readHeaders(response.msg.raw);
        const [again] = [
          ...valuesOf(headers, 'www-authenticate'),
          ...valuesOf(headers, 'proxy-authenticate'),
        ];
        const realm = parseChallenge(again ?? '')?.realm ?? '';
        this.#refused(credentials.username, realm, response.status, request.method);
      });
    });
  }

  /** The memory of these credentials. */
  clientOf({ username, password }: Credentials): DigestClient {
    const key = `${username}\n${password}`;
    let client = this.#clients.get(key);
    if (!client) {
      client = new DigestClient(username, password, this.#options.random);
      if (this.#clients.size >= MAX_CLIENTS) this.#clients.clear();
      this.#clients.set(key, client);
    }
    return client;
  }

  /** Once per user, realm and minute: a trunk whose password is wrong must not fill the log. */
  #refused(username: string, realm: string | null, status: number, method: string): void {
    this.#failures += 1;
    const { clock, log } = this.#options;
    const key = `${username}\n${realm ?? ''}`;
    const before = this.#complainedAt.get(key);
    if (before !== undefined && clock.now() - before < COMPLAINT_EVERY_MS) return;
    if (this.#complainedAt.size >= MAX_CLIENTS) this.#complainedAt.clear();
    this.#complainedAt.set(key, clock.now());
    if (realm === null) {
      log.warn(
        { code: 'auth_unanswerable', username, method, status },
        'a digest challenge uses no algorithm that is known here (MD5, SHA-256, SHA-512-256; qop auth, auth-int)',
      );
      return;
    }
    log.warn(
      { code: 'auth_failed', username, realm, method, status },
      'the peer refuses our user name or password: see `auth` of the trunk',
    );
  }
}
