import type { NumberFormat } from '../project.js';

/** Writes a number as a trunk wants it. A number without `+` is left alone: its country is not known. */
export function formatNumber(number: string, format: NumberFormat): string {
  switch (format) {
    case 'as-is':
      return number;
    case 'e164':
      return number.startsWith('00') ? `+${number.slice(2)}` : number;
    case 'e164-without-plus':
      return number.replace(/^(?:\+|00)/, '');
  }
}
