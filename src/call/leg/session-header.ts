import type { SessionIds } from '../context/session-ids.js';
import type { SignallingCommand } from '../signalling-port.js';
import type { Party } from '../vocabulary.js';

/** RFC 7989 5: each request and each response but an ACK and a provisional of the stack names the session. */
export function withSessionId(command: SignallingCommand, ids: SessionIds, party: Party): SignallingCommand {
  if (!('headers' in command)) return command;
  return { ...command, headers: { ...command.headers, 'Session-ID': ids.value(command.legId, party) } };
}
