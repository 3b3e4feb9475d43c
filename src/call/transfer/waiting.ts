import type { CallHost } from '../call-host.js';
import type { Leg } from '../leg/leg.js';
import type { TransferMode } from '../vocabulary.js';

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
  else if (mode === 'blind' && waiting === 'ringback') bridge.play(caller, { kind: 'ringback' });
  else bridge.play(caller, host.music());
  if (incumbent?.up) bridge.play(incumbent, { kind: 'silence' });
  return false;
}
