import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const tried = new Set<number>();

/** Is nobody bound to this port on 127.0.0.1, for UDP and TCP alike? */
async function isFree(port: number): Promise<boolean> {
  const udp = await new Promise<boolean>((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, '127.0.0.1', () => {
      socket.close(() => resolve(true));
    });
  });
  if (!udp) return false;
  return new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => {
      server.close(() => resolve(true));
    });
  });
}

/**
 * A port of 127.0.0.1 that is free for UDP and TCP, below the kernel's ephemeral range so that no other test's
 * outgoing socket lands on it; never the same twice in a process.
 */
export async function freePort(first = 20_000, last = 29_999): Promise<number> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const port = first + Math.floor(Math.random() * ((last - first) / 2)) * 2;
    if (tried.has(port)) continue;
    tried.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${first} and ${last}`);
}

/** An even port for `-mp` of SIPp, which also binds the next ones (RTCP, video). */
export async function freeMediaPort(): Promise<number> {
  for (;;) {
    const port = await freePort(30_000, 38_000);
    const free = await Promise.all([1, 2, 3].map((offset) => isFree(port + offset)));
    if (free.every((one) => one) && !tried.has(port + 2)) {
      tried.add(port + 2);
      return port;
    }
  }
}
