import type { SipRequest } from '../../sip/message.js';
import type { Source } from '../../sip/transaction/transport.js';
import type { ClientSession } from '../control/client-session.js';
import type { EngineDialog } from './engine-dialog.js';

/** A request of a peer that waits for an application's final response. `id` is the application's name for it. */
export interface IncomingRequest {
  readonly id: string;
  /** The transaction layer's name for it. */
  readonly key: string;
  readonly request: SipRequest;
  readonly source: Source;
  readonly session: ClientSession;
  readonly receivedMs: number;
  /** The dialog it came in, or the one that its responses opened. */
  dialog: EngineDialog | undefined;
  readonly inDialog: boolean;
  /** A provisional response was sent: from then on the application may take its time. */
  progressing: boolean;
}
