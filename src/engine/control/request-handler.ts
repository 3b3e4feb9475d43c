import type { SipRequest } from '../../sip/message.js';
import type { Source } from '../../sip/transaction/transport.js';
import { parseSipUri } from '../../sip/uri.js';
import type { RequestHandlerOptions } from '../engine-options.js';
import { parseTimeout, type ProxyOptions } from '../proxy/proxy-options.js';

/** What a request handler wants done with a new request. */
export type HandlerDecision =
  | { readonly action: 'connect'; readonly host: string; readonly port: number; readonly tls: boolean }
  | { readonly action: 'tag'; readonly tag: string }
  | { readonly action: 'reject'; readonly status: number; readonly reason: string | undefined }
  | { readonly action: 'redirect'; readonly contacts: readonly string[] }
  | { readonly action: 'proxy'; readonly options: ProxyOptions };

const DEFAULT_TIMEOUT_MS = 2_000;
const MAX_ANSWER_BYTES = 65_536;
const CONTROL_PORT = 9_022;

/** The handler for requests of that method; one for `*` takes what the others do not. */
export function handlerFor(
  handlers: readonly RequestHandlerOptions[],
  method: string,
): RequestHandlerOptions | undefined {
  const of = (name: string): RequestHandlerOptions | undefined =>
    handlers.find((handler) => handler.method.toUpperCase() === name);
  return of(method) ?? of('*');
}

/** Asks the handler over HTTP what to do. Rejects when it does not answer in time, or not sensibly. */
export async function askHandler(
  handler: RequestHandlerOptions,
  request: SipRequest,
  source: Source,
): Promise<HandlerDecision> {
  const url = new URL(handler.url);
  for (const [name, value] of queryOf(request, source)) url.searchParams.append(name, value);
  const response = await fetch(url, {
    signal: AbortSignal.timeout(handler.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    headers: { accept: 'application/json' },
    redirect: 'error',
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`request handler answered ${response.status}`);
  if (text.length > MAX_ANSWER_BYTES) throw new Error('request handler answered too much');
  const decision = readDecision(JSON.parse(text));
  if (!decision) throw new Error('request handler answered something unknown');
  return decision;
}

function queryOf({ method, uri, headers }: SipRequest, source: Source): [string, string][] {
  const target = parseSipUri(uri);
  const userOf = (text: string | undefined): string => parseSipUri(text ?? '')?.user ?? '';
  return [
    ['method', method],
    ['domain', target?.host ?? ''],
    ['protocol', source.transport],
    ['source_address', source.address],
    ['fromUser', userOf(headers.from()?.uri)],
    ['toUser', userOf(headers.to()?.uri)],
    ['uriUser', target?.user ?? ''],
    ['contentType', headers.get('content-type') ?? ''],
    ['uri', uri],
  ];
}

/** Reads `{ "action": …, "data": … }`; undefined when it is none that the engine knows. */
export function readDecision(answer: unknown): HandlerDecision | undefined {
  if (!isRecord(answer)) return undefined;
  const data = isRecord(answer.data) ? answer.data : {};
  switch (answer.action) {
    case 'route':
      return typeof data.tag === 'string' ? { action: 'tag', tag: data.tag } : readConnect(data.uri);
    case 'reject': {
      const { status, reason } = data;
      if (typeof status !== 'number' || !Number.isInteger(status) || status < 300 || status > 699)
        return undefined;
      return {
        action: 'reject',
        status,
        reason: typeof reason === 'string' ? reason.replace(/[\r\n]+/g, ' ') : undefined,
      };
    }
    case 'redirect': {
      const contacts = strings(data.contacts);
      return contacts.length > 0 ? { action: 'redirect', contacts } : undefined;
    }
    case 'proxy': {
      const destinations = strings(data.destination ?? data.destinations);
      if (destinations.length === 0) return undefined;
      return {
        action: 'proxy',
        options: {
          recordRoute: data.recordRoute === true,
          fullResponse: false,
          followRedirects: data.followRedirects !== false,
          simultaneous: data.simultaneous === true,
          provisionalMs: timeout(data.provisionalTimeout),
          finalMs: timeout(data.finalTimeout),
          destinations,
        },
      };
    }
    default:
      return undefined;
  }
}

function readConnect(uri: unknown): HandlerDecision | undefined {
  if (typeof uri !== 'string') return undefined;
  const parts = /^(?:(?:tcp|tls|sip):(?:\/\/)?)?(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?(;.*)?$/i.exec(
    uri.trim(),
  );
  if (!parts) return undefined;
  const port = Number(parts[2] ?? CONTROL_PORT);
  if (port < 1 || port > 65_535) return undefined;
  const tls = /^tls:/i.test(uri) || /;transport=tls\b/i.test(parts[3] ?? '');
  return { action: 'connect', host: parts[1]!.replace(/^\[|\]$/g, ''), port, tls };
}

function strings(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values
    .filter((one): one is string => typeof one === 'string' && one !== '')
    .map((one) => (/^(?:sips?|tel):/i.test(one) ? one : `sip:${one}`));
}

function timeout(value: unknown): number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? parseTimeout(String(value)) : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
