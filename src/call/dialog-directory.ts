import type { DialogName, LegOfCall } from './signalling-port.js';

/** A dialog of this node, as the peer at its other end names it. */
export interface KnownDialog extends LegOfCall {
  readonly confirmed: boolean;
  /** The trunk of its call takes Replaces. */
  readonly acceptReplaces: boolean;
  /** Its call and the asking one are joined already, directly or by calls in between. */
  readonly joined: boolean;
}

/** The dialogs of every call of this thread. */
export interface DialogDirectory {
  /** `callId` asks. Null for a dialog that is none of ours. */
  find(
    callId: string,
    name: Pick<DialogName, 'sipCallId' | 'localTag' | 'remoteTag'>,
  ): KnownDialog | 'ended' | null;
}
