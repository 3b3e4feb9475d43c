/**
 * Where a transfer stands. `preparing`: the bot ends its sentence, the caller is told. `trying`: attempts are out.
 * `meeting`: caller, bot and person talk together. `completing`: the person is reached, the hand-over itself is under way. `announcing`: it failed and the caller is told. `concluding`: the outcome is certain, the figures are
 * awaited.
 */
export type TransferPhase =
  'new' | 'preparing' | 'trying' | 'meeting' | 'completing' | 'announcing' | 'concluding' | 'ended';

export type TransferTrigger = 'prepare' | 'try' | 'reached' | 'meet' | 'announce' | 'conclude' | 'finish';

const TABLE: Readonly<Record<TransferPhase, Partial<Record<TransferTrigger, TransferPhase>>>> = {
  new: { prepare: 'preparing', try: 'trying', announce: 'announcing', conclude: 'concluding' },
  preparing: { try: 'trying', announce: 'announcing', conclude: 'concluding' },
  trying: { try: 'trying', reached: 'completing', announce: 'announcing', conclude: 'concluding' },
  completing: {
    try: 'trying',
    reached: 'completing',
    meet: 'meeting',
    announce: 'announcing',
    conclude: 'concluding',
  },
  meeting: { try: 'trying', reached: 'completing', announce: 'announcing', conclude: 'concluding' },
  announcing: { try: 'trying', announce: 'announcing', conclude: 'concluding' },
  concluding: { finish: 'ended' },
  ended: {},
};

/** The next phase, or null where the trigger is invalid in this one. */
export function nextTransferPhase(phase: TransferPhase, trigger: TransferTrigger): TransferPhase | null {
  return TABLE[phase][trigger] ?? null;
}
