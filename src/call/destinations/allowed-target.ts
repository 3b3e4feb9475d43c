import type { AllowedTarget } from '../project.js';
import type { SipTarget } from './sip-target.js';

const ANY_RUN = '[^@]*';

function glob(pattern: string, text: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join(ANY_RUN);
  return new RegExp(`^${source}$`, 'i').test(text);
}

function ipv4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return null;
    value = value * 256 + Number(part);
  }
  return value;
}

function hostMatches(pattern: string, host: string): boolean {
  const [network, bits] = pattern.split('/');
  if (bits === undefined) return glob(pattern, host);
  const wanted = ipv4(network!);
  const given = ipv4(host);
  const prefix = Number(bits);
  if (wanted === null || given === null || !Number.isInteger(prefix) || prefix < 0 || prefix > 32)
    return false;
  const size = 2 ** (32 - prefix);
  return Math.floor(wanted / size) === Math.floor(given / size);
}

/**
 * Does one entry of `transfer.allow` admit this target? A SIP pattern is held against a URI (its host may be a
 * CIDR block), a number pattern against a number, or the user of a URI that is a number.
 */
export function isAllowedTarget(allowed: AllowedTarget, target: SipTarget): boolean {
  const sip = /^sips?:(?:([^@]*)@)?([^;?]+)/i.exec(allowed.to);
  if (sip) {
    if (target.kind !== 'uri') return false;
    const hostPattern = sip[2]!.replace(/:\d+$/, '');
    return glob(sip[1] ?? '*', target.user) && hostMatches(hostPattern, target.host);
  }
  const number = target.kind === 'number' ? target.number : target.user;
  return /^\+?[0-9*#]+$/.test(number) && glob(allowed.to.replace(/^tel:/i, ''), number);
}
