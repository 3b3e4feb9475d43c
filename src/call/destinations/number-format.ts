import type { DialPlan, NumberFormat } from '../project.js';

/** E.164 with `+` where that can be told: from `00`, or by the dial plan. Anything else is left alone. */
export function toE164(number: string, dialPlan: DialPlan | null): string {
  if (!/^\+?\d+$/.test(number) || number.startsWith('+')) return number;
  const abroad = dialPlan?.internationalPrefix ?? '00';
  if (number.startsWith(abroad)) return `+${number.slice(abroad.length)}`;
  const prefix = dialPlan?.nationalPrefix ?? '';
  if (dialPlan && prefix !== '' && number.startsWith(prefix)) {
    return `+${dialPlan.countryCode}${number.slice(prefix.length)}`;
  }
  return number;
}

/** Writes a number as a trunk wants it. A number whose country is not known is left alone. */
export function formatNumber(number: string, format: NumberFormat, dialPlan: DialPlan | null = null): string {
  if (format === 'as-is') return number;
  const full = toE164(number, dialPlan);
  if (!/^\+\d+$/.test(full)) return full;
  switch (format) {
    case 'e164':
      return full;
    case 'e164-without-plus':
      return full.slice(1);
    case 'national': {
      if (!dialPlan) return full;
      const own = `+${dialPlan.countryCode}`;
      if (full.startsWith(own)) return `${dialPlan.nationalPrefix}${full.slice(own.length)}`;
      return `${dialPlan.internationalPrefix}${full.slice(1)}`;
    }
  }
}
