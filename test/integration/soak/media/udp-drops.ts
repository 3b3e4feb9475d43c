import { readFileSync } from 'node:fs';

/** A UDP socket of this machine, as the kernel lists it. */
export interface UdpSocket {
  readonly inode: string;
  readonly port: number;
  /** Datagrams dropped for want of room in its buffer, since it was opened. */
  readonly drops: number;
}

/** All of them, IPv4 and IPv6. */
export function udpSockets(): readonly UdpSocket[] {
  return ['/proc/net/udp', '/proc/net/udp6'].flatMap((table) =>
    readFileSync(table, 'latin1')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const fields = line.trim().split(/\s+/);
        if (fields.length < 13) return [];
        const port = Number.parseInt(fields[1]!.split(':').at(-1)!, 16);
        return [{ inode: fields[9]!, port, drops: Number(fields[12]) }];
      }),
  );
}

/** Adds up what is dropped at sockets that come and go: to be read more often than they are closed. */
export class DropTally {
  readonly #seen = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** Takes what the sockets say now that are `ours`. */
  read(sockets: readonly UdpSocket[]): void {
    const present = new Set<string>();
    for (const { inode, drops } of sockets) {
      present.add(inode);
      this.#total += Math.max(0, drops - (this.#seen.get(inode) ?? 0));
      this.#seen.set(inode, drops);
    }
    for (const inode of this.#seen.keys()) if (!present.has(inode)) this.#seen.delete(inode);
  }
}
