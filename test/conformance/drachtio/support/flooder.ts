import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { parentPort, Worker, workerData } from 'node:worker_threads';

interface FloodData {
  readonly address: string;
  readonly port: number;
  readonly pieces: readonly Uint8Array[];
}

/** A flood of datagrams from a thread of its own, as fast as it goes. */
export class Flooder {
  readonly #worker: Worker;

  /** From `address` to the port on 127.0.0.1. */
  constructor(address: string, port: number, pieces: readonly Uint8Array[]) {
    const data: FloodData = { address, port, pieces };
    this.#worker = new Worker(new URL(import.meta.url), { workerData: data });
  }

  /** Ends it; resolves with the number of datagrams that were sent. */
  async stop(): Promise<number> {
    const exited = once(this.#worker, 'exit');
    const told = once(this.#worker, 'message');
    this.#worker.postMessage('stop');
    const [sent] = (await told) as [number];
    await exited;
    return sent;
  }

  /** Ends it whatever it does. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
  }
}

async function flood(parent: NonNullable<typeof parentPort>, data: FloodData): Promise<void> {
  const socket = createSocket('udp4');
  socket.bind(0, data.address);
  await once(socket, 'listening');
  const stop = new AbortController();
  parent.once('message', () => {
    stop.abort();
  });
  let sent = 0;
  while (!stop.signal.aborted) {
    for (let burst = 0; burst < 32; burst++)
      socket.send(data.pieces[sent++ % data.pieces.length]!, data.port, '127.0.0.1');
    await turn();
  }
  socket.close();
  parent.postMessage(sent);
}

if (parentPort) await flood(parentPort, workerData as FloodData);
