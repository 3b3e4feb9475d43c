import { createSocket, type Socket } from 'node:dgram';
import type { Clock, Timer } from '../../common/clock.js';
import { RelevoError, messageOf } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import { bencode, debencode, type Bencoded } from './bencode.js';

/** After so long without a reply the same request goes out again: rtpengine knows it by its cookie. */
const REPEAT_MS = [120, 240, 480, 960];

/** Results that are none; the second where `max-sessions` and the like are reached. */
const REFUSALS = new Set<unknown>(['error', 'load limit']);

/** A dictionary as the ng protocol has it, both ways. */
export type NgDictionary = { readonly [key: string]: Bencoded };

export interface NgClientOptions {
  /** Where rtpengine listens for ng (`listen-ng`). */
  readonly address: string;
  readonly port: number;
  readonly clock: Clock;
  readonly random: Random;
}

interface Waiting {
  readonly command: string;
  readonly datagram: Buffer;
  readonly done: (outcome: NgDictionary | RelevoError) => void;
  repeats: number;
  timer: Timer;
}

/** Speaks the ng control protocol with one rtpengine: requests over UDP, each repeated until it is answered. */
export class NgClient {
  readonly #options: NgClientOptions;
  readonly #socket: Socket;
  readonly #waiting = new Map<string, Waiting>();
  /** So that a restart of ours does not meet the cookies that rtpengine remembers. */
  readonly #prefix: string;
  #count = 0;
  #closed = false;

  private constructor(options: NgClientOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#prefix = options.random.token(6);
    socket.on('message', (message) => this.#receive(message));
    // A refused datagram (ICMP) is silence: the repeats decide.
    socket.on('error', () => undefined);
  }

  /** Opens the socket. @throws {RelevoError} `rtpengine_address` where the address cannot be reached by any route. */
  static async open(options: NgClientOptions): Promise<NgClient> {
    const socket = createSocket(options.address.includes(':') ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.connect(options.port, options.address, resolve);
      });
    } catch (cause) {
      socket.close();
      throw new RelevoError(
        'rtpengine_address',
        `no way to ${options.address}:${options.port}: ${messageOf(cause)}`,
        'Check media.nodes and the routes of this machine.',
        { cause },
      );
    }
    socket.removeAllListeners('error');
    return new NgClient(options, socket);
  }

  /**
   * The reply to one request.
   * @throws {RelevoError} `rtpengine_silent` without a reply in 1.8 s, `rtpengine_refused` with the reason of
   * rtpengine, `rtpengine_closed` once this client is closed.
   */
  async ask(request: NgDictionary & { readonly command: string }): Promise<NgDictionary> {
    const outcome = await new Promise<NgDictionary | RelevoError>((done) => {
      if (this.#closed) {
        done(closedError());
        return;
      }
      const cookie = `${this.#prefix}${++this.#count}`;
      const datagram = Buffer.concat([Buffer.from(`${cookie} `), bencode(request)]);
      const waiting: Waiting = {
        command: request.command,
        datagram,
        done,
        repeats: 0,
        timer: this.#repeatLater(cookie, 0),
      };
      this.#waiting.set(cookie, waiting);
      this.#socket.send(datagram);
    });
    if (outcome instanceof RelevoError) throw outcome;
    return outcome;
  }

  /** Fails what waits. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { timer, done } of this.#waiting.values()) {
      timer.cancel();
      done(closedError());
    }
    this.#waiting.clear();
    this.#socket.close();
  }

  #repeatLater(cookie: string, repeats: number): Timer {
    return this.#options.clock.after(REPEAT_MS[repeats]!, () => {
      const waiting = this.#waiting.get(cookie);
      if (!waiting) return;
      waiting.repeats++;
      if (waiting.repeats < REPEAT_MS.length) {
        waiting.timer = this.#repeatLater(cookie, waiting.repeats);
        this.#socket.send(waiting.datagram);
        return;
      }
      this.#waiting.delete(cookie);
      const { address, port } = this.#options;
      waiting.done(
        new RelevoError(
          'rtpengine_silent',
          `rtpengine at ${address}:${port} does not answer "${waiting.command}"`,
          'See that it runs, that its listen-ng is this address, and that no firewall is between.',
        ),
      );
    });
  }

  #receive(message: Buffer): void {
    const space = message.indexOf(' ');
    const cookie = message.toString('latin1', 0, Math.max(0, space));
    const waiting = this.#waiting.get(cookie);
    // A late copy of a reply, or somebody else's datagram.
    if (!waiting) return;
    let reply: Bencoded;
    try {
      reply = debencode(message.subarray(space + 1));
    } catch {
      // The next repeat asks again.
      return;
    }
    if (!isDictionary(reply)) return;
    this.#waiting.delete(cookie);
    waiting.timer.cancel();
    waiting.done(REFUSALS.has(reply.result) ? refusal(waiting.command, reply) : reply);
  }
}

/** Whether a decoded value is a dictionary. */
export function isDictionary(value: Bencoded | undefined): value is NgDictionary {
  return typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value);
}

function refusal(command: string, reply: NgDictionary): RelevoError {
  const reason = reply['error-reason'] ?? reply.message ?? reply.result;
  return new RelevoError(
    'rtpengine_refused',
    `rtpengine refuses "${command}": ${typeof reason === 'string' ? reason : 'without a reason'}`,
    'See the log of rtpengine for this call.',
  );
}

function closedError(): RelevoError {
  return new RelevoError('rtpengine_closed', 'the link to rtpengine is closed', 'Nothing is to be done.');
}
