import { createSocket, type Socket } from 'node:dgram';
import type { PortAllocator } from './port-allocator.js';

/** Two bound UDP sockets, RTP on an even port and RTCP on the next. `close` is idempotent. */
export interface BoundPair {
  readonly rtpPort: number;
  readonly rtp: Socket;
  readonly rtcp: Socket;
  close(): void;
}

type Answer = (error: Error | null, address: string, family: number) => void;

/** Every address here is an IP literal: no resolver, no turn of the loop. */
function literalLookup(address: string, _options: unknown, answer: Answer): void {
  answer(null, address, address.includes(':') ? 6 : 4);
}

/**
 * Binds a pair from the allocator, passing over ports that somebody else holds. Resolves to null when no port
 * of the range is left. The ports go back to the allocator when both sockets are closed.
 */
export async function openBoundPair(ports: PortAllocator, address: string): Promise<BoundPair | null> {
  const held: number[] = [];
  let pair: BoundPair | null = null;
  for (let tries = ports.available; tries > 0 && pair === null; tries--) {
    const port = ports.take();
    if (port === null) break;
    pair = await bindPair(ports, port, address);
    if (pair === null) held.push(port);
  }
  for (const port of held) ports.release(port);
  return pair;
}

async function bindPair(ports: PortAllocator, port: number, address: string): Promise<BoundPair | null> {
  const rtp = await bindSocket(port, address);
  if (rtp === null) return null;
  const rtcp = await bindSocket(port + 1, address);
  if (rtcp === null) {
    rtp.close();
    return null;
  }
  let open = true;
  let closing = 2;
  const closed = (): void => {
    if (--closing === 0) ports.release(port);
  };
  return {
    rtpPort: port,
    rtp,
    rtcp,
    close: () => {
      if (!open) return;
      open = false;
      rtp.close(closed);
      rtcp.close(closed);
    },
  };
}

function bindSocket(port: number, address: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', lookup: literalLookup });
    const failed = (): void => {
      socket.close();
      resolve(null);
    };
    socket.once('error', failed);
    socket.bind({ port, address, exclusive: true }, () => {
      socket.off('error', failed);
      // A late error of a pair that no leg has (a report of ICMP) concerns nobody.
      socket.on('error', ignored);
      resolve(socket);
    });
  });
}

function ignored(): void {
  // Whoever has the pair listens too, and logs.
}
