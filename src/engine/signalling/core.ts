import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import type { SipMessage } from '../../sip/message.js';
import type { TransactionLayer } from '../../sip/transaction/transaction-layer.js';
import type { Destination, Outbound } from '../../sip/transaction/transport.js';
import type { ClientSession } from '../control/client-session.js';
import type { ApplicationDelay } from '../protection/application-delay.js';
import type { Transports } from '../transport/transports.js';
import type { CdrReports } from './cdr-reports.js';
import type { DialogTable } from './dialog-table.js';
import type { ReportFormat } from './report.js';
import type { TargetLocator } from './target-locator.js';

/** What incoming and outgoing requests share. */
export interface Core {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly transports: Transports;
  readonly outbound: RecordingOutbound;
  readonly layer: TransactionLayer;
  readonly dialogs: DialogTable;
  readonly report: ReportFormat;
  readonly locator: TargetLocator;
  /** The bytes that a message arrived as, with `received` and `rport` noted; for applications. */
  readonly rawOf: (message: SipMessage) => Buffer;
  /** The application whose turn it is, of those with the tag where one is given. */
  readonly pickClient: (method: string, tag?: string) => ClientSession | undefined;
  readonly cdr: CdrReports;
  /** Told how long applications take for what they answer by themselves. */
  readonly applicationDelay: ApplicationDelay;
}

/** Passes on to the transports and keeps the last bytes, which the application is shown. */
export class RecordingOutbound implements Outbound {
  readonly #transports: Transports;
  lastBytes: Buffer = Buffer.alloc(0);

  constructor(transports: Transports) {
    this.#transports = transports;
  }

  send(
    destination: Destination,
    bytes: Buffer,
    transactionId: string | undefined,
    message?: SipMessage,
  ): void {
    this.lastBytes = bytes;
    this.#transports.send(destination, bytes, transactionId, message);
  }

  sentBy(destination: Destination): string {
    return this.#transports.sentBy(destination);
  }
}
