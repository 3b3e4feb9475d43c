import type { OpeningHours } from '../project.js';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

function localTime(timezone: string, nowMs: number): { day: number; minute: number } | null {
  let parts: Intl.DateTimeFormatPart[];
  try {
    parts = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).formatToParts(nowMs);
  } catch {
    // An unknown zone is refused by the configuration; here it counts as closed.
    return null;
  }
  const part = (type: string): string => parts.find((entry) => entry.type === type)?.value ?? '';
  const day = DAYS.indexOf(part('weekday').toLowerCase());
  return { day, minute: Number(part('hour')) * 60 + Number(part('minute')) };
}

function daysOf(text: string): Set<number> {
  const days = new Set<number>();
  for (const item of text.split(',')) {
    const [from, to] = item.trim().toLowerCase().split('-');
    const first = DAYS.indexOf(from ?? '');
    const last = to === undefined ? first : DAYS.indexOf(to);
    if (first < 0 || last < 0) continue;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === last) break;
    }
  }
  return days;
}

/** Is it open at `nowMs` (Unix ms)? A span whose end is not after its start runs past midnight. */
export function isOpen(hours: OpeningHours, nowMs: number): boolean {
  const local = localTime(hours.timezone, nowMs);
  if (local === null) return false;
  const before = (local.day + 6) % 7;
  return hours.open.some((span) => {
    const match = /^(?:(\S+)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})$/.exec(span.trim());
    if (!match) return false;
    const days = daysOf(match[1] ?? 'sun-sat');
    const from = Number(match[2]) * 60 + Number(match[3]);
    const to = Number(match[4]) * 60 + Number(match[5]);
    const { minute, day } = local;
    if (to > from) return days.has(day) && minute >= from && minute < to;
    return (days.has(day) && minute >= from) || (days.has(before) && minute < to);
  });
}
