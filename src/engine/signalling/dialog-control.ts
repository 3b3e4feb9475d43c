import type { Dialog } from '../../sip/dialog/dialog.js';
import type { SipRequest } from '../../sip/message.js';
import type { Destination, Source } from '../../sip/transaction/transport.js';
import type { ClientTransactionUser } from '../../sip/transaction/transaction-user.js';
import type { CdrStopReason } from './cdr-reports.js';
import type { Core } from './core.js';
import type { EngineDialog } from './engine-dialog.js';
import type { Located, Route } from './target-locator.js';

/** Why the engine ends a dialog by itself; drachtio-srf hands the text to the application. */
export type OwnByeReason =
  'ACK timeout' | 'ACK-BYE due to cancel race condition' | 'Session timer expired' | 'application gone';

const CDR_REASONS: Readonly<Record<OwnByeReason, CdrStopReason>> = {
  'ACK timeout': 'ackbye',
  'ACK-BYE due to cancel race condition': 'ackbye',
  'Session timer expired': 'session-expired',
  'application gone': 'system-initiated-termination',
};

/** What the engine does in a dialog of its own accord. */
export class DialogControl {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Forgets a dialog that is over. Idempotent. */
  end(dialog: EngineDialog): void {
    if (dialog.state === 'ended') return;
    dialog.state = 'ended';
    dialog.ackWait?.wait.close();
    dialog.ackWait = undefined;
    dialog.reliable?.close();
    dialog.sessionTimer?.stop();
    dialog.sip?.terminate();
    dialog.afterAck = undefined;
    this.#core.dialogs.remove(dialog);
    this.runHeld(dialog);
  }

  /** The engine's own re-INVITE is over: what the application wanted meanwhile is sent, or refused where the dialog has ended. */
  runHeld(dialog: EngineDialog): void {
    for (const run of dialog.held.splice(0)) run();
  }

  /** Calls `send` with the destination at once if it is known, else when the name is resolved; or `refuse` with the reason. */
  whenLocated(
    located: Located,
    send: (destination: Destination, upgraded: boolean, others: readonly Route[]) => void,
    refuse: (text: string) => void,
  ): void {
    switch (located.kind) {
      case 'at':
        send(located.destination, located.upgraded, located.others);
        return;
      case 'refused':
        refuse(located.text);
        return;
      case 'lookup':
        located.targets.then(
          (targets) => {
            this.whenLocated(located.at(targets), send, refuse);
          },
          (error: unknown) => {
            this.#core.log.info({ err: error }, 'host of a request not resolved');
            refuse('unable to resolve destination');
          },
        );
    }
  }

  /** Sends the ACK of a 2xx and keeps it for repetitions of the 2xx. `sent` hears its bytes. */
  sendAck(
    dialog: EngineDialog,
    ack: SipRequest,
    cseq: number,
    sent: (bytes: Buffer, destination: Destination) => void,
    refuse: (text: string) => void,
  ): void {
    this.whenLocated(
      this.#core.locator.locate(dialog.sip?.nextHop() ?? ack.uri, ack, dialog.lastSource),
      (destination) => {
        const bytes = this.#core.layer.sendStateless(ack, destination);
        dialog.unacked = undefined;
        dialog.lastAck = { cseq, bytes, destination };
        sent(bytes, destination);
      },
      refuse,
    );
  }

  /** ACKs a 2xx that no application will ACK. */
  ackByEngine(dialog: EngineDialog, cseq: number): void {
    if (!dialog.sip || dialog.lastAck?.cseq === cseq) return;
    const ack = dialog.sip.createAck(cseq);
    this.sendAck(
      dialog,
      ack,
      cseq,
      () => undefined,
      () => undefined,
    );
  }

  /** Ends a branch of a fork that answered second; the application never hears of it. */
  sendForkBye(branch: Dialog, source: Source): void {
    const bye = branch.createRequest('BYE');
    this.whenLocated(
      this.#core.locator.locate(branch.nextHop(), bye, source),
      (destination) => {
        this.#core.layer.sendRequest(bye, destination, UNOBSERVED);
      },
      () => undefined,
    );
  }

  /** Ends a dialog with a BYE of the engine's own, and tells the application of it. */
  sendBye(dialog: EngineDialog, reason: OwnByeReason): void {
    const { sip } = dialog;
    if (dialog.state === 'ended') return;
    this.end(dialog);
    if (!sip) return;
    const bye = sip.createRequest('BYE', { headers: [['Reason', `SIP;cause=200;text="${reason}"`]] });
    this.whenLocated(
      this.#core.locator.locate(sip.nextHop(), bye, dialog.lastSource),
      (destination) => {
        const listener = this.#core.transports.listenerFor(destination);
        this.#core.layer.sendRequest(bye, destination, UNOBSERVED);
        const bytes = this.#core.outbound.lastBytes;
        if (listener)
          dialog.session.send(this.#core.report.unsolicited(bytes.length, listener, dialog.id), bytes);
        this.#core.cdr.stop('application', bytes, CDR_REASONS[reason]);
      },
      (text) => {
        this.#core.log.warn({ callId: dialog.callId, text }, 'BYE could not be sent');
      },
    );
  }
}

/** The call is over for us whatever the peer answers. */
const UNOBSERVED: ClientTransactionUser = {
  onResponse: () => undefined,
  onTimeout: () => undefined,
  onTransportError: () => undefined,
};
