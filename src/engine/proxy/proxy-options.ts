/** How a request is to be proxied. Times in milliseconds; undefined takes the default. */
export interface ProxyOptions {
  readonly recordRoute: boolean;
  /** Whether the application is told of every final response, not only of the end. */
  readonly fullResponse: boolean;
  readonly followRedirects: boolean;
  readonly simultaneous: boolean;
  /** A target that says nothing at all for this long is given up. */
  readonly provisionalMs: number | undefined;
  /** A target without final response after this long is cancelled; the RFC's timer C otherwise. */
  readonly finalMs: number | undefined;
  readonly destinations: readonly string[];
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** `2s`, `1500ms`; undefined when empty or malformed. */
export function parseTimeout(text: string): number | undefined {
  const parts = /^(\d{1,7})(ms|s|m)?$/.exec(text.trim());
  return parts ? Number(parts[1]) * UNIT_MS[parts[2] ?? 's']! : undefined;
}

/** The fields of a `proxy` control message after the transaction id. */
export function parseProxyFields(fields: readonly string[]): ProxyOptions {
  const [remain = '', full = '', follow = '', order = '', provisional = '', final = '', ...destinations] =
    fields;
  return {
    recordRoute: remain === 'remainInDialog',
    fullResponse: full === 'fullResponse',
    followRedirects: follow === 'followRedirects',
    simultaneous: order === 'simultaneous',
    provisionalMs: parseTimeout(provisional),
    finalMs: parseTimeout(final),
    destinations: destinations.filter((uri) => uri !== ''),
  };
}
