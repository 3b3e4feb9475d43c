import { INVITE_CLIENT } from '../../../src/sip/transaction/invite-client.js';
import { INVITE_SERVER } from '../../../src/sip/transaction/invite-server.js';
import { NON_INVITE_CLIENT } from '../../../src/sip/transaction/non-invite-client.js';
import { NON_INVITE_SERVER } from '../../../src/sip/transaction/non-invite-server.js';

const MACHINES = {
  'INVITE client': INVITE_CLIENT,
  'non-INVITE client': NON_INVITE_CLIENT,
  'INVITE server': INVITE_SERVER,
  'non-INVITE server': NON_INVITE_SERVER,
} as const;

/** Counts how often each row of the four transaction machines is taken while `run` runs. */
export function countRows<T>(run: () => T): { result: T; taken: Map<string, number> } {
  const taken = new Map<string, number>();
  const restore: (() => void)[] = [];
  for (const [machine, table] of Object.entries(MACHINES)) {
    const states = table as unknown as Record<string, Record<string, unknown>>;
    for (const [state, rows] of Object.entries(states)) {
      for (const event of Object.keys(rows)) taken.set(`${machine}: ${state}, ${event}`, 0);
      states[state] = new Proxy(rows, {
        get: (target, event) => {
          const row = target[event as string];
          const name = `${machine}: ${state}, ${String(event)}`;
          if (row !== undefined) taken.set(name, (taken.get(name) ?? 0) + 1);
          return row;
        },
      });
      restore.push(() => (states[state] = rows));
    }
  }
  try {
    return { result: run(), taken };
  } finally {
    for (const undo of restore) undo();
  }
}
