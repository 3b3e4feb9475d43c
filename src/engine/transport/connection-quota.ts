import type { Socket } from 'node:net';
import type { Logger } from '../../common/log.js';

/** Bounds the connections that peers open, in total and for each address, from the moment that the system accepts them. */
export class ConnectionQuota {
  readonly #total: number;
  readonly #perSource: number;
  readonly #log: Logger;
  readonly #bySource = new Map<string, number>();
  #open = 0;
  #refused = 0;

  constructor(limits: { tcpConnections: number; connectionsPerSource: number }, log: Logger) {
    this.#total = limits.tcpConnections;
    this.#perSource = limits.connectionsPerSource;
    this.#log = log;
  }

  /** Connections that were turned away. */
  get refused(): number {
    return this.#refused;
  }

  /** Counts the socket until it closes; or ends it and returns false. */
  admit(socket: Socket): boolean {
    const address = socket.remoteAddress;
    const ofSource = address === undefined ? 0 : (this.#bySource.get(address) ?? 0);
    if (address === undefined || this.#open >= this.#total || ofSource >= this.#perSource) {
      this.#refuse(address, this.#open >= this.#total);
      socket.destroy();
      return false;
    }
    this.#open++;
    this.#bySource.set(address, ofSource + 1);
    socket.once('close', () => {
      this.#open--;
      const left = (this.#bySource.get(address) ?? 1) - 1;
      if (left <= 0) this.#bySource.delete(address);
      else this.#bySource.set(address, left);
    });
    return true;
  }

  #refuse(address: string | undefined, full: boolean): void {
    if (this.#refused++ > 0) return;
    this.#log.warn(
      { address, limit: full ? this.#total : this.#perSource },
      full ? 'connections refused: limit reached' : 'connections of one address refused: limit reached',
    );
  }
}
