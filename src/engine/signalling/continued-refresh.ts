import { serializeMessage } from '../../sip/serialize-message.js';
import type { ClientSession } from '../control/client-session.js';
import type { SipControlRequest } from '../control/control-server.js';
import type { Core } from './core.js';
import { continuesRefresh } from './refresh-challenges.js';
import type { ApplicationRequest } from './request-builder.js';
import type { SessionRefresh } from './session-refresh.js';

const CREDENTIALS = ['Authorization', 'Proxy-Authorization'] as const;

/** False for any other request. The application has credentials for a refresh of the engine that was challenged; the rest of the request is the engine's. */
export function continueRefresh(
  { report, outbound }: Core,
  sessions: SessionRefresh,
  session: ClientSession,
  control: Extract<SipControlRequest, { type: 'sip' }>,
  message: ApplicationRequest,
): boolean {
  const { transactionId } = control;
  if (!continuesRefresh(transactionId)) return false;
  const dialog = sessions.challenges.take(transactionId);
  if (dialog?.session !== session) {
    session.respond(control.id, 'NOK', 'Server error: no refresh waits for credentials');
    return true;
  }
  sessions.continueRefresh(dialog, {
    credentials: CREDENTIALS.flatMap((name) =>
      message.headers.getAll(name.toLowerCase()).map((value): [string, string] => [name, value]),
    ),
    sent: (listener) => {
      const bytes = outbound.lastBytes;
      session.respond(control.id, 'OK', report.sentRequest(bytes.length, listener, transactionId), bytes);
    },
    answered: (response, source) => {
      const bytes = serializeMessage(response);
      session.send(report.message(bytes.length, source, transactionId, dialog.id), bytes);
    },
    refused: (text) => {
      session.respond(control.id, 'NOK', `Server error: ${text}`);
    },
  });
  return true;
}
