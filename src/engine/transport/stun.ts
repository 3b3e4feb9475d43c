import { isIPv6 } from 'node:net';

/** The transport address of a peer as STUN tells it. */
export interface MappedAddress {
  readonly address: string;
  readonly port: number;
}

/** A Binding request, or the answer to one (RFC 8489 3). `mapped` is undefined where the answer does not name it. */
export type StunMessage =
  | { readonly kind: 'request'; readonly id: Buffer }
  | { readonly kind: 'success'; readonly id: Buffer; readonly mapped: MappedAddress | undefined };

const COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const XOR_MAPPED_ADDRESS = 0x0020;

/** Whether the datagram is STUN (RFC 8489 5), of whatever kind. */
export function isStun(raw: Buffer): boolean {
  return raw.length >= HEADER_BYTES && raw[0]! < 4 && raw.readUInt32BE(4) === COOKIE;
}

/** Reads a Binding message; undefined for what is no such message. */
export function parseStun(raw: Buffer): StunMessage | undefined {
  if (!isStun(raw) || raw.readUInt16BE(2) !== raw.length - HEADER_BYTES) return undefined;
  const id = raw.subarray(8, HEADER_BYTES);
  const type = raw.readUInt16BE(0);
  if (type === BINDING_REQUEST) return { kind: 'request', id };
  if (type !== BINDING_SUCCESS) return undefined;
  for (let at = HEADER_BYTES; at + 4 <= raw.length;) {
    const length = raw.readUInt16BE(at + 2);
    if (at + 4 + length > raw.length) break;
    if (raw.readUInt16BE(at) === XOR_MAPPED_ADDRESS)
      return { kind: 'success', id, mapped: readMapped(raw.subarray(at + 4, at + 4 + length), raw) };
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return { kind: 'success', id, mapped: undefined };
}

/** A Binding request (RFC 5626 4.4.2). `id` has 12 bytes. */
export function stunRequest(id: Buffer): Buffer {
  return header(BINDING_REQUEST, 0, id);
}

/** The answer to a Binding request, with the address that it came from (RFC 5626 8). */
export function stunSuccess(id: Buffer, from: MappedAddress): Buffer {
  const six = isIPv6(from.address);
  const address = six ? bytesOfIpv6(from.address) : Buffer.from(from.address.split('.').map(Number));
  const attribute = Buffer.alloc(8 + address.length);
  attribute.writeUInt16BE(XOR_MAPPED_ADDRESS, 0);
  attribute.writeUInt16BE(4 + address.length, 2);
  attribute[5] = six ? 2 : 1;
  attribute.writeUInt16BE(from.port ^ (COOKIE >>> 16), 6);
  const front = header(BINDING_SUCCESS, attribute.length, id);
  xor(address, front).copy(attribute, 8);
  return Buffer.concat([front, attribute]);
}

function header(type: number, length: number, id: Buffer): Buffer {
  const front = Buffer.alloc(HEADER_BYTES);
  front.writeUInt16BE(type, 0);
  front.writeUInt16BE(length, 2);
  front.writeUInt32BE(COOKIE, 4);
  id.copy(front, 8);
  return front;
}

function readMapped(value: Buffer, message: Buffer): MappedAddress | undefined {
  const six = value[1] === 2;
  if (value.length !== (six ? 20 : 8)) return undefined;
  const address = xor(value.subarray(4), message);
  return {
    address: six ? textOfIpv6(address) : [...address].join('.'),
    port: value.readUInt16BE(2) ^ (COOKIE >>> 16),
  };
}

/** RFC 8489 14.2: with the cookie and the transaction id, which follow each other in the header. */
function xor(address: Buffer, message: Buffer): Buffer {
  return Buffer.from(address.map((byte, at) => byte ^ message[4 + at]!));
}

function bytesOfIpv6(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const words = (text: string): number[] =>
    text === ''
      ? []
      : text.split(':').flatMap((word) => {
          if (!word.includes('.')) return [parseInt(word, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = word.split('.').map(Number);
          return [(a << 8) | b, (c << 8) | d];
        });
  const front = words(head);
  const back = words(tail ?? '');
  front.forEach((word, at) => bytes.writeUInt16BE(word, at * 2));
  back.forEach((word, at) => bytes.writeUInt16BE(word, 16 - (back.length - at) * 2));
  return bytes;
}

function textOfIpv6(bytes: Buffer): string {
  const words: string[] = [];
  for (let at = 0; at < 16; at += 2) words.push(bytes.readUInt16BE(at).toString(16));
  return words.join(':');
}
