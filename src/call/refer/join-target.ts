import type { CallHost } from '../call-host.js';
import type { Resolution } from '../destinations/destination-directory.js';
import type { CodecName } from '../project.js';
import type { LegOfCall } from '../signalling-port.js';

/** What two calls of this node offer each other: whatever either side of them speaks, so that they always agree. */
export const JOIN_CODECS: readonly CodecName[] = ['PCMA', 'PCMU'];

/** The far end of another call of this node, as a place to hand the call over to. */
export function joinTarget(host: CallHost, join: LegOfCall): Resolution {
  const { trunk, project } = host.context.deps;
  const target = {
    destination: `call ${join.callId}`,
    uri: `sip:${join.legId}@joined.invalid`,
    trunk,
    proxies: [],
    ringTimeoutMs: project.transfer.timers.ringMs,
    auth: null,
    codecs: [...trunk.codecs, ...JOIN_CODECS.filter((codec) => !trunk.codecs.includes(codec))],
    thenDial: null,
    identity: trunk.identity,
    uui: null,
    via: [],
    together: null,
    join,
  };
  return { ok: true, name: target.destination, targets: [target], skipped: [] };
}
