import type { CallHost } from '../call-host.js';
import type { Leg } from '../leg/leg.js';

/** A caller and a person who are joined. */
export interface Pair {
  readonly caller: Leg;
  readonly agent: Leg;
}

/** Why audio stays with us, as the event `media_kept` says it. */
export type KeptReason =
  | 'trunk'
  | 'recording'
  | 'peer_abilities'
  | 'media_kind'
  | 'nat'
  | 'unheard'
  | 'hold'
  | 'listener'
  | 'too_often'
  | 'digit_by_info'
  | 'unsettled'
  | 'refused'
  /** What the media adapter finds in the two descriptions. */
  | 'srtp'
  | 'ip_version'
  | 'codecs'
  | 'dtmf'
  | 'payload_types';

/** Those who are joined now, both ways, with nothing else going on; null where there is no such pair. */
export function pairNow(host: CallHost): Pair | null {
  const { bridge, roles } = host;
  const { caller, agent } = roles;
  if (host.ending || host.transferInFlight() || !caller?.up || !agent?.up) return null;
  return bridge.peerOf(caller) === agent && bridge.peerOf(agent) === caller ? { caller, agent } : null;
}

export function samePair(one: Pair | null, other: Pair | null): boolean {
  return one?.caller === other?.caller && one?.agent === other?.agent;
}

/** Why these two cannot ever be led past us; `trunk` where one of the trunks allows it and the other does not. */
export function lastingReason(host: CallHost, { caller, agent }: Pair): KeptReason | null {
  if (!allowed(caller) || !allowed(agent)) return 'trunk';
  if (host.context.project.recording) return 'recording';
  return [caller, agent].every(takesReinvite) ? null : 'peer_abilities';
}

/** Nobody has asked for it. */
export function isUnwanted({ caller, agent }: Pair): boolean {
  return !allowed(caller) && !allowed(agent);
}

function allowed(leg: Leg): boolean {
  return leg.profile.release === true;
}

function takesReinvite(leg: Leg): boolean {
  const allow = leg.peer?.allow;
  return !allow || allow.some((method) => method.toUpperCase() === 'INVITE');
}
