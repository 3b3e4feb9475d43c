import { createSocket, type Socket } from 'node:dgram';
import { openSync, readdirSync, readlinkSync } from 'node:fs';
import type { CallRecord } from '../../../../src/call/call-record.js';
import type { NodeObserver } from '../../../../src/main/node-observer.js';
import { freePort } from '../../../support/free-ports.js';
import { startNodeUnderTest } from '../../../support/node-under-test.js';
import { HeapWatch, type Sample } from '../heap-watch.js';
import { PLANT } from '../heap-probe.js';
import { soakConfig } from './media-plan.js';
import type { SoakPorts } from './soak-node.js';
import { DropTally, udpSockets, type UdpSocket } from './udp-drops.js';

/** What the node's process holds at one moment. */
export interface MediaSample extends Omit<Sample, 'transfers'> {
  readonly callsEnded: number;
  /** UDP ports of the RTP range that are bound by this process. */
  readonly rtpPorts: number;
  /** Datagrams that the kernel has dropped at its sockets, since the start. */
  readonly drops: number;
  /** User and system CPU time since the start (ms). */
  readonly cpuMs: number;
}

export type ToNode = { readonly kind: 'sample' } | { readonly kind: 'close' };
export type FromNode =
  | { readonly kind: 'ready'; readonly ports: SoakPorts }
  | { readonly kind: 'sample'; readonly sample: MediaSample }
  | { readonly kind: 'ended'; readonly callId: string };

/** Leaks that may be planted here, to see that they are seen; names of threads are heap-probe's. */
export const PLANTS = ['10 kB per call', 'socket pair per call', 'file per call'] as const;

/** A fast network: what absorbs repeated messages goes after 64 times T1. */
const ENGINE = 'engine: { kind: embedded, timers: { t1: 75ms, t2: 600ms, t4: 375ms } }';
/** So many ended calls are kept: full after the warm-up. */
const KEPT_CALLS = 50;
const THREADS = ['control', 'engine', 'signalling', 'media', 'policy', 'recording'];
const PORTS_PER_CALL = 20;
const DROPS_MS = 5000;
const EVENTS_KEPT = 5000;
const EVENTS_COPIED = 500;
const EVENTS_AFTER = 30;

async function main(folder: string, calls: number): Promise<void> {
  const { first, last } = freeRange(Math.max(400, calls * PORTS_PER_CALL));
  const [bot, agent] = [await freePort(), await freePort()];
  const node = await startNodeUnderTest({
    botPort: bot,
    agentPort: agent,
    rtpPorts: `${first}-${last}`,
    config: (ports) => soakConfig(ports, folder, `${ENGINE}\nobserve: { keep_calls: ${KEPT_CALLS} }`),
  });
  const watch = new HeapWatch(THREADS);
  const leak = planted(process.env[PLANT] ?? '');
  const drops = new DropTally();
  // Ports are closed 20 s after their last use at the earliest.
  const reading = setInterval(() => {
    drops.read(ownSockets());
  }, DROPS_MS);
  let callsEnded = 0;
  node.node.observer.onRecord(fillEvents(node.node.observer));
  node.node.observer.onRecord((record) => {
    if (record.kind !== 'call.ended') return;
    callsEnded++;
    leak();
    tell({ kind: 'ended', callId: record.callId });
  });
  const sample = async (): Promise<void> => {
    const { transfers: ended, ...held } = await watch.sample(callsEnded);
    const { user, system } = process.cpuUsage();
    const cpuMs = Math.round((user + system) / 1000);
    const sockets = ownSockets();
    drops.read(sockets);
    const rtpPorts = sockets.filter(({ port }) => port >= first && port <= last).length;
    tell({
      kind: 'sample',
      sample: { ...held, callsEnded: ended, cpuMs, rtpPorts, drops: drops.total },
    });
  };
  const close = async (): Promise<void> => {
    clearInterval(reading);
    watch.close();
    await node.close();
    process.exit(0);
  };
  process.on('message', (message: ToNode) => {
    void (message.kind === 'sample' ? sample() : close());
  });
  // The load is gone: so is its node.
  process.on('disconnect', () => process.exit(1));
  tell({ kind: 'ready', ports: { sip: node.sipPort, api: node.node.apiAddress.port, bot, agent } });
}

function tell(message: FromNode): void {
  process.send?.(message);
}

/**
 * The newest 5,000 records are kept for readers of events. So that this does not look like growth, some are published
 * again until that is full, as soon as records come as they do in the long run.
 */
function fillEvents({ events }: NodeObserver): (record: CallRecord) => void {
  let usual: CallRecord[] | null = [];
  let ended = 0;
  return (record) => {
    if (record.kind === 'call.ended') ended++;
    if (!usual || ended < EVENTS_AFTER) return;
    usual.push(record);
    if (usual.length < EVENTS_COPIED) return;
    const copied = usual;
    usual = null;
    setImmediate(() => {
      for (let round = 0; round < EVENTS_KEPT / EVENTS_COPIED; round++)
        for (const one of copied) events.publish(structuredClone(one));
    });
  };
}

/** Keeps something of each call that ends. */
function planted(name: string): () => void {
  const kept: unknown[] = [];
  const bind = (): void => {
    const socket: Socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    kept.push(socket);
  };
  switch (name as (typeof PLANTS)[number]) {
    case '10 kB per call':
      return () => kept.push(Array.from({ length: 1280 }, (_, at) => at + 0.5));
    case 'socket pair per call':
      return () => {
        bind();
        bind();
      };
    case 'file per call':
      return () => kept.push(openSync('/dev/null', 'r'));
    default:
      return () => undefined;
  }
}

/** UDP ports that nobody has, below the kernel's ephemeral ones, where the parties are. */
function freeRange(count: number): { first: number; last: number } {
  const taken = new Set(udpSockets().map(({ port }) => port));
  for (let tries = 0; tries < 200; tries++) {
    const first = 1200 + 2 * Math.floor(Math.random() * ((19_999 - count - 1200) / 2));
    const last = first + count - 1;
    if (![...taken].some((port) => port >= first && port <= last)) return { first, last };
  }
  throw new Error(`no ${count} UDP ports in a row are free below 20000`);
}

/** The UDP sockets of this process. */
function ownSockets(): readonly UdpSocket[] {
  const ours = new Set<string>();
  for (const file of readdirSync('/proc/self/fd')) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(file))?.[1];
    if (inode !== undefined) ours.add(inode);
  }
  return udpSockets().filter(({ inode }) => ours.has(inode));
}

function linkOf(file: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${file}`);
  } catch {
    // Closed since it was listed.
    return '';
  }
}

await main(process.argv[2]!, Number(process.argv[3]));
