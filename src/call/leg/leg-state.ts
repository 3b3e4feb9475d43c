/**
 * Where a leg stands. UAS: offered → answering → established. UAC: preparing → inviting → early → established.
 * `hanging`: we want to BYE, but our 2xx has no ACK yet (RFC 3261 15). `cancelling`: CANCEL sent, the final
 * response is awaited. `leaving`: BYE sent.
 */
export type LegState =
  | 'new'
  | 'offered'
  | 'answering'
  | 'preparing'
  | 'inviting'
  | 'early'
  | 'cancelling'
  | 'established'
  | 'hanging'
  | 'leaving'
  | 'gone';

export type LegTrigger =
  | 'incoming'
  | 'accept'
  | 'reject'
  | 'cancelled'
  | 'established'
  | 'dial'
  | 'abandon'
  | 'invite'
  | 'provisional'
  | 'accepted'
  | 'rejected'
  | 'cancel'
  | 'bye'
  | 'byeLater'
  | 'confirmed'
  | 'byeReceived'
  | 'gone';

const TABLE: Readonly<Record<LegState, Partial<Record<LegTrigger, LegState>>>> = {
  new: { incoming: 'offered', dial: 'preparing' },
  // A BYE in an early dialog is the caller's right (RFC 3261 15); the INVITE still wants its final response.
  offered: { accept: 'answering', reject: 'gone', cancelled: 'gone', byeReceived: 'gone' },
  // A CANCEL that crosses our 2xx ends the INVITE where the stack had not sent it yet.
  answering: {
    established: 'established',
    byeLater: 'hanging',
    byeReceived: 'gone',
    cancelled: 'gone',
    gone: 'gone',
  },
  preparing: { invite: 'inviting', abandon: 'gone' },
  inviting: {
    provisional: 'early',
    accepted: 'established',
    rejected: 'gone',
    cancel: 'cancelling',
    byeReceived: 'gone',
  },
  early: {
    provisional: 'early',
    accepted: 'established',
    rejected: 'gone',
    cancel: 'cancelling',
    byeReceived: 'gone',
  },
  // RFC 3261 9.1: the 2xx may cross our CANCEL; the late answer gets a BYE.
  cancelling: {
    provisional: 'cancelling',
    accepted: 'leaving',
    rejected: 'gone',
    gone: 'gone',
    byeReceived: 'gone',
  },
  established: { bye: 'leaving', byeLater: 'hanging', byeReceived: 'gone', gone: 'gone' },
  hanging: {
    established: 'hanging',
    confirmed: 'leaving',
    byeReceived: 'gone',
    cancelled: 'gone',
    gone: 'gone',
  },
  leaving: { gone: 'gone', byeReceived: 'gone' },
  gone: {},
};

/** The next state, or null where the trigger is invalid in this one. */
export function nextLegState(state: LegState, trigger: LegTrigger): LegState | null {
  return TABLE[state][trigger] ?? null;
}
