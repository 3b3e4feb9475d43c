import type { AttemptMethod, TransferMethod, TransferMode, TransferOutcome } from '../../call/vocabulary.js';

/** What makes the node hand the call over. */
export type Trigger =
  /** The bot sends a REFER that names the destination. */
  | 'bot REFER'
  /** The bot has called the agent itself and hands that call over: REFER with Replaces in Refer-To. */
  | 'bot consultation'
  /** The caller presses 0, which a rule of the project looks for. */
  | 'DTMF 0'
  | 'INFO intent'
  | 'low confidence x3'
  | 'API';

/** The answering agents by name, and whom the scenario must end with. */
export type DeskName = 'desk-1' | 'desk-2';

/** One hand-over of the demonstration, and what must come of it. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** The called number: one project of the configuration each. */
  readonly number: string;
  readonly to: string;
  readonly mode: TransferMode;
  readonly method: TransferMethod;
  /** The agent must press 1 to take the call. */
  readonly gated: boolean;
  readonly trigger: Trigger;
  /** What the caller's user agent does with a REFER. */
  readonly callerRefer: 'follow' | 'refuse';
  readonly expected: {
    readonly outcome: TransferOutcome;
    /** The method of each attempt, in order. */
    readonly methods: readonly AttemptMethod[];
    /** Who ends up with the caller; null leaves the caller with the bot. */
    readonly agent: DeskName | null;
    /** The caller's user agent makes a new call of its own to the agent. */
    readonly direct: boolean;
  };
}

const base = { to: 'desk-1', gated: false, callerRefer: 'follow' } as const;

/** Every way of handing a call over once, each with another trigger where there is one. */
export const SCENARIOS: readonly Scenario[] = [
  {
    ...base,
    name: 'blind-refer',
    about: 'blind transfer by REFER: the caller’s user agent calls the agent itself',
    number: '2001',
    mode: 'blind',
    method: 'refer',
    trigger: 'bot REFER',
    expected: { outcome: 'completed', methods: ['refer'], agent: 'desk-1', direct: true },
  },
  {
    ...base,
    name: 'blind-invite',
    about: 'blind transfer by a bridged INVITE',
    number: '2002',
    mode: 'blind',
    method: 'invite',
    trigger: 'DTMF 0',
    expected: { outcome: 'completed', methods: ['invite'], agent: 'desk-1', direct: false },
  },
  {
    ...base,
    name: 'auto-fallback',
    about: 'method auto: REFER is refused with 603, so the agent is bridged by INVITE',
    number: '2003',
    mode: 'blind',
    method: 'auto',
    trigger: 'INFO intent',
    callerRefer: 'refuse',
    expected: { outcome: 'completed', methods: ['refer', 'invite'], agent: 'desk-1', direct: false },
  },
  {
    ...base,
    name: 'attended-bridge',
    about: 'attended transfer: the agent presses 1 to take the call, then both are bridged',
    number: '2004',
    mode: 'attended',
    method: 'invite',
    gated: true,
    trigger: 'low confidence x3',
    expected: { outcome: 'completed', methods: ['invite'], agent: 'desk-1', direct: false },
  },
  {
    ...base,
    name: 'attended-invite-replaces',
    about: 'attended transfer by INVITE with Replaces: the node takes over the bot’s own consultation',
    number: '2005',
    mode: 'attended',
    method: 'replaces',
    trigger: 'bot consultation',
    expected: { outcome: 'completed', methods: ['replaces'], agent: 'desk-1', direct: false },
  },
  {
    ...base,
    name: 'attended-refer-replaces',
    about: 'attended transfer by REFER with Replaces: the caller takes over the consultation',
    number: '2006',
    mode: 'attended',
    method: 'refer',
    trigger: 'API',
    // The consultation is an attempt of its own, and so is the hand-over that follows it.
    expected: { outcome: 'completed', methods: ['invite', 'refer'], agent: 'desk-1', direct: true },
  },
  {
    ...base,
    name: 'first-busy',
    about: 'the first destination is busy, the next one answers',
    number: '2007',
    to: 'team',
    mode: 'blind',
    method: 'invite',
    trigger: 'DTMF 0',
    expected: { outcome: 'completed', methods: ['invite', 'invite'], agent: 'desk-2', direct: false },
  },
  {
    ...base,
    name: 'all-busy',
    about: 'everybody is busy: the bot goes on with the caller on the same session',
    number: '2008',
    to: 'busy-team',
    mode: 'blind',
    method: 'invite',
    trigger: 'INFO intent',
    expected: { outcome: 'busy', methods: ['invite', 'invite'], agent: null, direct: false },
  },
];
