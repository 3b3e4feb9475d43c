import type { CallView, TransferView } from '../observe/call-view.js';
import type { ListenerView } from '../observe/listener-view.js';
import { clockTime, table } from './table.js';

/** A call as text for a terminal. */
export function showCall(call: CallView): string {
  const facts: [string, string][] = [
    ['call', call.callId],
    ['state', call.state],
    ['project', call.project],
    ['trunk', `${call.trunk} (from ${call.sourceAddress})`],
    ['caller', call.caller],
    ['called', call.called],
    ['Call-ID', call.sipCallId],
    ['started', iso(call.startedAt)],
    ['answered', call.answeredAt === null ? '-' : iso(call.answeredAt)],
  ];
  if (call.endedAt !== null) {
    const status = call.sipStatus === null ? '' : `, ${call.sipStatus}`;
    facts.push(['ended', `${iso(call.endedAt)} by ${call.endedBy ?? '?'}: ${call.cause ?? ''}${status}`]);
    facts.push(['duration', clockTime(call.durationMs ?? 0)]);
  }
  const parts = [facts.map(([name, value]) => `${name.padEnd(10)}${value}\n`).join('')];
  if (call.legs.length > 0)
    parts.push(
      table(
        ['LEG', 'PARTY', 'STATE', 'REMOTE', 'HOLD', 'CALL-ID'],
        call.legs.map((leg) => [
          leg.legId,
          leg.party,
          leg.state,
          leg.remote,
          leg.onHold ? 'yes' : 'no',
          leg.sipCallId ?? '-',
        ]),
      ),
    );
  for (const transfer of call.transfers) parts.push(showTransfer(transfer));
  if (call.listeners.length > 0) parts.push(call.listeners.map(showListener).join(''));
  if (call.notes.length > 0)
    parts.push(
      table(
        ['AT', 'EVENT', 'DETAIL'],
        call.notes.map(({ at, name, detail }) => [iso(at), name, JSON.stringify(detail)]),
      ),
    );
  const media = Object.entries(call.media ?? {});
  if (media.length > 0)
    parts.push(
      table(
        [
          'LEG',
          'PARTY',
          'RECEIVED',
          'SENT',
          'LOST',
          'REJECTED',
          'JITTER MS',
          'RTT MS',
          'MOS',
          'FAR LOST',
          'FAR MOS',
        ],
        media.map(([leg, stats]) => [
          leg,
          stats.party,
          String(stats.packetsReceived),
          String(stats.packetsSent ?? '-'),
          String(stats.packetsLost ?? '-'),
          String(stats.packetsRejected),
          stats.jitterMs?.toFixed(1) ?? '-',
          stats.roundTripMs?.toFixed(1) ?? '-',
          stats.mos?.toFixed(2) ?? '-',
          String(stats.farPacketsLost ?? '-'),
          stats.farMos?.toFixed(2) ?? '-',
        ]),
      ),
    );
  return parts.join('\n');
}

/** An operator who hears a call as one line of text. */
export function showListener({ listenerId, to, by, state, reason, sipStatus, detail }: ListenerView): string {
  const status = sipStatus === null ? '' : `, ${sipStatus}`;
  const how = state === 'ended' ? `ended (${reason ?? '?'}${status}: ${detail ?? ''})` : state;
  return `listener ${listenerId} at ${to}: ${how}${by === null ? '' : `, asked for by ${by}`}\n`;
}

/** A transfer with its attempts as text. */
export function showTransfer(transfer: TransferView): string {
  const { result } = transfer;
  const head = `transfer ${transfer.transferId} to ${transfer.destination ?? 'the default destination'}: ${
    result ? `${result.outcome} (${result.detail})` : transfer.state
  }\n`;
  const why = `  why: ${[transfer.reason, transfer.rule, transfer.evidence].filter((part) => part !== null).join(', ')}\n`;
  if (!result) return head + why;
  const gap = result.gapMs === null ? '' : `  longest silence to the caller: ${result.gapMs} ms\n`;
  const attempts = table(
    ['  DESTINATION', 'METHOD', 'STATUS', 'RANG MS', 'ANSWERED'],
    result.attempts.map((one) => [
      `  ${one.destination}`,
      one.method,
      one.sipStatus === null ? '-' : `${one.sipStatus} ${one.sipReason ?? ''}`.trim(),
      one.ringMs === null ? '-' : String(one.ringMs),
      one.answeredAt === null ? '-' : iso(one.answeredAt),
    ]),
  );
  return head + why + gap + attempts;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
