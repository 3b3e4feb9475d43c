import { BlockList, isIPv6 } from 'node:net';
import { RelevoError } from '../../common/errors.js';

/** Addresses and blocks of addresses of both families. */
export class SourceList {
  readonly #list = new BlockList();

  /** Throws `engine_bad_source_list`. */
  constructor(blocks: readonly string[]) {
    for (const block of blocks) {
      const [address = '', bits] = block.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      try {
        if (bits === undefined) this.#list.addAddress(address, family);
        else this.#list.addSubnet(address, Number(bits), family);
      } catch (error) {
        throw new RelevoError(
          'engine_bad_source_list',
          `"${block}" is no address and no block of addresses`,
          'Write it as 198.51.100.7 or 198.51.100.0/24.',
          { cause: error },
        );
      }
    }
  }

  has(address: string): boolean {
    const plain = plainAddress(address);
    return this.#list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  }
}

/** An IPv4 address that came by an IPv6 socket, as IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

const PREFIX_WORDS = 4;

/**
 * What a source is remembered by: an IPv4 address, or the first 64 bits of an IPv6 address, as whoever has one of those
 * has them all.
 */
export function sourceKey(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':') || plain === '::1') return plain;
  const [head = '', tail] = plain.split('::');
  const front = head === '' ? [] : head.split(':');
  if (tail === undefined) return `${front.slice(0, PREFIX_WORDS).join(':')}::/64`;
  const back = tail === '' ? [] : tail.split(':');
  const words = [...front, ...Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0'), ...back];
  return `${words.slice(0, PREFIX_WORDS).join(':')}::/64`;
}
