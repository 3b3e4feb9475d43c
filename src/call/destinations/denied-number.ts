import type { Trunk } from '../project.js';
import { toE164 } from './number-format.js';

/** A pattern such as `+1900*` as a test of the digits alone; `+` and `00` say the same. */
function meets(pattern: string, number: string): boolean {
  const source = pattern
    .replace(/^(?:\+|00)/, '')
    .split('*')
    .map((part) => part.replace(/[^0-9#]/g, ''))
    .join('[0-9*#]*');
  return new RegExp(`^${source}$`).test(number.replace(/^(?:\+|00)/, ''));
}

/** The pattern of the trunk's `deny` that this number meets, however it is written; null where none does. */
export function deniedBy(number: string, trunk: Trunk): string | null {
  const plain = number.split(';')[0]!.replace(/[.()-]/g, '');
  const ways = [plain, toE164(plain, trunk.dialPlan)];
  return trunk.deny.find((pattern) => ways.some((way) => meets(pattern, way))) ?? null;
}
