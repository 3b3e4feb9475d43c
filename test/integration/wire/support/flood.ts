import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** A burst of datagrams from a socket of its own. */
export interface FloodOrder {
  readonly ports: readonly number[];
  readonly packets: number;
  /** How many a second; what the machine cannot do is not made up for. */
  readonly perSecond: number;
  /** A packet of audio; sequence number and timestamp go on in each. */
  readonly packet: Uint8Array;
  readonly address: string;
}

/** What a flood came to: `heard` are the datagrams that came back to whoever flooded. */
export interface Flooded {
  readonly sent: number;
  readonly tookMs: number;
  readonly heard: number;
}

/** Floods from a thread of its own, so that the parties of the test go on. */
export async function flood(order: FloodOrder): Promise<Flooded> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { order } });
  const [flooded] = (await once(worker, 'message')) as [Flooded];
  await worker.terminate();
  return flooded;
}

async function run({ ports, packets, perSecond, packet, address }: FloodOrder): Promise<Flooded> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  let heard = 0;
  socket.on('message', () => heard++);
  const startedAt = performance.now();
  let sent = 0;
  while (sent < packets) {
    const due = Math.min(
      packets,
      Math.ceil(((performance.now() - startedAt) / 1000) * perSecond),
      sent + 500,
    );
    for (; sent < due; sent++) {
      const one = Buffer.from(packet);
      one.writeUInt16BE((one.readUInt16BE(2) + sent) & 0xffff, 2);
      one.writeUInt32BE((one.readUInt32BE(4) + sent * 160) >>> 0, 4);
      socket.send(one, ports[sent % ports.length], '127.0.0.1');
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const tookMs = performance.now() - startedAt;
  // What was sent to us meanwhile has come by now.
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.close();
  return { sent, tookMs, heard };
}

if (!isMainThread && parentPort) {
  const { order } = workerData as { readonly order: FloodOrder };
  parentPort.postMessage(await run(order));
}
