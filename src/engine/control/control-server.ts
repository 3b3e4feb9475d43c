import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
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

/** How long a listening application may take to connect and authenticate. */
const OUTBOUND_MS = 5_000;

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
  readonly #limits: ClientSessionLimits;
  readonly #random: Random;
  /** Connections that the engine made, until the application has authenticated. */
  readonly #expected = new Map<ClientSession, { resolve: () => void; reject: (reason: string) => void }>();

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
    this.#limits = limits;
    this.#random = random;
    const onSocket = (socket: Socket): void => {
      this.#open(socket);
    };
    this.#server = options.tls ? createTlsServer(options.tls, onSocket) : createServer(onSocket);
  }

  #open(socket: Socket): ClientSession {
    const session = new ClientSession(socket, this.#limits, this.#random, {
      onRequest: (from, request) => {
        this.#onRequest(from, request);
      },
      onClosed: (from, reason) => {
        this.#onClosed(from, reason);
      },
    });
    this.#sessions.add(session);
    return session;
  }

  /**
   * Connects to an application that listens (drachtio's outbound connections) and waits until it has authenticated.
   * Rejects when it cannot be reached, or is silent for 5 s.
   */
  async connectOut(host: string, port: number, tls: boolean): Promise<ClientSession> {
    // Whose certificate a listening application shows is its operator's affair: it proves itself by the secret.
    const socket = tls ? connectTls({ host, port, rejectUnauthorized: false }) : connect({ host, port });
    const session = this.#open(socket);
    const silence = setTimeout(() => {
      session.close();
    }, OUTBOUND_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#expected.set(session, {
          resolve,
          reject: (reason) => {
            reject(new Error(`application at ${host}:${port}: ${reason}`));
          },
        });
      });
    } finally {
      clearTimeout(silence);
      this.#expected.delete(session);
    }
    return session;
  }

  get clients(): number {
    return this.#sessions.size;
  }

  /** What waits for the application that reads slowest, in bytes. */
  backlogBytes(): number {
    let most = 0;
    for (const session of this.#sessions) if (session.backlogBytes > most) most = session.backlogBytes;
    return most;
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

  /** The application that takes the next new request of this method, by turns; `tag` narrows the choice. */
  pick(method: string, tag?: string): ClientSession | undefined {
    const verb = method.toLowerCase();
    return tag === undefined
      ? this.#routes.pick(verb)
      : this.#routes.pick(verb, ({ tags }) => tags.includes(tag));
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
    this.#expected.get(session)?.resolve();
  }

  #onClosed(session: ClientSession, reason: string): void {
    this.#sessions.delete(session);
    this.#routes.removeClient(session);
    this.#expected.get(session)?.reject(reason);
    if (!session.authenticated) return;
    this.#log.info({ client: session.remote, reason }, 'application disconnected');
    this.#user.onClientGone(session);
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
