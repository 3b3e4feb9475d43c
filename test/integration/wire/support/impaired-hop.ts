import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { seededRandom, type Random } from '../../../../src/common/random.js';

/** What is done to packets; shares are of 1. */
export interface Impairment {
  readonly loss: number;
  readonly duplication: number;
  /** Each packet is held for up to so long, by which packets of 20 ms overtake each other. */
  readonly jitterMs: number;
  /** How often a burst of losses begins, and how many packets it takes. */
  readonly bursts: number;
  readonly burstLength: number;
}

/** What was done to the packets of one direction. */
export interface Done {
  came: number;
  lost: number;
  duplicated: number;
  overtaken: number;
}

/** A bad network between a party and the node, the same both ways and repeatable from its seed but for timing. */
export class ImpairedHop {
  /** Where the node is to send, and from where it hears. */
  readonly port: number;
  /** Where the party is to send. */
  readonly partySide: number;
  readonly toNode: Done = { came: 0, lost: 0, duplicated: 0, overtaken: 0 };
  readonly toParty: Done = { came: 0, lost: 0, duplicated: 0, overtaken: 0 };
  /** The port of the node, once it is known. */
  node = 0;
  readonly #outer: Socket;
  readonly #inner: Socket;
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(outer: Socket, inner: Socket, party: number, impairment: Impairment, seed: number) {
    this.#outer = outer;
    this.#inner = inner;
    this.port = outer.address().port;
    this.partySide = inner.address().port;
    const up = this.#way(impairment, seededRandom(seed), this.toNode, (packet) => {
      if (this.node > 0) outer.send(packet, this.node, '127.0.0.1');
    });
    const down = this.#way(impairment, seededRandom(seed + 1), this.toParty, (packet) => {
      inner.send(packet, party, '127.0.0.1');
    });
    inner.on('message', up);
    outer.on('message', down);
  }

  static async open(party: number, impairment: Impairment, seed: number): Promise<ImpairedHop> {
    const [outer, inner] = [createSocket('udp4'), createSocket('udp4')];
    outer.bind(0, '127.0.0.1');
    inner.bind(0, '127.0.0.1');
    await Promise.all([once(outer, 'listening'), once(inner, 'listening')]);
    return new ImpairedHop(outer, inner, party, impairment, seed);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#outer.close();
    this.#inner.close();
  }

  #way(
    { loss, duplication, jitterMs, bursts, burstLength }: Impairment,
    random: Random,
    done: Done,
    send: (packet: Buffer) => void,
  ): (packet: Buffer) => void {
    let burst = 0;
    let newest = -1;
    const later = (packet: Buffer, number: number): void => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (number < newest) done.overtaken++;
        newest = Math.max(newest, number);
        send(packet);
      }, random.fraction() * jitterMs);
      this.#timers.add(timer);
    };
    return (packet) => {
      const number = done.came++;
      // Drawn for every packet, so that the fate of one does not hang on that of another.
      const [fate, second, begins] = [random.fraction(), random.fraction(), random.fraction()];
      if (burst === 0 && begins < bursts) burst = burstLength;
      if (burst > 0 || fate < loss) {
        burst = Math.max(0, burst - 1);
        done.lost++;
        return;
      }
      later(packet, number);
      if (second < duplication) {
        done.duplicated++;
        later(packet, number);
      }
    };
  }
}
