import { readFileSync, readdirSync } from 'node:fs';

const MS_PER_TICK = 10;

function cpuMsOf(statFile: string): number {
  const stat = readFileSync(statFile, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** User and system CPU time of a process with all its threads (ms, 10 ms steps). */
export function processCpuMs(pid: number): number {
  return cpuMsOf(`/proc/${pid}/stat`);
}

/** CPU time of each thread of a process (ms), by the kernel's thread id. */
export function threadCpuMsOf(pid: number): Map<number, number> {
  const found = new Map<number, number>();
  for (const id of readdirSync(`/proc/${pid}/task`)) {
    try {
      found.set(Number(id), cpuMsOf(`/proc/${pid}/task/${id}/stat`));
    } catch {
      // The thread ended between the listing and the reading.
    }
  }
  return found;
}

/** Resident memory of a process (kB). */
export function residentKb(pid: number): number {
  const line = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(line?.[1] ?? 0);
}

/** Datagrams dropped for a full receive buffer, by local UDP port (IPv4 sockets of this machine). */
export function udpDrops(): Map<number, number> {
  const drops = new Map<number, number>();
  for (const line of readFileSync('/proc/net/udp', 'latin1').split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const port = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
    const dropped = Number(fields[12]);
    if (dropped > 0) drops.set(port, (drops.get(port) ?? 0) + dropped);
  }
  return drops;
}
