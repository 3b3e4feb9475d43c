import type { CallHost } from '../call-host.js';
import type { OrderResult } from '../call-io.js';
import type { CallOrder } from '../call-record.js';
import { isBotDone } from './bot-message.js';
import type { Triggers } from './triggers.js';

/** Carries out an order of the operator or the API on a call that is not ending. */
export function takeOrder(host: CallHost, triggers: Triggers, order: CallOrder): OrderResult {
  switch (order.kind) {
    case 'hangup':
      host.end({ endedBy: 'relevo', cause: order.cause });
      return { accepted: true };
    case 'botEvent':
      if (!isBotDone(order.event) || !host.botDone()) triggers.happened(order.event);
      return { accepted: true };
    case 'cancelTransfer':
      return host.cancelTransfer(order.transferId)
        ? { accepted: true }
        : { accepted: false, code: 'unknown_transfer', detail: `${order.transferId} is not in flight` };
    case 'listen':
      return host.listeners.start(order);
    case 'stopListening':
      return host.listeners.stop(order.listenerId);
    case 'transfer': {
      if (!host.answered && !host.transferInFlight()) {
        return { accepted: false, code: 'call_not_answered', detail: 'the call is not answered yet' };
      }
      const rest = { rule: null, evidence: null, referredBy: null, replaces: null, listener: null };
      return host.requestTransfer({ ...order, ...rest });
    }
  }
}
