import type { Clock } from '../../common/clock.js';
import type { Source } from '../../sip/transaction/transport.js';
import type { Listener } from '../transport/listener.js';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** Writes the leader lines that tell an application what went over the network. */
export class ReportFormat {
  readonly #clock: Clock;
  #second = -1;
  #secondText = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Time of day (UTC) as `HH:MM:SS.micros`. */
  time(): string {
    const wallMs = this.#clock.wallMs();
    const second = Math.floor(wallMs / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date((wallMs % DAY_MS) - (wallMs % SECOND_MS)).toISOString().slice(11, 19);
    }
    return `${this.#secondText}.${String(Math.floor((wallMs % SECOND_MS) * SECOND_MS)).padStart(6, '0')}`;
  }

  /** A request outside a dialog, with the address it arrived at. */
  newRequest(bytes: number, source: Source, transactionId: string): string {
    return `${this.#network(bytes, source, transactionId)}||${source.localAddress ?? ''}|${source.localPort ?? ''}|`;
  }

  /** A response, an ACK, a CANCEL, or a request within a dialog. */
  message(bytes: number, source: Source, transactionId: string, dialogId: string): string {
    return `${this.#network(bytes, source, transactionId)}|${dialogId}|`;
  }

  /** A response that the engine made itself, for want of one: no length, no address. */
  madeUp(transport: string, transactionId: string, dialogId: string): string {
    return `sip|network|0|${transport}||0|${this.time()}|${transactionId}|${dialogId}|`;
  }

  /** A request that the engine sent of its own accord. */
  unsolicited(bytes: number, listener: Listener, dialogId: string): string {
    return `sip|application|${bytes}|${listener.transport}|${listener.host}|${listener.port}|${this.time()}|unsolicited|${dialogId}|`;
  }

  /** The rest of an `OK` for a request that was sent: drachtio-srf files it under the transaction id. */
  sentRequest(bytes: number, listener: Listener, transactionId: string): string {
    return `application|${bytes}|${listener.transport}|${listener.host}|${listener.port}|${this.time()}|${transactionId}|Msg sent:|`;
  }

  /** The rest of an `OK` for a response that was sent. */
  sentResponse(bytes: number, to: Source, transactionId: string, dialogId: string): string {
    return `application|${bytes}|${to.transport}|${to.address}|${to.port}|${this.time()}|${transactionId}|${dialogId}||Msg sent:|`;
  }

  /** The rest of an `OK` for a response of a target of a proxied request; `from` is undefined for one made up. */
  proxied(bytes: number, from: Source | undefined): string {
    const where = from
      ? `network|${bytes}|${from.transport}|${from.address}|${from.port}`
      : `application|${bytes}|||0`;
    return `${where}|${this.time()}|||continue`;
  }

  #network(bytes: number, source: Source, transactionId: string): string {
    return `sip|network|${bytes}|${source.transport}|${source.address}|${source.port}|${this.time()}|${transactionId}`;
  }
}
