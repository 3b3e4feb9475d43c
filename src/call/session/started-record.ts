import type { CallContext } from '../call-context.js';
import type { CallRecord } from '../call-record.js';
import type { IncomingInvite } from '../signalling-port.js';

/** The record of a call that begins with this INVITE. */
export function startedRecord(context: CallContext, invite: IncomingInvite): CallRecord {
  const { callId, project, trunk } = context.deps;
  const { caller, called, sipCallId, sourceAddress } = invite;
  return {
    kind: 'call.started',
    callId,
    at: context.wallMs(),
    project: project.name,
    trunk: trunk.name,
    caller,
    called,
    sipCallId,
    sourceAddress,
  };
}
