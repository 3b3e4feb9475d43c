const BY_EVENT = '0123456789*#ABCD';

/**
 * The digit in the body of an INFO: `application/dtmf-relay` (`Signal=5`), or `application/dtmf` (the bare digit).
 * Signals 10 to 15 are event codes (RFC 4733 3.2). Null where the INFO carries no digit.
 */
export function dtmfDigit(contentType: string | null, body: string | null): string | null {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase();
  if (body === null) return null;
  let signal: string | undefined;
  if (type === 'application/dtmf-relay') signal = /^\s*signal\s*=\s*(\S+)/im.exec(body)?.[1];
  else if (type === 'application/dtmf') signal = body.trim();
  if (signal === undefined) return null;
  if (/^[0-9*#A-D]$/i.test(signal)) return signal.toUpperCase();
  return /^1[0-5]$/.test(signal) ? BY_EVENT[Number(signal)]! : null;
}
