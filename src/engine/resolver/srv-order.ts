import type { Random } from '../../common/random.js';
import type { SrvRecord } from './dns-source.js';

/**
 * The records in the order in which to try them (RFC 2782): by priority, and within one drawn at random so that each
 * comes first in proportion to its weight. A single record with the target `.` says that there is no such service.
 */
export function orderSrv(records: readonly SrvRecord[], random: Random): SrvRecord[] {
  if (records.length === 1 && (records[0]!.name === '.' || records[0]!.name === '')) return [];
  const ordered: SrvRecord[] = [];
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((one, other) => one - other);
  for (const priority of priorities) {
    // Those of weight 0 stand first, so that they have a small chance still.
    const left = records
      .filter((record) => record.priority === priority)
      .sort((one, other) => one.weight - other.weight);
    while (left.length > 0) {
      const total = left.reduce((sum, { weight }) => sum + weight, 0);
      const drawn = Math.floor(random.fraction() * (total + 1));
      let running = 0;
      const at = left.findIndex(({ weight }) => (running += weight) >= drawn);
      ordered.push(...left.splice(at, 1));
    }
  }
  return ordered;
}
