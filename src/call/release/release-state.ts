/**
 * Where the audio of a caller and a person stands. `settling`: they are joined, and it is awaited that nothing changes.
 * `asking`: it is found out from where their packets come. `releasing`: each is told of the other. `returning`: each is
 * called back. `kept`: it stays with us for as long as these two are joined.
 */
export type ReleaseState =
  'idle' | 'settling' | 'asking' | 'releasing' | 'released' | 'returning' | 'kept' | 'over';

export type ReleaseTrigger =
  /** Caller and person hear each other. */
  | 'joined'
  /** They do so no more. */
  | 'parted'
  | 'stable'
  /** Something changed between them. */
  | 'disturbed'
  | 'found'
  | 'keep'
  /** Both have been told. */
  | 'told'
  /** Both send to us. */
  | 'back'
  | 'ended';

const TABLE: Readonly<Record<ReleaseState, Partial<Record<ReleaseTrigger, ReleaseState>>>> = {
  idle: { joined: 'settling', ended: 'over' },
  settling: { stable: 'asking', disturbed: 'settling', parted: 'idle', keep: 'kept', ended: 'over' },
  asking: { found: 'releasing', disturbed: 'settling', parted: 'idle', keep: 'kept', ended: 'over' },
  // One of them may have been told already.
  releasing: { told: 'released', disturbed: 'returning', ended: 'over' },
  released: { disturbed: 'returning', ended: 'over' },
  returning: { back: 'idle', ended: 'over' },
  kept: { parted: 'idle', ended: 'over' },
  over: {},
};

/** The next state, or null where the trigger is invalid in this one. */
export function nextReleaseState(state: ReleaseState, trigger: ReleaseTrigger): ReleaseState | null {
  return TABLE[state][trigger] ?? null;
}
