import { createRequire } from 'node:module';
import { messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import type {
  SrfLike,
  SrfReply,
  SrfRequest,
  SrfSendOptions,
  SrfSent,
  SrfSocket,
  SrfWire,
} from './srf-types.js';
import { readChallengedRefresh, type ChallengedRefresh } from './challenged-refresh.js';
import type { ControlServerAddress } from './thread-messages.js';

/** The way to the drachtio server, as the legs see it. */
export interface SipLink {
  /** Sends a request; `done` is called once, never within this call, also where sending fails. */
  request(uri: string, options: SrfSendOptions, done: SrfSent): void;
}

export interface SipLinkListener {
  /** Authenticated, and every route acknowledged: from now on calls come in. */
  connected(detail: string): void;
  /** The connection is gone: nothing that was under way will be answered. Not said twice in a row. */
  lost(detail: string): void;
  /** A try to connect failed. */
  failed(detail: string): void;
  request(request: SrfRequest, reply: SrfReply): void;
  /** A session refresh that the embedded engine made was challenged. */
  refreshChallenged(challenge: ChallengedRefresh): void;
}

/** Requests outside a dialog that this node wants to see. OPTIONS is answered by the server. */
const ROUTED = [
  'invite',
  'refer',
  'subscribe',
  'register',
  'message',
  'publish',
  'notify',
  'info',
  'update',
] as const;

const RETRY_MAX_DELAY_MS = 5000;
const PING_INTERVAL_MS = 15_000;

type SrfConstructor = new () => SrfLike;

/** The connection to one drachtio server (the embedded engine or a real one), kept up until closed. */
export class SrfLink implements SipLink {
  readonly #srf: SrfLike;
  readonly #log: Logger;
  readonly #listener: SipLinkListener;
  #connected = false;
  #closed = false;
  #stopCounting: (() => void) | null = null;

  constructor(listener: SipLinkListener, log: Logger) {
    this.#listener = listener;
    this.#log = log;
    const Srf = createRequire(import.meta.url)('drachtio-srf') as SrfConstructor;
    this.#srf = new Srf();
    this.#srf.use((request, reply) => {
      listener.request(request, reply);
    });
    for (const verb of ROUTED) this.#srf.app.use(verb, (_request, _reply, next) => next());
    this.#srf.on('connect', (failure, hostports) => {
      this.#onConnect(failure, hostports ?? '');
    });
    this.#srf.on('close', () => {
      this.#onClose('connection to the drachtio server closed');
    });
    this.#srf.on('error', (failure) => {
      if (this.#connected) this.#onClose(failure.message);
      else if (!this.#closed) listener.failed(failure.message);
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Starts connecting; lost connections are made again with a growing delay of 5 s at most. */
  connect(address: ControlServerAddress): void {
    this.#srf.connect({
      host: address.host,
      port: address.port,
      secret: address.secret,
      enablePing: true,
      pingInterval: PING_INTERVAL_MS,
      reconnect: { retryMaxDelay: RETRY_MAX_DELAY_MS },
    });
    const wire = this.#wire;
    if (wire) {
      writeOncePerTurn(wire);
      wire.on('msg', (_socket, message) => {
        const challenge = readChallengedRefresh(message);
        if (challenge) this.#listener.refreshChallenged(challenge);
      });
    }
    this.#awaitRoutes();
  }

  request(uri: string, options: SrfSendOptions, done: SrfSent): void {
    try {
      this.#srf.app.request(uri, options, done);
    } catch (thrown) {
      const failure = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
      queueMicrotask(() => {
        done(failure);
      });
    }
  }

  /** Disconnects for good. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connected = false;
    this.#stopCounting?.();
    const wire = this.#wire;
    if (!wire) return;
    wire.closing = true;
    const retry = wire.reconnectVars?.retryTimer;
    if (retry) clearTimeout(retry);
    if ((this.#srf.app.client?.mapServer.size ?? 0) === 0) return;
    try {
      this.#srf.disconnect();
    } catch (thrown) {
      this.#log.debug({ err: messageOf(thrown) }, 'the connection to the drachtio server was gone already');
    }
  }

  get #wire(): SrfWire | undefined {
    return this.#srf.app.client?.wp;
  }

  /** The server answers authentication and each route in order; only then does it hand out calls. */
  #awaitRoutes(): void {
    this.#stopCounting?.();
    const wire = this.#wire;
    if (!wire) return;
    let answers = 0;
    const count = (_socket: unknown, message: string): void => {
      if (message.split('|', 2)[1] !== 'response') return;
      answers += 1;
      if (answers <= ROUTED.length) return;
      stop();
      this.#routesReady = true;
      this.#announce();
    };
    const stop = (): void => {
      wire.removeListener('msg', count);
      this.#stopCounting = null;
    };
    this.#routesReady = false;
    this.#stopCounting = stop;
    wire.on('msg', count);
  }

  #routesReady = false;
  #hostports: string | null = null;

  #onConnect(failure: Error | null, hostports: string): void {
    if (this.#closed) return;
    if (failure) {
      this.#listener.failed(failure.message);
      return;
    }
    this.#hostports = hostports;
    this.#announce();
  }

  #announce(): void {
    if (this.#closed || this.#connected || !this.#routesReady || this.#hostports === null) return;
    this.#connected = true;
    this.#listener.connected(this.#hostports);
  }

  #onClose(detail: string): void {
    this.#hostports = null;
    if (this.#closed) return;
    this.#awaitRoutes();
    if (!this.#connected) return;
    this.#connected = false;
    this.#listener.lost(detail);
  }
}

/**
 * drachtio-srf writes each message by itself. All that one arrival causes is written together instead, before the
 * loop goes on: a system call per turn, not per message.
 */
function writeOncePerTurn(wire: SrfWire): void {
  const send = wire.send.bind(wire);
  const corked = new Set<SrfSocket>();
  wire.send = (socket, message) => {
    if (!corked.has(socket)) {
      corked.add(socket);
      socket.cork();
      process.nextTick(() => {
        corked.delete(socket);
        socket.uncork();
      });
    }
    return send(socket, message);
  };
}
