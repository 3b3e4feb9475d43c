import { readFileSync, readlinkSync } from 'node:fs';

/** Clock ticks per second of /proc (USER_HZ), 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The kernel's id of the calling thread, or null where there is no /proc. Ask once, at the thread's start. */
export function osThreadId(): number | null {
  try {
    const id = Number(readlinkSync('/proc/thread-self').split('/').pop());
    return Number.isInteger(id) ? id : null;
  } catch {
    return null;
  }
}

/** CPU time that a thread of this process has used, in milliseconds (10 ms steps); null where unknown. */
export function threadCpuMs(osThread: number): number | null {
  try {
    const stat = readFileSync(`/proc/self/task/${osThread}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}
