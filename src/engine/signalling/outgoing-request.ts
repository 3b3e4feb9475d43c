import type { Timer } from '../../common/clock.js';
import type { SipRequest } from '../../sip/message.js';
import type { Destination } from '../../sip/transaction/transport.js';
import type { ClientSession } from '../control/client-session.js';
import type { EngineDialog } from './engine-dialog.js';
import type { Route } from './target-locator.js';

/** `waiting` for a name to resolve, `pending` until the final response, then `ended`. */
export type OutgoingState = 'waiting' | 'pending' | 'ended';

/** A request of an application on its way. `id` is the application's name for the transaction. */
export interface OutgoingRequest {
  readonly id: string;
  readonly session: ClientSession;
  /** As it was sent to `destination`: each destination gets a copy of its own, as transactions keep theirs. */
  request: SipRequest;
  readonly dialog: EngineDialog | undefined;
  /** Whether it is to open `dialog`, rather than a request within it. */
  readonly opensDialog: boolean;
  state: OutgoingState;
  /** The transaction layer's name for it. */
  key: string;
  destination: Destination;
  /** Where it goes next when the destination fails (RFC 3263 4.3). */
  others: readonly Route[];
  /** It goes by TCP for its size alone: if that fails it goes by UDP (RFC 3261 18.1.1). */
  upgraded: boolean;
  /** A CANCEL was asked for. */
  cancelled: boolean;
  /** The To tag and CSeq of the 2xx that counted. */
  answeredTag: string | undefined;
  lastRSeq: number | undefined;
  /** The engine, not the application, asked for a session timer: a 422 is the engine's to answer. */
  timerIsOurs: boolean;
  /** Runs until the peer says anything; undefined without a bound. */
  silence: Timer | undefined;
}
