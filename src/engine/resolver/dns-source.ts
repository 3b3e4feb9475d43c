/** RFC 3403 4.1. */
export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

/** RFC 2782. */
export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly name: string;
}

/** What DNS said. No records is an answer too: the name, or records of that type, do not exist. */
export interface DnsAnswer<Record> {
  readonly records: readonly Record[];
  /** Undefined where the source does not know. */
  readonly ttlS?: number;
}

export interface DnsRecords {
  naptr: NaptrRecord;
  srv: SrvRecord;
  a: string;
  aaaa: string;
}

export type DnsType = keyof DnsRecords;

/** Where DNS answers come from. A rejection means that nobody could be asked. */
export interface DnsSource {
  query<Type extends DnsType>(type: Type, name: string): Promise<DnsAnswer<DnsRecords[Type]>>;
}
