import type { LegView } from '../call/call-record.js';
import type { Party } from '../call/vocabulary.js';
import {
  ladderMessage,
  ownInvite,
  sipCallIdOf,
  type LadderMessage,
  type TappedMessage,
} from './sip-trace.js';

export interface LadderLimits {
  /** The first messages of a dialog are kept up to this count; what follows is counted only. */
  readonly messagesPerDialog: number;
  /** All messages together; the dialog that was quiet for longest is forgotten first. */
  readonly totalBytes: number;
  /** Calls whose legs are remembered. */
  readonly calls: number;
}

export const defaultLadderLimits: LadderLimits = {
  messagesPerDialog: 400,
  totalBytes: 48 * 1024 * 1024,
  calls: 5000,
};

interface DialogTrace {
  readonly messages: TappedMessage[];
  bytes: number;
  /** The Session-ID of our INVITE that began it. */
  session: string | null;
}

interface BoundLeg {
  readonly callId: string;
  readonly party: Party;
}

/**
 * Keeps the SIP messages that the engine's tap hands over, by Call-ID, and knows which Call-IDs make a call.
 * A leg that failed before it was reported is found by the Session-ID that all INVITEs of a call share.
 * Memory is bounded; little is parsed until somebody looks.
 */
export class LadderStore {
  readonly #limits: LadderLimits;
  readonly #dialogs = new Map<string, DialogTrace>();
  readonly #legs = new Map<string, BoundLeg>();
  readonly #calls = new Map<string, Set<string>>();
  readonly #sessions = new Map<string, Set<string>>();
  #maxCalls: number;
  #bytes = 0;
  #dropped = 0;

  constructor(limits: LadderLimits = defaultLadderLimits) {
    this.#limits = limits;
    this.#maxCalls = limits.calls;
  }

  /** Keeps the ladders of so many calls from now on; the oldest go. */
  keepCalls(calls: number): void {
    this.#maxCalls = calls;
    while (this.#calls.size > calls) this.#forgetOldestCall();
  }

  /** Bytes of SIP held now, and messages that were not kept or were forgotten for want of room. */
  get stats(): { readonly bytes: number; readonly dropped: number } {
    return { bytes: this.#bytes, dropped: this.#dropped };
  }

  /** Keeps a message. Returns its Call-ID, or null where it has none. */
  add(message: TappedMessage): string | null {
    const sipCallId = sipCallIdOf(message.raw);
    if (sipCallId === null) return null;
    const dialog = this.#dialogs.get(sipCallId) ?? { messages: [], bytes: 0, session: null };
    // Set again so that the map's order is the order of last use.
    this.#dialogs.delete(sipCallId);
    this.#dialogs.set(sipCallId, dialog);
    if (dialog.messages.length >= this.#limits.messagesPerDialog) {
      this.#dropped++;
      return sipCallId;
    }
    if (dialog.messages.length === 0) this.#readOwnInvite(sipCallId, dialog, message);
    dialog.messages.push(message);
    dialog.bytes += message.raw.length;
    this.#bytes += message.raw.length;
    while (this.#bytes > this.#limits.totalBytes) this.#forgetOldestDialog();
    return sipCallId;
  }

  /** Learns which dialogs make up a call. */
  bind(callId: string, legs: readonly LegView[]): void {
    for (const { sipCallId, party } of legs) if (sipCallId !== null) this.bindOne(callId, sipCallId, party);
  }

  /** Learns that one dialog belongs to a call. */
  bindOne(callId: string, sipCallId: string, party: Party): void {
    let ids = this.#calls.get(callId);
    if (!ids) {
      ids = new Set();
      this.#calls.set(callId, ids);
      if (this.#calls.size > this.#maxCalls) this.#forgetOldestCall();
    }
    ids.add(sipCallId);
    this.#legs.set(sipCallId, { callId, party });
  }

  /** Lets go of calls that nobody can ask for any more. */
  forget(callIds: readonly string[]): void {
    for (const callId of callIds) {
      for (const sipCallId of this.#dialogsOf(callId)) {
        this.#forgetDialog(sipCallId);
        this.#legs.delete(sipCallId);
      }
      this.#calls.delete(callId);
    }
  }

  /** Whose leg a dialog is; null while unknown. */
  legOf(sipCallId: string): BoundLeg | null {
    return this.#legs.get(sipCallId) ?? null;
  }

  /** The messages of a call in the order of time. */
  messagesOf(callId: string): LadderMessage[] {
    const found: LadderMessage[] = [];
    for (const sipCallId of this.#dialogsOf(callId)) {
      // A dialog known by its Session-ID alone was an attempt at a person: caller and bot are always reported.
      const party = this.#legs.get(sipCallId)?.party ?? 'agent';
      for (const tapped of this.#dialogs.get(sipCallId)?.messages ?? [])
        found.push(ladderMessage(tapped, sipCallId, party));
    }
    return found.sort((a, b) => a.at - b.at);
  }

  #readOwnInvite(sipCallId: string, dialog: DialogTrace, message: TappedMessage): void {
    const invite = ownInvite(message);
    if (!invite) return;
    if (invite.session !== null) {
      dialog.session = invite.session;
      const dialogs = this.#sessions.get(invite.session);
      if (dialogs) dialogs.add(sipCallId);
      else this.#sessions.set(invite.session, new Set([sipCallId]));
    }
    if (invite.callId === null || this.#legs.has(sipCallId)) return;
    const answerer = this.#hasBot(invite.callId) ? 'agent' : 'bot';
    this.bindOne(invite.callId, sipCallId, invite.listener ? 'operator' : answerer);
  }

  #hasBot(callId: string): boolean {
    return [...(this.#calls.get(callId) ?? [])].some((id) => this.#legs.get(id)?.party === 'bot');
  }

  #dialogsOf(callId: string): Set<string> {
    const own = new Set(this.#calls.get(callId));
    const all = new Set(own);
    for (const sipCallId of own) {
      const session = this.#dialogs.get(sipCallId)?.session;
      if (session === null || session === undefined) continue;
      for (const other of this.#sessions.get(session) ?? []) if (!this.#legs.has(other)) all.add(other);
    }
    return all;
  }

  #forgetOldestDialog(): void {
    for (const [sipCallId, dialog] of this.#dialogs) {
      this.#dropped += dialog.messages.length;
      this.#forgetDialog(sipCallId);
      return;
    }
  }

  #forgetDialog(sipCallId: string): void {
    const dialog = this.#dialogs.get(sipCallId);
    if (!dialog) return;
    this.#dialogs.delete(sipCallId);
    this.#bytes -= dialog.bytes;
    if (dialog.session === null) return;
    const siblings = this.#sessions.get(dialog.session);
    siblings?.delete(sipCallId);
    if (siblings?.size === 0) this.#sessions.delete(dialog.session);
  }

  #forgetOldestCall(): void {
    for (const [callId, ids] of this.#calls) {
      this.#calls.delete(callId);
      for (const sipCallId of ids) this.#legs.delete(sipCallId);
      return;
    }
  }
}
