/** One IP address as a number, with its family: IPv4 has 32 bits, IPv6 128. */
interface AddressBits {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

interface Block {
  readonly prefix: number;
  readonly networks: Map<bigint, string[]>;
}

/** An address without brackets and zone, an IPv4 address that was mapped into IPv6 as IPv4. */
export function canonicalAddress(address: string): string {
  let bare = address.trim();
  if (bare.startsWith('[') && bare.endsWith(']')) bare = bare.slice(1, -1);
  const zone = bare.indexOf('%');
  if (zone >= 0) bare = bare.slice(0, zone);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  return mapped ? mapped[1]! : bare;
}

/**
 * Says which trunks may send from an address: CIDR blocks of IPv4 and IPv6, the longest prefix that holds wins.
 * Several trunks may share a block; they come in the order in which they were given.
 */
export class SourceTable {
  /** Longest prefix first, per family. */
  readonly #blocks: Record<32 | 128, Block[]> = { 32: [], 128: [] };

  /** Adds blocks (`198.51.100.0/24`, `2001:db8::/32`, or one address) of a trunk. Throws on what is no block. */
  add(trunk: string, blocks: readonly string[]): void {
    for (const block of blocks) {
      const [address, length] = block.split('/', 2);
      const network = readAddress(canonicalAddress(address ?? ''));
      const prefix = length === undefined ? network?.bits : Number(length);
      if (
        !network ||
        prefix === undefined ||
        !Number.isInteger(prefix) ||
        prefix < 0 ||
        prefix > network.bits
      ) {
        throw new RangeError(`not a CIDR block: ${block}`);
      }
      this.#insert(network, prefix, trunk);
    }
  }

  #insert(network: AddressBits, prefix: number, trunk: string): void {
    const family = this.#blocks[network.bits];
    let block = family.find((candidate) => candidate.prefix === prefix);
    if (!block) {
      block = { prefix, networks: new Map() };
      family.push(block);
      family.sort((one, other) => other.prefix - one.prefix);
    }
    const key = masked(network, prefix);
    const trunks = block.networks.get(key);
    if (!trunks) block.networks.set(key, [trunk]);
    else if (!trunks.includes(trunk)) trunks.push(trunk);
  }

  /** The trunks of the longest block that holds the address; none for a stranger or what is no address. */
  find(address: string): readonly string[] {
    const found = readAddress(canonicalAddress(address));
    if (!found) return [];
    for (const block of this.#blocks[found.bits]) {
      const trunks = block.networks.get(masked(found, block.prefix));
      if (trunks) return trunks;
    }
    return [];
  }
}

function masked({ bits, value }: AddressBits, prefix: number): bigint {
  const shift = BigInt(bits - prefix);
  return (value >> shift) << shift;
}

function readAddress(text: string): AddressBits | null {
  return text.includes(':') ? readIpv6(text) : readIpv4(text);
}

function readIpv4(text: string): AddressBits | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part)) return null;
    const octet = Number(part);
    if (octet > 255) return null;
    value = value * 256 + octet;
  }
  return { bits: 32, value: BigInt(value) };
}

function readIpv6(text: string): AddressBits | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0]!);
  const tail = halves.length === 2 ? groupsOf(halves[1]!) : [];
  if (!head || !tail) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return { bits: 128, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

/** 16-bit groups; a dotted IPv4 tail counts as two. Null where one is malformed. */
function groupsOf(text: string): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  for (const part of text.split(':')) {
    if (part.includes('.')) {
      const tail = readIpv4(part);
      if (!tail) return null;
      groups.push(Number(tail.value >> 16n), Number(tail.value & 0xffffn));
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return null;
      groups.push(parseInt(part, 16));
    }
  }
  return groups;
}
