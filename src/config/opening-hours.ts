const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const SPAN = /^(?:([a-z,-]+) )?([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)$/;

/**
 * What is wrong with a span such as `mon-fri 08:00-18:00`, `sat,sun 10:00-14:00` or `22:00-06:00` (every day,
 * past midnight); null if it is good.
 */
export function openingSpanFault(
  span: string,
): { readonly message: string; readonly remedy: string | null } | null {
  const parts = SPAN.exec(span);
  if (!parts) return { message: 'these are no opening hours', remedy: null };
  const [, days, fromHour, fromMinute, toHour, toMinute] = parts;
  for (const day of days?.split(/[,-]/) ?? []) {
    if (!DAYS.includes(day)) return { message: `\`${day}\` is no day`, remedy: `use ${DAYS.join(', ')}` };
  }
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  if (to > 24 * 60) return { message: 'a day ends at 24:00', remedy: 'end the span at 24:00' };
  if (from !== to) return null;
  return { message: 'the hours end where they begin', remedy: 'write 00:00-24:00 for the whole day' };
}

/** Whether the runtime knows the IANA time zone. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
