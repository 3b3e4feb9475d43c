import type { SipRequest, SipResponse } from '../../sip/message.js';
import { serializeMessage } from '../../sip/serialize-message.js';
import type { Source } from '../../sip/transaction/transport.js';
import type { Core } from './core.js';
import type { EngineDialog } from './engine-dialog.js';

/** Says to the application what was challenged: `METHOD URI`. Never on the network. */
export const REFRESH_HEADER = 'Relevo-Refresh';
const PREFIX = 'refresh-';
const MAX_WAITING = 10_000;

/**
 * Session refreshes of the engine that were challenged. The engine has no credentials, so the 401 or 407 goes to the
 * application as a response of a transaction `refresh-…`, with the body of the request; an application that knows of it
 * sends the request again under that transaction id with Authorization, others pass it over.
 */
export class RefreshChallenges {
  readonly #core: Core;
  readonly #waiting = new Map<string, EngineDialog>();

  constructor(core: Core) {
    this.#core = core;
  }

  handUp(dialog: EngineDialog, request: SipRequest, response: SipResponse, source: Source): void {
    if (!dialog.session.open) return;
    const id = `${PREFIX}${this.#core.random.uuid()}`;
    if (this.#waiting.size >= MAX_WAITING) {
      const oldest = this.#waiting.keys().next();
      if (!oldest.done) this.#waiting.delete(oldest.value);
    }
    this.#waiting.set(id, dialog);
    const headers = response.headers.clone();
    headers.set(REFRESH_HEADER, `${request.method} ${request.uri}`);
    const bytes = serializeMessage({ ...response, headers, body: request.body });
    dialog.session.send(this.#core.report.message(bytes.length, source, id, dialog.id), bytes);
  }

  /** The dialog whose refresh the application continues; undefined where it is none that waits. Asked once. */
  take(id: string): EngineDialog | undefined {
    const dialog = this.#waiting.get(id);
    this.#waiting.delete(id);
    return dialog?.state === 'confirmed' ? dialog : undefined;
  }

  /** The refresh is tried anew, or the dialog is over: nobody waits for credentials. */
  forget(dialog: EngineDialog): void {
    for (const [id, waiting] of this.#waiting) if (waiting === dialog) this.#waiting.delete(id);
  }
}

export const continuesRefresh = (transactionId: string): boolean => transactionId.startsWith(PREFIX);
