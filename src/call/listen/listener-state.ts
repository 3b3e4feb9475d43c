import type { ListenerState } from '../vocabulary.js';

/** `next`: another phone is called in place of one that was not reached. */
export type ListenerTrigger = 'ring' | 'answer' | 'next' | 'end';

const TABLE: Readonly<Record<ListenerState, Partial<Record<ListenerTrigger, ListenerState>>>> = {
  calling: { ring: 'ringing', answer: 'listening', next: 'calling', end: 'ended' },
  ringing: { ring: 'ringing', answer: 'listening', next: 'calling', end: 'ended' },
  listening: { end: 'ended' },
  ended: {},
};

/** The next state of a listener, or null where the trigger is invalid in this one. */
export function nextListenerState(state: ListenerState, trigger: ListenerTrigger): ListenerState | null {
  return TABLE[state][trigger] ?? null;
}
