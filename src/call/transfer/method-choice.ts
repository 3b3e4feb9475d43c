import type { CallHost, TransferWish } from '../call-host.js';
import type { Leg } from '../leg/leg.js';
import type { TransferMethod, TransferMode } from '../vocabulary.js';
import type { AttemptFailure } from './attempt.js';

/**
 * How an attempt is signalled first. `auto` sends REFER where the trunk wants it, or where the peer says that it can
 * (or says nothing) and has not refused one lately; else, and where REFER cannot be, a bridged INVITE.
 */
export function chooseMethod(
  host: CallHost,
  wish: TransferWish,
  by: { readonly mode: TransferMode; readonly method: TransferMethod; readonly alone: boolean },
): 'refer' | 'invite' {
  const { caller } = host.roles;
  if (wish.passOn && caller?.up && by.alone) return 'refer';
  // An early dialog cannot be referred, several phones cannot be named at once, and a consultation is our own INVITE.
  if (!caller?.up || !by.alone || by.mode === 'attended' || wish.replaces !== null) return 'invite';
  if (by.method !== 'auto') return by.method === 'refer' ? 'refer' : 'invite';
  const { trunk, destinations } = host.context.deps;
  if (trunk.transferMethod !== 'auto') return trunk.transferMethod;
  const allowed = caller.peer?.allow ?? null;
  const able = allowed === null || allowed.some((method) => method.trim().toUpperCase() === 'REFER');
  return able && destinations.methods.mayRefer(trunk.name, host.context.now()) ? 'refer' : 'invite';
}

/**
 * Is a consulted agent handed the caller by Replaces (INVITE or REFER) rather than by our bridge? REFER only where
 * neither end says that it has no Replaces (RFC 5589 7.3): such a caller would ring the consulted agent anew, beside
 * the consultation. An INVITE of ours asks for it by Require, and is refused in time.
 */
export function completesByReplaces(host: CallHost, method: TransferMethod, consultation: Leg): boolean {
  const { caller } = host.roles;
  if (!consultation.dialog || !caller?.up) return false;
  if (method === 'replaces') return true;
  const refers =
    method === 'refer' || (method === 'auto' && host.context.deps.trunk.transferMethod === 'refer');
  return refers && mayReplace(caller) && mayReplace(consultation);
}

function mayReplace(leg: Leg): boolean {
  const supported = leg.peer?.supported ?? null;
  return supported === null || supported.includes('replaces');
}

/**
 * What follows a REFER that failed: `auto` dials where it was refused, and where nothing was heard of it if the
 * project says so and no phone rang. Where nobody knows whether the peer is dialling still, no other place is rung.
 */
export function afterRefer(
  host: CallHost,
  method: TransferMethod,
  failure: AttemptFailure,
): 'invite' | 'hangup' | 'resume' | 'go on' {
  const { onNoNotify } = host.context.project.transfer;
  const silent = failure.outcome === 'timeout';
  if (method === 'auto') {
    if (failure.outcome === 'refer_rejected') return 'invite';
    if (silent && !failure.rang && onNoNotify === 'invite') return 'invite';
  }
  if (!silent) return 'go on';
  return onNoNotify === 'hangup' ? 'hangup' : 'resume';
}

/** The caller's side took a REFER: `auto` asks it again. */
export function noteReferWorked({ context }: CallHost): void {
  context.deps.destinations.methods.referWorked(context.deps.trunk.name, context.now());
}

/** The caller's side refused a REFER: `auto` spares it for a while. */
export function noteReferRefused({ context }: CallHost): void {
  context.deps.destinations.methods.referRefused(context.deps.trunk.name, context.now());
}
