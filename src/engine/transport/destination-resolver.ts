import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../../common/clock.js';

const CACHE_MS = 30_000;
const CACHE_ENTRIES = 1_000;

interface Cached {
  readonly address: string;
  readonly untilMs: number;
}

/** Turns a host of a URI into a numeric address: at once when it is one or is cached, otherwise by the system resolver. */
export class DestinationResolver {
  readonly #clock: Clock;
  readonly #cache = new Map<string, Cached>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The address if it is known without asking, with the brackets of an IPv6 reference removed. */
  known(host: string): string | undefined {
    const bare = host.startsWith('[') ? host.slice(1, -1) : host;
    if (isIP(bare) !== 0) return bare;
    const cached = this.#cache.get(host.toLowerCase());
    return cached && cached.untilMs > this.#clock.now() ? cached.address : undefined;
  }

  /** Resolves an A or AAAA record; rejects with the resolver's error. */
  async resolve(host: string): Promise<string> {
    const known = this.known(host);
    if (known !== undefined) return known;
    const { address } = await lookup(host, { family: 4 });
    if (this.#cache.size >= CACHE_ENTRIES) this.#cache.clear();
    this.#cache.set(host.toLowerCase(), { address, untilMs: this.#clock.now() + CACHE_MS });
    return address;
  }
}
