import type {
  DnsAnswer,
  DnsRecords,
  DnsSource,
  DnsType,
} from '../../../../src/engine/resolver/dns-source.js';

type Answer = DnsAnswer<DnsRecords[DnsType]> | Error;

/** DNS that knows what it was told, and notes what it was asked. */
export class FakeDns implements DnsSource {
  readonly asked: string[] = [];
  readonly #answers = new Map<string, Answer>();

  set<Type extends DnsType>(type: Type, name: string, records: readonly DnsRecords[Type][], ttlS = 60): this {
    this.#answers.set(`${type} ${name}`, { records, ttlS });
    return this;
  }

  /** Nobody answers this question. */
  fail(type: DnsType, name: string): this {
    this.#answers.set(`${type} ${name}`, new Error('timeout'));
    return this;
  }

  query<Type extends DnsType>(type: Type, name: string): Promise<DnsAnswer<DnsRecords[Type]>> {
    this.asked.push(`${type} ${name}`);
    const answer = this.#answers.get(`${type} ${name}`) ?? { records: [] };
    return answer instanceof Error
      ? Promise.reject(answer)
      : Promise.resolve(answer as DnsAnswer<DnsRecords[Type]>);
  }
}

export const srv = (name: string, port: number, priority = 0, weight = 0): DnsRecords['srv'] => ({
  name,
  port,
  priority,
  weight,
});

export const naptr = (
  service: string,
  replacement: string,
  order = 10,
  preference = 10,
): DnsRecords['naptr'] => ({
  order,
  preference,
  flags: 's',
  service,
  replacement,
});
