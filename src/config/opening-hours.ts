const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const SPAN = /^([a-z]{3})(?:-([a-z]{3}))? ([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/;

/** What is wrong with a span such as `mon-fri 08:00-18:00`; null if it is good. */
export function openingSpanFault(
  span: string,
): { readonly message: string; readonly remedy: string | null } | null {
  const parts = SPAN.exec(span);
  if (!parts) return { message: 'not opening hours', remedy: null };
  const [, first, last, fromHour, fromMinute, toHour, toMinute] = parts;
  for (const day of [first!, last ?? first!]) {
    if (!DAYS.includes(day)) return { message: `\`${day}\` is no day`, remedy: `use ${DAYS.join(', ')}` };
  }
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  if (to > 24 * 60) return { message: 'a day ends at 24:00', remedy: 'end the span at 24:00' };
  if (from < to) return null;
  const days = span.slice(0, span.indexOf(' '));
  return {
    message: 'the hours end before they begin',
    remedy: `split them at midnight: "${days} ${fromHour!}:${fromMinute!}-24:00" and "${days} 00:00-${toHour!}:${toMinute!}" of the days after`,
  };
}

/** Whether the runtime knows the IANA time zone. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
