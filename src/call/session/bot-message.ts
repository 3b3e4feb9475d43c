import type { PolicyEvent } from '../decision.js';
import type { TransferReason } from '../vocabulary.js';

/** What a bot may say in an INFO of type application/json. */
export type BotMessage =
  | { readonly kind: 'event'; readonly event: PolicyEvent }
  | {
      readonly kind: 'transfer';
      readonly to: string | null;
      readonly reason: TransferReason;
      readonly summary: string | null;
      readonly headers: Readonly<Record<string, string>>;
      readonly mode: 'blind' | 'attended' | null;
    }
  | { readonly kind: 'accept_transfer' }
  | { readonly kind: 'cancel_transfer' }
  | { readonly kind: 'hangup'; readonly cause: string };

const REASONS: readonly TransferReason[] = [
  'user_request',
  'low_confidence',
  'business_rule',
  'bot_failure',
  'operator',
];

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function stringsOf(value: unknown): Record<string, string> {
  const out: Record<string, string> = {};
  if (typeof value !== 'object' || value === null) return out;
  for (const [name, one] of Object.entries(value)) {
    if (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean')
      out[name] = String(one);
  }
  return out;
}

function primitivesOf(source: object): Record<string, string | number | boolean> {
  const out: Record<string, string | number | boolean> = {};
  for (const [name, one] of Object.entries(source)) {
    const value: unknown = one;
    if (name === 'event') continue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      out[name] = value;
  }
  return out;
}

/** Has the bot finished its sentence before a transfer? */
export function isBotDone(event: PolicyEvent): boolean {
  return event.kind === 'custom' && event.name === 'done';
}

/** Reads a bot's message; null where it is not JSON or names no event. */
export function parseBotMessage(body: string | null): BotMessage | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body ?? '');
  } catch {
    // Not JSON: the caller answers 400.
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const message = parsed as Record<string, unknown>;
  const name = textOf(message['event']);
  switch (name) {
    case null:
      return null;
    case 'turn': {
      const confidence = typeof message['confidence'] === 'number' ? message['confidence'] : null;
      const { intent, text } = message;
      return {
        kind: 'event',
        event: { kind: 'turn', intent: textOf(intent), confidence, text: textOf(text) },
      };
    }
    case 'no_match':
    case 'no_input':
      return { kind: 'event', event: { kind: name } };
    case 'transfer': {
      const reason = REASONS.find((one) => one === message['reason']) ?? 'user_request';
      const mode = message['mode'] === 'attended' || message['mode'] === 'blind' ? message['mode'] : null;
      const headers = stringsOf(message['headers']);
      return {
        kind: 'transfer',
        to: textOf(message['to']),
        reason,
        summary: textOf(message['summary']),
        headers,
        mode,
      };
    }
    case 'accept_transfer':
    case 'cancel_transfer':
      return { kind: name };
    case 'hangup':
      return { kind: 'hangup', cause: textOf(message['cause']) ?? 'hangup' };
    default:
      return { kind: 'event', event: { kind: 'custom', name, data: primitivesOf(message) } };
  }
}
