/** A SIP URI taken apart, or a bare telephone number. Anything else is not a target. */
export type SipTarget =
  | {
      readonly kind: 'uri';
      readonly scheme: 'sip' | 'sips';
      readonly user: string;
      readonly host: string;
      /** `host` with its port, as written. */
      readonly hostPort: string;
      readonly transport: string | null;
    }
  | { readonly kind: 'number'; readonly number: string; readonly thenDial: string | null };

const URI =
  /^(sips?):(?:([A-Za-z0-9\-_.!~*'()&=+$,;?/%#]+)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?((?:;[A-Za-z0-9\-_.!~*'()+$%[\]/:&]+(?:=[A-Za-z0-9\-_.!~*'()+$%[\]/:&"]+)?)*)$/;
const NUMBER = /^(?:tel:)?(\+?[0-9*#][0-9*#.()-]{0,31})((?:;[a-z0-9-]+=[A-Za-z0-9*#+.,-]+)*)$/i;

/**
 * Reads what an operator or a bot named as the target. Headers in the URI (`?...`), user parameters and anything
 * with blanks or control characters are refused: null.
 */
export function parseSipTarget(text: string): SipTarget | null {
  const trimmed = text.trim();
  const number = NUMBER.exec(trimmed);
  if (number) {
    const postd = /;postd=([0-9*#A-Da-d,p]+)/.exec(number[2] ?? '');
    return { kind: 'number', number: number[1]!.replace(/[.()-]/g, ''), thenDial: postd?.[1] ?? null };
  }
  const uri = URI.exec(trimmed);
  if (!uri) return null;
  const [, scheme, user, host, port, params] = uri;
  const transport = /;transport=([a-z]+)/i.exec(params ?? '')?.[1] ?? null;
  return {
    kind: 'uri',
    scheme: scheme!.toLowerCase() === 'sips' ? 'sips' : 'sip',
    user: user ?? '',
    host: host!.toLowerCase(),
    hostPort: `${host!}${port ?? ''}`,
    transport: transport === null ? null : transport.toLowerCase(),
  };
}

/** Writes a parsed URI without anything but user, host, port and transport. */
export function writeSipTarget(target: Extract<SipTarget, { kind: 'uri' }>): string {
  const user = target.user === '' ? '' : `${target.user}@`;
  const transport = target.transport === null ? '' : `;transport=${target.transport}`;
  return `${target.scheme}:${user}${target.hostPort}${transport}`;
}
