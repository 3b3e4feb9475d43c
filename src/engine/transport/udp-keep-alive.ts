import type { Clock, Timer } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import type { Destination } from '../../sip/transaction/transport.js';
import type { KeepAliveOptions } from '../engine-options.js';
import { stunRequest, type StunMessage } from './stun.js';

/** RFC 5626 4.4.2: UDP keep-alives are 24 to 29 s apart. */
const INTERVAL_MS = 29_000;
const SURE_PART = 0.8;
/** A target to which no request has gone for so long is kept open no longer. */
const FORGET_MS = 3_600_000;
const TARGETS = 1_000;
/** STUN requests without an answer, of a target that has answered before, that make it a dead one. */
const SILENT_ROUNDS = 3;
const CRLF = Buffer.from('\r\n\r\n');

interface Target {
  readonly destination: Destination;
  usedMs: number;
  /** The id of the STUN request that is unanswered, in hexadecimal. */
  asked: string | undefined;
  silent: number;
  answered: boolean;
  mapped: string | undefined;
}

/** What the keep-alives are built from. `lost` is told of a target that has ceased to answer STUN. */
export interface UdpKeepAliveParts {
  readonly options: KeepAliveOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly send: (raw: Buffer, destination: Destination) => void;
  readonly lost: (destination: Destination) => void;
}

/** Keeps the NAT in front of us open for those to whom requests have gone: by CRLFs, or by STUN (RFC 5626 4.4.2). */
export class UdpKeepAlive {
  readonly #parts: UdpKeepAliveParts;
  readonly #kind: 'off' | 'crlf' | 'stun';
  readonly #targets = new Map<string, Target>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: UdpKeepAliveParts) {
    this.#parts = parts;
    this.#kind = parts.options.udp ?? 'off';
  }

  /** A request has gone there. */
  note(destination: Destination): void {
    if (this.#kind === 'off' || this.#closed) return;
    const key = keyOf(destination);
    const known = this.#targets.get(key);
    const usedMs = this.#parts.clock.now();
    if (known) {
      known.usedMs = usedMs;
    } else if (this.#targets.size < TARGETS) {
      this.#targets.set(key, {
        destination,
        usedMs,
        asked: undefined,
        silent: 0,
        answered: false,
        mapped: undefined,
      });
      this.#arm();
    }
  }

  /** A STUN answer came from there. */
  onAnswer(
    message: Extract<StunMessage, { kind: 'success' }>,
    from: { address: string; port: number },
  ): void {
    const target = this.#targets.get(keyOf(from));
    if (!target || target.asked !== message.id.toString('hex')) return;
    target.asked = undefined;
    target.silent = 0;
    target.answered = true;
    const mapped = message.mapped && `${message.mapped.address} ${message.mapped.port}`;
    if (target.mapped !== undefined && mapped !== undefined && mapped !== target.mapped)
      this.#parts.log.warn(
        { peer: keyOf(from), was: target.mapped, is: mapped },
        'the NAT in front of the engine gave it another address: peers may send to the old one',
      );
    target.mapped = mapped ?? target.mapped;
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#targets.clear();
  }

  #arm(): void {
    if (this.#timer) return;
    const { clock, options, random } = this.#parts;
    const waitMs = (options.udpMs ?? INTERVAL_MS) * (SURE_PART + (1 - SURE_PART) * random.fraction());
    this.#timer = clock.after(waitMs, () => {
      this.#timer = undefined;
      this.#round();
      if (this.#targets.size > 0) this.#arm();
    });
  }

  #round(): void {
    const oldest = this.#parts.clock.now() - FORGET_MS;
    for (const [key, target] of this.#targets) {
      if (target.usedMs < oldest) this.#targets.delete(key);
      else if (this.#kind === 'crlf') this.#parts.send(CRLF, target.destination);
      else this.#ask(target);
    }
  }

  #ask(target: Target): void {
    const { random, send, lost } = this.#parts;
    if (target.asked !== undefined && target.answered && ++target.silent >= SILENT_ROUNDS) {
      target.answered = false;
      target.silent = 0;
      lost(target.destination);
    }
    target.asked = random.token(12);
    send(stunRequest(Buffer.from(target.asked, 'hex')), target.destination);
  }
}

function keyOf({ address, port }: { address: string; port: number }): string {
  return `${address} ${port}`;
}
