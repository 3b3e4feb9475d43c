import { isIP } from 'node:net';
import type { Clock } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import type { EngineTransport } from '../engine-options.js';
import { DEFAULT_PORTS } from '../transport/make-listener.js';
import { DnsCache, type DnsQuestion } from './dns-cache.js';
import type { DnsRecords, DnsSource, DnsType, NaptrRecord } from './dns-source.js';
import { orderSrv } from './srv-order.js';

/** What a URI says of where its requests go. `host` may be in brackets. */
export interface ResolveQuery {
  readonly host: string;
  readonly port?: number | undefined;
  /** Undefined where the URI names none: then DNS may choose. */
  readonly transport?: EngineTransport | undefined;
  /** A `sips:` URI: TLS or nothing. */
  readonly secure: boolean;
}

/** One place to try. `address` is numeric, without brackets. */
export interface ResolvedTarget {
  readonly transport: EngineTransport;
  readonly address: string;
  readonly port: number;
}

/** Whether there is a socket that reaches such an address. */
export type CanSend = (transport: EngineTransport, family: 4 | 6) => boolean;

const MOST_TARGETS = 16;
/** NAPTR, SRV of each transport, and the addresses of their targets are three rounds; two more for changing answers. */
const MOST_ROUNDS = 5;
/** In the order in which they are tried where no NAPTR record ranks them (RFC 3263 4.1, RFC 7118 10.3). */
const SERVICES: readonly {
  transport: EngineTransport;
  naptr: string;
  srv: string;
  secure: boolean;
  guessed: boolean;
}[] = [
  { transport: 'udp', naptr: 'SIP+D2U', srv: '_sip._udp', secure: false, guessed: true },
  { transport: 'tcp', naptr: 'SIP+D2T', srv: '_sip._tcp', secure: false, guessed: true },
  { transport: 'tls', naptr: 'SIPS+D2T', srv: '_sips._tcp', secure: true, guessed: true },
  { transport: 'ws', naptr: 'SIP+D2W', srv: '_sip._ws', secure: false, guessed: false },
  { transport: 'wss', naptr: 'SIPS+D2W', srv: '_sips._ws', secure: true, guessed: false },
];

interface Need {
  readonly questions: DnsQuestion[];
  /** There are SRV records, if only to say that there is no service: then the address of the name does not count. */
  published: boolean;
}

/** Finds where a request may go (RFC 3263 4): NAPTR, SRV, A and AAAA, from a cache that keeps to their times to live. */
export class SipResolver {
  readonly #cache: DnsCache;
  readonly #random: Random;
  readonly #canSend: CanSend;

  constructor(source: DnsSource, clock: Clock, random: Random, canSend: CanSend) {
    this.#cache = new DnsCache(source, clock);
    this.#random = random;
    this.#canSend = canSend;
  }

  /** The targets in the order to try them, if that needs no question to DNS now. Empty: there are none. */
  known(query: ResolveQuery): readonly ResolvedTarget[] | undefined {
    const need: Need = { questions: [], published: false };
    const targets = this.#compose(query, need);
    return need.questions.length === 0 ? targets : undefined;
  }

  /** The same, asking DNS. Never rejects: what cannot be found is an empty list. */
  async resolve(query: ResolveQuery): Promise<readonly ResolvedTarget[]> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const need: Need = { questions: [], published: false };
      const targets = this.#compose(query, need);
      if (need.questions.length === 0) return targets;
      await Promise.all(need.questions.map((question) => this.#cache.ask(question)));
    }
    return [];
  }

  /** Works out the targets from what is known; what it would have to ask goes into `need`. */
  #compose(query: ResolveQuery, need: Need): ResolvedTarget[] {
    const host = query.host.startsWith('[') ? query.host.slice(1, -1) : query.host;
    const family = isIP(host);
    if (family === 4 || family === 6) {
      const transport = query.transport ?? this.#usualTransport(query.secure, family);
      if (transport === undefined || !this.#canSend(transport, family)) return [];
      return [{ transport, address: host, port: query.port ?? DEFAULT_PORTS[transport] }];
    }
    const name = host.endsWith('.') ? host.slice(0, -1) : host;
    // A name without a dot is of this machine or this network: no domain that could publish services.
    const found = query.port === undefined && name.includes('.') ? this.#byServices(name, query, need) : [];
    if (found.length > 0 || need.published || need.questions.length > 0) return found.slice(0, MOST_TARGETS);
    return this.#byAddress(name, query, need).slice(0, MOST_TARGETS);
  }

  #byServices(name: string, query: ResolveQuery, need: Need): ResolvedTarget[] {
    if (query.transport !== undefined) {
      const service = SERVICES.find(({ transport }) => transport === query.transport);
      return service ? this.#bySrv(`${service.srv}.${name}`, service.transport, need) : [];
    }
    const naptr = this.#ask('naptr', name, need);
    const ranked = naptr ? this.#ranked(naptr, query.secure) : [];
    if (ranked.length > 0)
      return ranked.flatMap(({ transport, srvName }) => this.#bySrv(srvName, transport, need));
    return SERVICES.filter(
      ({ transport, secure, guessed }) => guessed && (secure || !query.secure) && this.#speaks(transport),
    ).flatMap(({ transport, srv }) => this.#bySrv(`${srv}.${name}`, transport, need));
  }

  #ranked(
    records: readonly NaptrRecord[],
    secureOnly: boolean,
  ): { transport: EngineTransport; srvName: string }[] {
    const usable: { transport: EngineTransport; srvName: string }[] = [];
    const sorted = [...records].sort(
      (one, other) => one.order - other.order || one.preference - other.preference,
    );
    for (const { flags, service: wanted, replacement } of sorted) {
      const service = SERVICES.find(({ naptr }) => naptr === wanted.toUpperCase());
      if (!service || flags.toLowerCase() !== 's' || replacement === '') continue;
      if ((secureOnly && !service.secure) || !this.#speaks(service.transport)) continue;
      usable.push({ transport: service.transport, srvName: replacement });
    }
    return usable;
  }

  #bySrv(srvName: string, transport: EngineTransport, need: Need): ResolvedTarget[] {
    const records = this.#ask('srv', srvName, need);
    if (!records) return [];
    if (records.length > 0) need.published = true;
    return orderSrv(records, this.#random)
      .slice(0, MOST_TARGETS)
      .flatMap(({ name, port }) => this.#addresses(name, port, transport, need));
  }

  #byAddress(name: string, query: ResolveQuery, need: Need): ResolvedTarget[] {
    const transport =
      query.transport ?? this.#usualTransport(query.secure, 4) ?? this.#usualTransport(query.secure, 6);
    if (transport === undefined) return [];
    return this.#addresses(name, query.port ?? DEFAULT_PORTS[transport], transport, need);
  }

  #addresses(name: string, port: number, transport: EngineTransport, need: Need): ResolvedTarget[] {
    const four = this.#canSend(transport, 4) ? this.#ask('a', name, need) : undefined;
    const six = this.#canSend(transport, 6) ? this.#ask('aaaa', name, need) : undefined;
    return [...(four ?? []), ...(six ?? [])].map((address) => ({ transport, address, port }));
  }

  /** RFC 3263 4.1: UDP, or TLS for `sips`; what there is where a listener for that is missing. */
  #usualTransport(secure: boolean, family: 4 | 6): EngineTransport | undefined {
    const usual: EngineTransport[] = secure ? ['tls'] : ['udp', 'tcp', 'tls'];
    return usual.find((transport) => this.#canSend(transport, family));
  }

  #speaks(transport: EngineTransport): boolean {
    return this.#canSend(transport, 4) || this.#canSend(transport, 6);
  }

  #ask<Type extends DnsType>(type: Type, name: string, need: Need): readonly DnsRecords[Type][] | undefined {
    const records = this.#cache.known(type, name);
    if (!records) need.questions.push({ type, name });
    return records;
  }
}
