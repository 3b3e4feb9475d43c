import type { Listener } from './listener.js';
import { isWildcard } from './make-listener.js';

export type IpFamily = 4 | 6;

/** What is known of the near side of a message: `address` is the peer's. */
export interface LocalSide {
  readonly transport: string;
  readonly address?: string;
  readonly localAddress?: string;
  readonly localPort?: number;
}

/** The family of a numeric address without brackets. */
export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 6 : 4;
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/** Chooses by which of several listeners a message leaves. */
export class ListenerChoice<Owner extends { readonly listener: Listener }> {
  readonly #byTransport = new Map<string, Owner[]>();

  add(owner: Owner): void {
    const { transport } = owner.listener;
    const same = this.#byTransport.get(transport);
    if (same) same.push(owner);
    else this.#byTransport.set(transport, [owner]);
  }

  has(transport: string, family?: IpFamily): boolean {
    const owners = this.#byTransport.get(transport);
    if (!owners || family === undefined) return owners !== undefined;
    return owners.some(({ listener }) => familyOf(listener.address) === family);
  }

  /**
   * The listener named; else one of the peer's address family, which is on loopback where the peer is. Undefined when
   * no listener of that transport can reach the peer.
   */
  pick(at: LocalSide): Owner | undefined {
    const owners = this.#byTransport.get(at.transport);
    if (!owners) return undefined;
    if (at.localPort !== undefined) {
      const named = owners.find(
        ({ listener }) => listener.port === at.localPort && listener.address === at.localAddress,
      );
      if (named) return named;
    }
    const { address } = at;
    if (address === undefined) return owners[0];
    const family = familyOf(address);
    const local = isLoopback(address);
    let usable: Owner | undefined;
    for (const owner of owners) {
      const bound = owner.listener.address;
      if (familyOf(bound) !== family) continue;
      if (isWildcard(bound) || isLoopback(bound) === local) return owner;
      usable ??= owner;
    }
    return usable;
  }
}
