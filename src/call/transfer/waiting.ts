import type { CallHost } from '../call-host.js';
import type { Leg } from '../leg/leg.js';
import type { TransferMode } from '../vocabulary.js';
import { ringbackSource } from './ringback-source.js';

/**
 * What the caller and the bot hear while a person is being reached: the project's choice; music in an attended
 * transfer, where the caller must not hear the consultation. True where caller and bot go on talking.
 */
export function playWaiting(host: CallHost, mode: TransferMode, incumbent: Leg | null): boolean {
  const { bridge, context, roles } = host;
  const { caller } = roles;
  const { waiting } = context.project.transfer;
  if (!caller?.up) return false;
  if (mode === 'blind' && waiting === 'bot' && incumbent?.up) return true;
  if (mode === 'blind' && waiting === 'silence') bridge.play(caller, { kind: 'silence' });
  else if (mode === 'blind' && waiting === 'ringback') bridge.play(caller, ringbackSource(context.project));
  else bridge.play(caller, host.music());
  if (incumbent?.up) bridge.play(incumbent, { kind: 'silence' });
  return false;
}

/**
 * The person's phone rings: an unanswered caller is told, and hears the person's early media where only one is
 * dialled; so does a caller who waits with ringback in a blind transfer.
 */
export function ringCaller(
  host: CallHost,
  mode: TransferMode,
  by: { readonly earlyMedia: Leg | null; readonly alone: boolean },
): void {
  const { bridge, context, roles } = host;
  const { caller } = roles;
  const early = by.alone ? by.earlyMedia : null;
  if (!caller) return;
  if (caller.pending) {
    if (early) bridge.listen(caller, early);
    caller.ring(early ? 183 : 180, early !== null);
  } else if (early && mode === 'blind' && context.project.transfer.waiting === 'ringback') {
    bridge.listen(caller, early);
  }
}
