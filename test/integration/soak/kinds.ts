import type { TransferOutcome } from '../../../src/call/vocabulary.js';
import { NUMBERS } from '../../support/node-under-test.js';

/** How one kind of transfer goes: what the person and the caller's side do, and what must come of it. */
export interface Kind {
  readonly name: string;
  readonly number: string;
  readonly outcome: TransferOutcome;
  readonly attempts: number;
  /** The person's final answer to the INVITE; `rings` never answers. */
  readonly person?: string;
  /** Who answers the second attempt of a chain. */
  readonly colleague?: string;
  /** The person's answer to an INVITE with Replaces (200 OK if absent). */
  readonly replaced?: string;
  /** The caller's side's answer to REFER, and the status of its NOTIFY; '' ends the subscription without one. */
  readonly refer?: { readonly answer: string; readonly notify?: string; readonly thenBye?: true };
  /** What is done while the person's phone rings. */
  readonly meanwhile?: 'caller hangs up' | 'bot hangs up' | 'cancel';
  /** What the person does after the answer. */
  readonly then?: 'presses 1' | 'hangs up';
}

const OK = '200 OK';
const BUSY = '486 Busy Here';
const TAKEN = '202 Accepted';

/** One after the other; the attended ones and those that wait for a timer are spread among the quick ones. */
export const KINDS: readonly Kind[] = [
  { name: 'bridged', number: NUMBERS.basic, outcome: 'completed', attempts: 1, person: OK },
  { name: 'busy', number: NUMBERS.basic, outcome: 'busy', attempts: 1, person: BUSY },
  { name: 'no answer', number: NUMBERS.basic, outcome: 'no_answer', attempts: 1, person: 'rings' },
  { name: 'declined', number: NUMBERS.basic, outcome: 'declined', attempts: 1, person: '603 Decline' },
  {
    name: 'attended',
    number: NUMBERS.attended,
    outcome: 'completed',
    attempts: 1,
    person: OK,
    then: 'presses 1',
  },
  {
    name: 'no such number',
    number: NUMBERS.basic,
    outcome: 'bad_destination',
    attempts: 1,
    person: '404 Not Found',
  },
  {
    name: 'REFER',
    number: NUMBERS.refer,
    outcome: 'completed',
    attempts: 1,
    refer: { answer: TAKEN, notify: OK },
  },
  {
    name: 'REFER, busy',
    number: NUMBERS.refer,
    outcome: 'busy',
    attempts: 1,
    refer: { answer: TAKEN, notify: BUSY },
  },
  {
    name: 'gate not passed',
    number: NUMBERS.attended,
    outcome: 'no_answer',
    attempts: 1,
    person: OK,
  },
  {
    name: 'REFER refused',
    number: NUMBERS.refer,
    outcome: 'refer_rejected',
    attempts: 1,
    refer: { answer: '405 Method Not Allowed' },
  },
  {
    name: 'broken',
    number: NUMBERS.basic,
    outcome: 'unavailable',
    attempts: 1,
    person: '503 Service Unavailable',
  },
  {
    name: 'chain, second',
    number: NUMBERS.chain,
    outcome: 'completed',
    attempts: 2,
    person: BUSY,
    colleague: OK,
  },
  {
    name: 'REFER, no NOTIFY',
    number: NUMBERS.refer,
    outcome: 'timeout',
    attempts: 1,
    refer: { answer: TAKEN },
  },
  {
    name: 'caller hangs up',
    number: NUMBERS.basic,
    outcome: 'caller_gone',
    attempts: 1,
    person: 'rings',
    meanwhile: 'caller hangs up',
  },
  {
    name: 'cancelled',
    number: NUMBERS.basic,
    outcome: 'cancelled',
    attempts: 1,
    person: 'rings',
    meanwhile: 'cancel',
  },
  {
    name: 'attended, Replaces',
    number: NUMBERS.attendedReplaces,
    outcome: 'completed',
    attempts: 2,
    person: OK,
    then: 'presses 1',
  },
  {
    name: 'chain, both busy',
    number: NUMBERS.chain,
    outcome: 'busy',
    attempts: 2,
    person: BUSY,
    colleague: BUSY,
  },
  {
    name: 'REFER, no outcome',
    number: NUMBERS.refer,
    outcome: 'no_outcome',
    attempts: 1,
    refer: { answer: TAKEN, notify: '' },
  },
  {
    name: 'attended, REFER',
    number: NUMBERS.attendedRefer,
    outcome: 'completed',
    attempts: 2,
    person: OK,
    then: 'presses 1',
    refer: { answer: TAKEN, notify: OK },
  },
  {
    name: 'REFER, BYE at once',
    number: NUMBERS.refer,
    outcome: 'completed_unconfirmed',
    attempts: 1,
    refer: { answer: TAKEN, thenBye: true },
  },
  {
    name: 'no common codec',
    number: NUMBERS.basic,
    outcome: 'media_failed',
    attempts: 1,
    person: '488 Not Acceptable Here',
  },
  {
    name: 'person leaves the gate',
    number: NUMBERS.attended,
    outcome: 'declined',
    attempts: 1,
    person: OK,
    then: 'hangs up',
  },
  {
    name: 'Replaces refused, bridged',
    number: NUMBERS.attendedReplaces,
    outcome: 'completed',
    attempts: 2,
    person: OK,
    then: 'presses 1',
    replaced: '481 Call/Transaction Does Not Exist',
  },
  {
    name: 'bot leaves, answered',
    number: NUMBERS.basic,
    outcome: 'completed',
    attempts: 1,
    person: 'rings',
    meanwhile: 'bot hangs up',
  },
];
