import { createServer, type AddressInfo, type Server } from 'node:net';
import { timingSafeEqual, createHash } from 'node:crypto';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import { listenFailed } from '../listen-failed.js';
import type { ControlOptions } from '../engine-options.js';
import { ClientSession, type ClientSessionLimits } from './client-session.js';
import type { ControlRequest } from './control-request.js';
import { RouteTable } from './route-table.js';

/** The version that drachtio-srf is told; it decides on features by it (pings from v0.8.2). */
const PROTOCOL_VERSION = 'v0.9.10';

/** The messages of an application that concern SIP. */
export type SipControlRequest = Extract<ControlRequest, { type: 'sip' | 'proxy' }>;

/** What the control server asks of the engine. */
export interface ControlServerUser {
  onSip(session: ClientSession, request: SipControlRequest): void;
  onClientGone(session: ClientSession): void;
  /** `udp/1.2.3.4:5060,tcp/1.2.3.4:5060`: advertised addresses, then bound ones. */
  hostPorts(): { advertised: string; local: string };
}

/** Accepts drachtio-srf applications: authentication, routes and pings are answered here, SIP goes to the user. */
export class ControlServer {
  readonly #server: Server;
  readonly #options: ControlOptions;
  readonly #log: Logger;
  readonly #user: ControlServerUser;
  readonly #routes = new RouteTable<ClientSession>();
  readonly #sessions = new Set<ClientSession>();
  readonly #secretHash: Buffer;

  constructor(
    options: ControlOptions,
    limits: ClientSessionLimits,
    random: Random,
    log: Logger,
    user: ControlServerUser,
  ) {
    this.#options = options;
    this.#log = log;
    this.#user = user;
    this.#secretHash = sha256(options.secret);
    this.#server = createServer((socket) => {
      this.#sessions.add(
        new ClientSession(socket, limits, random, {
          onRequest: (session, request) => {
            this.#onRequest(session, request);
          },
          onClosed: (session, reason) => {
            this.#onClosed(session, reason);
          },
        }),
      );
    });
  }

  get clients(): number {
    return this.#sessions.size;
  }

  /** Binds; resolves to the port. Rejects with `engine_listen_failed`. */
  async listen(): Promise<number> {
    const { address, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error): void => {
        reject(listenFailed('control (tcp)', address, port, error));
      };
      this.#server.once('error', onError);
      this.#server.listen(port, address, () => {
        this.#server.off('error', onError);
        this.#server.on('error', (error) => {
          this.#log.error({ err: error }, 'control listener failed');
        });
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** The application that takes the next new request of this method, by turns. */
  pick(method: string): ClientSession | undefined {
    return this.#routes.pick(method.toLowerCase());
  }

  /** Closes the listener and every session. Idempotent. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    for (const session of [...this.#sessions]) session.close();
    await closed;
  }

  #onRequest(session: ClientSession, request: ControlRequest): void {
    if (request.type === 'invalid') {
      session.respond(request.id, 'NO', request.text);
      session.end();
      return;
    }
    if (request.type === 'authenticate') {
      this.#authenticate(session, request.id, request.secret, request.tags);
      return;
    }
    if (!session.authenticated) {
      session.respond(request.id, 'NO', 'not authenticated');
      session.end();
      return;
    }
    switch (request.type) {
      case 'route':
        this.#routes.add(request.verb, session);
        session.respond(request.id, 'OK');
        return;
      case 'remove_route':
        this.#routes.remove(request.verb, session);
        session.respond(request.id, 'OK');
        return;
      case 'ping':
        session.respond(request.id, 'OK', 'pong');
        return;
      case 'sip':
      case 'proxy':
        this.#user.onSip(session, request);
    }
  }

  #authenticate(session: ClientSession, id: string, secret: string, tags: readonly string[]): void {
    if (!timingSafeEqual(sha256(secret), this.#secretHash)) {
      this.#log.warn({ client: session.remote }, 'application refused: wrong secret');
      session.respond(id, 'NO', 'incorrect secret');
      session.end();
      return;
    }
    session.authenticated = true;
    session.tags = tags;
    const { advertised, local } = this.#user.hostPorts();
    session.respond(id, 'OK', `${advertised}|${PROTOCOL_VERSION}|${local}`);
    this.#log.info({ client: session.remote, tags }, 'application connected');
  }

  #onClosed(session: ClientSession, reason: string): void {
    this.#sessions.delete(session);
    this.#routes.removeClient(session);
    if (!session.authenticated) return;
    this.#log.info({ client: session.remote, reason }, 'application disconnected');
    this.#user.onClientGone(session);
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
