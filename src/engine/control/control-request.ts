import { parseProxyFields, type ProxyOptions } from '../proxy/proxy-options.js';

/** A message from an application, read from its leader line. `id` is the application's message id. */
export type ControlRequest =
  | {
      readonly type: 'authenticate';
      readonly id: string;
      readonly secret: string;
      readonly tags: readonly string[];
    }
  | { readonly type: 'route'; readonly id: string; readonly verb: string }
  | { readonly type: 'remove_route'; readonly id: string; readonly verb: string }
  | { readonly type: 'ping'; readonly id: string }
  | {
      readonly type: 'sip';
      readonly id: string;
      readonly transactionId: string;
      readonly dialogId: string;
      /** URI of an outbound proxy; empty without one. */
      readonly proxy: string;
      readonly sip: Buffer;
    }
  | {
      readonly type: 'proxy';
      readonly id: string;
      readonly transactionId: string;
      readonly options: ProxyOptions;
      readonly sip: Buffer;
    }
  | {
      readonly type: 'invalid';
      readonly id: string;
      readonly text: 'Invalid message format' | 'Unknown message type';
    };

const CR = 0x0d;
const NOTHING = Buffer.alloc(0);
const PROXY_FIELDS = 3;

/** Reads one control payload. Never throws: what it cannot read is `invalid`, with the text to answer. */
export function parseControlRequest(payload: Buffer): ControlRequest {
  const lineEnd = payload.indexOf(CR);
  const leader = payload.toString('utf8', 0, lineEnd < 0 ? payload.length : lineEnd);
  const sip = lineEnd < 0 ? NOTHING : payload.subarray(lineEnd + 2);
  const tokens = leader.split('|');
  const id = tokens[0]!;
  switch (tokens[1]) {
    case undefined:
      return { type: 'invalid', id, text: 'Invalid message format' };
    case 'authenticate':
      return {
        type: 'authenticate',
        id,
        secret: tokens[2] ?? '',
        tags: (tokens[3] ?? '').split(',').filter((tag) => tag !== ''),
      };
    case 'route':
    case 'remove_route': {
      const verb = tokens[2]?.toLowerCase() ?? '';
      if (verb === '') return { type: 'invalid', id, text: 'Invalid message format' };
      return { type: tokens[1], id, verb };
    }
    case 'ping':
      return { type: 'ping', id };
    case 'sip':
      if (sip.length === 0) return { type: 'invalid', id, text: 'Invalid message format' };
      return {
        type: 'sip',
        id,
        transactionId: tokens[2] ?? '',
        dialogId: tokens[3] ?? '',
        proxy: tokens[4] ?? '',
        sip,
      };
    case 'proxy':
      return {
        type: 'proxy',
        id,
        transactionId: tokens[2] ?? '',
        options: parseProxyFields(tokens.slice(PROXY_FIELDS)),
        sip,
      };
    default:
      return { type: 'invalid', id, text: 'Unknown message type' };
  }
}
