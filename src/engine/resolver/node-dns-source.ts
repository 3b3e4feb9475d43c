import { lookup, Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import type { DnsAnswer, DnsRecords, DnsSource, DnsType } from './dns-source.js';
import { parseHostsFile } from './hosts-file.js';

const HOSTS_FILE = '/etc/hosts';
const HOSTS_TTL_S = 30;
const TIMEOUT_MS = 1_500;
const TRIES = 2;
const NOTHING: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/**
 * DNS by the system's servers, or those given (`host` or `host:port`). Names in /etc/hosts come from there; addresses
 * that DNS does not know are asked of the system, which may know other sources.
 */
export class NodeDnsSource implements DnsSource {
  readonly #resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  readonly #ownServers: boolean;

  constructor(servers?: readonly string[]) {
    this.#ownServers = servers !== undefined;
    if (servers) this.#resolver.setServers(servers);
  }

  async query<Type extends DnsType>(type: Type, name: string): Promise<DnsAnswer<DnsRecords[Type]>> {
    try {
      return (await this.#ask(type, name)) as DnsAnswer<DnsRecords[Type]>;
    } catch (error) {
      if (error instanceof Error && 'code' in error && NOTHING.has(String(error.code)))
        return { records: [] };
      throw error;
    }
  }

  async #ask(type: DnsType, name: string): Promise<DnsAnswer<DnsRecords[DnsType]>> {
    switch (type) {
      case 'naptr':
        return { records: await this.#resolver.resolveNaptr(name) };
      case 'srv':
        return { records: await this.#resolver.resolveSrv(name) };
      case 'a':
      case 'aaaa':
        return this.#addresses(type, name);
    }
  }

  async #addresses(type: 'a' | 'aaaa', name: string): Promise<DnsAnswer<string>> {
    const listed = this.#ownServers ? undefined : readHosts().get(name.toLowerCase());
    if (listed)
      return {
        records: listed.filter((address) => isIPv4(address) === (type === 'a')),
        ttlS: HOSTS_TTL_S,
      };
    try {
      const found =
        type === 'a'
          ? await this.#resolver.resolve4(name, { ttl: true })
          : await this.#resolver.resolve6(name, { ttl: true });
      return {
        records: found.map(({ address }) => address),
        ttlS: Math.min(...found.map(({ ttl }) => ttl)),
      };
    } catch (error) {
      if (this.#ownServers) throw error;
      const found = await lookup(name, { family: type === 'a' ? 4 : 6, all: true });
      return { records: found.map(({ address }) => address) };
    }
  }
}

function readHosts(): ReadonlyMap<string, readonly string[]> {
  try {
    return parseHostsFile(readFileSync(HOSTS_FILE, 'utf8'));
  } catch {
    // A machine without the file has no names in it.
    return new Map();
  }
}
