import type { DryRunReport, RehearsedRequest } from '../api/dry-run-schema.js';

type Transfer = NonNullable<DryRunReport['transfer']>;

/** A dry run as text for a terminal. */
export function showDryRun(report: DryRunReport): string {
  const { at, trunk, project, refused, limits, bot, decisions, transfer, notes } = report;
  const lines = [`at        ${at}`, `trunk     ${trunk ?? '-'}`, `project   ${project ?? '-'}`];
  if (refused) lines.push(`would be refused: ${refused.status} ${refused.reason} (${refused.detail})`);
  for (const limit of limits) lines.push(limitLine(limit));
  if (bot) lines.push('', 'The bot would be called:', ...requestLines(bot));
  if (decisions.length > 0) lines.push('');
  for (const { event, durationS, rule, reason, evidence, deadlineMs } of decisions) {
    const fired =
      rule === null
        ? 'no rule fires'
        : `rule "${rule}" fires: ${reason ?? ''}, ${evidence ?? ''} (within ${deadlineMs} ms)`;
    lines.push(`${durationS} s: ${event}: ${fired}`);
  }
  if (transfer) lines.push('', ...transferLines(transfer));
  else if (!refused) lines.push('', 'No transfer.');
  if (notes.length > 0) lines.push('', ...notes.map((note) => `note: ${note}`));
  return `${lines.join('\n')}\n`;
}

function limitLine({ name, of, limit, now, exceeded }: DryRunReport['limits'][number]): string {
  const used = now === null ? '' : `, ${now} now${exceeded === true ? ': full' : ''}`;
  return `limit     ${name} ${limit} of ${of === 'node' ? 'the node' : of}${used}`;
}

function transferLines(transfer: Transfer): string[] {
  const { to, mode, method, reason, targets, skipped, refusal, attempts, ifAllFail, ifAnswered } = transfer;
  const lines = [`Transfer to ${to === '' ? 'nobody' : to}: ${mode}, method ${method}, reason ${reason}`];
  if (refusal) lines.push(`  not tried: ${refusal.code}: ${refusal.detail}`);
  targets.forEach(({ destination, uri, trunk, ringTimeoutMs, together, thenDial }, index) => {
    const more = [
      `trunk ${trunk}`,
      `rings ${ringTimeoutMs / 1000} s`,
      ...(together === null ? [] : [`together with the others of ${together}`]),
      ...(thenDial === null ? [] : [`then dials ${thenDial}`]),
    ];
    lines.push(`  ${index + 1}. ${destination}  ${uri}  (${more.join(', ')})`);
  });
  for (const { destination, detail } of skipped) lines.push(`  -  ${destination} is passed over: ${detail}`);
  if (attempts.length > 0) lines.push('', 'Tried in this order, supposing that each fails:');
  for (const attempt of attempts) {
    lines.push(...requestLines(attempt, `${attempt.destination}: `));
    const timers = Object.entries(attempt.timers).map(([name, ms]) => `${name} ${ms / 1000} s`);
    if (timers.length > 0) lines.push(`      timers: ${timers.join(', ')}`);
    lines.push(`      supposed: ${attempt.supposed}`);
  }
  lines.push('', `If all fail: ${ifAllFail.outcome} (${ifAllFail.detail}); ${ifAllFail.then}`);
  if (attempts.length > 0) lines.push(`If the first answers: ${ifAnswered.outcome} (${ifAnswered.detail})`);
  for (const request of ifAnswered.requests) lines.push(...requestLines(request, 'then '));
  return lines;
}

function requestLines(request: RehearsedRequest, before = ''): string[] {
  const { method, toward, requestUri, proxies, from, headers, credentials } = request;
  const lines = [`    ${before}${method} ${requestUri ?? `in the dialog with the ${toward}`}`];
  if (proxies.length > 0) lines.push(`      by ${proxies.join(', then ')}`);
  if (from !== null) lines.push(`      From: ${from}`);
  for (const [name, value] of Object.entries(headers)) lines.push(`      ${name}: ${value}`);
  if (credentials !== null) lines.push(`      credentials of ${credentials} for a challenge`);
  return lines;
}
