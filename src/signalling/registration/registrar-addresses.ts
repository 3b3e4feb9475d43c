import { lookup, resolveSrv } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf } from '../../common/errors.js';
import type { Clock, Timer } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import { canonicalAddress } from '../source-table.js';

/** Looks a host of a trunk up: every address of it and of its SRV targets. */
export type LookUpHost = (host: string) => Promise<readonly string[]>;

const LOOK_UP_EVERY_MS = 5 * 60_000;
const LEARNED_PER_TRUNK = 32;

/**
 * Which addresses the registrars of trunks have: those of their hosts, looked up now and then, and those that have
 * answered a REGISTER. Calls from there come by the trunk.
 */
export class RegistrarAddresses {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #lookUp: LookUpHost;
  readonly #learned = new Map<string, Set<string>>();
  #resolved = new Map<string, ReadonlySet<string>>();
  #hosts: ReadonlyMap<string, readonly string[]> = new Map();
  #again: Timer | null = null;
  #closed = false;

  constructor(clock: Clock, log: Logger, lookUp: LookUpHost = lookUpHost) {
    this.#clock = clock;
    this.#log = log;
    this.#lookUp = lookUp;
  }

  /** The hosts of each trunk that registers. */
  setHosts(hosts: ReadonlyMap<string, readonly string[]>): void {
    this.#hosts = hosts;
    for (const trunk of this.#learned.keys()) if (!hosts.has(trunk)) this.#learned.delete(trunk);
    for (const trunk of this.#resolved.keys()) if (!hosts.has(trunk)) this.#resolved.delete(trunk);
    this.#refresh();
  }

  /** A registrar of the trunk has answered from this address. */
  learn(trunk: string, address: string): void {
    const known = this.#learned.get(trunk) ?? new Set<string>();
    this.#learned.set(trunk, known);
    known.add(canonicalAddress(address));
    const oldest = known.values().next();
    if (known.size > LEARNED_PER_TRUNK && !oldest.done) known.delete(oldest.value);
  }

  /** `address` is canonical. */
  trunksAt(address: string): readonly string[] {
    return [...this.#hosts.keys()].filter(
      (trunk) =>
        this.#learned.get(trunk)?.has(address) === true || this.#resolved.get(trunk)?.has(address) === true,
    );
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#again?.cancel();
    this.#again = null;
  }

  #refresh(): void {
    this.#again?.cancel();
    this.#again = null;
    if (this.#closed || this.#hosts.size === 0) return;
    for (const [trunk, hosts] of this.#hosts) void this.#resolve(trunk, hosts);
    this.#again = this.#clock.after(LOOK_UP_EVERY_MS, () => {
      this.#refresh();
    });
  }

  async #resolve(trunk: string, hosts: readonly string[]): Promise<void> {
    const found = new Set<string>();
    for (const uri of hosts) {
      const host = hostOf(uri);
      if (isIP(host) !== 0) {
        found.add(canonicalAddress(host));
        continue;
      }
      try {
        for (const address of await this.#lookUp(host)) found.add(canonicalAddress(address));
      } catch (thrown) {
        this.#log.debug({ trunk, host, err: messageOf(thrown) }, 'a registrar is not resolved');
        for (const address of this.#resolved.get(trunk) ?? []) found.add(address);
      }
    }
    if (!this.#closed && this.#hosts.get(trunk) === hosts) this.#resolved.set(trunk, found);
  }
}

function hostOf(uri: string): string {
  const rest = uri.slice(uri.indexOf(':') + 1).split(/[;?]/, 1)[0] ?? '';
  const hostPort = rest.slice(rest.lastIndexOf('@') + 1);
  const bracketed = /^\[([^\]]+)\]/.exec(hostPort)?.[1];
  return bracketed ?? hostPort.replace(/:\d+$/, '');
}

/** By A, AAAA and SRV for SIP over any transport. */
export async function lookUpHost(host: string): Promise<readonly string[]> {
  const services = await Promise.all(
    ['_sip._udp', '_sip._tcp', '_sips._tcp'].map((service) =>
      resolveSrv(`${service}.${host}`).then(
        (records) => records.map(({ name }) => name),
        // Most names have no SRV of most services.
        () => [],
      ),
    ),
  );
  const names = new Set([host, ...services.flat()]);
  const found = await Promise.allSettled([...names].map((name) => lookup(name, { all: true })));
  const addresses = found.flatMap((one) =>
    one.status === 'fulfilled' ? one.value.map(({ address }) => address) : [],
  );
  if (addresses.length === 0) throw new Error(`no address of ${host}`);
  return addresses;
}
