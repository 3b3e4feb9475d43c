import { createSocket, type Socket } from 'node:dgram';

type Zone = Readonly<
  Record<
    string,
    readonly (string | { service: string; replacement: string } | { port: number; name: string })[]
  >
>;

const TYPES: Readonly<Record<number, string>> = { 1: 'a', 28: 'aaaa', 33: 'srv', 35: 'naptr' };
const NXDOMAIN = 3;

/** A DNS server on loopback for a handful of records (RFC 1035). */
export class LocalDns {
  readonly port: number;
  readonly #socket: Socket;

  private constructor(socket: Socket, zone: Zone | undefined) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (query, from) => {
      if (zone) socket.send(answer(query, zone), from.port, from.address);
    });
  }

  /** The keys of `zone` are a type and a name: `srv _sip._udp.example.net`. */
  static async start(zone: Zone | undefined): Promise<LocalDns> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    return new LocalDns(socket, zone);
  }

  /** One that never answers. */
  static async silent(): Promise<LocalDns> {
    return LocalDns.start(undefined);
  }

  close(): void {
    this.#socket.close();
  }
}

function answer(query: Buffer, zone: Zone): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(12, at + 5);
  const records = zone[`${TYPES[type]} ${labels.join('.').toLowerCase()}`] ?? [];
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8180 | (records.length === 0 ? NXDOMAIN : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  const answers = records.map((record) => {
    const data = dataOf(record);
    const front = Buffer.alloc(12);
    front.writeUInt16BE(0xc00c, 0);
    front.writeUInt16BE(type, 2);
    front.writeUInt16BE(1, 4);
    front.writeUInt32BE(60, 6);
    front.writeUInt16BE(data.length, 10);
    return Buffer.concat([front, data]);
  });
  return Buffer.concat([head, question, ...answers]);
}

function dataOf(record: Zone[string][number]): Buffer {
  if (typeof record === 'string') return Buffer.from(record.split('.').map(Number));
  if ('port' in record)
    return Buffer.concat([
      Buffer.from([0, 0, 0, 0, record.port >> 8, record.port & 255]),
      nameOf(record.name),
    ]);
  return Buffer.concat([
    Buffer.from([0, 10, 0, 10]),
    stringOf('s'),
    stringOf(record.service),
    stringOf(''),
    nameOf(record.replacement),
  ]);
}

function stringOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

function nameOf(name: string): Buffer {
  return Buffer.concat([...name.split('.').map(stringOf), Buffer.from([0])]);
}
