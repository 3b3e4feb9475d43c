/** The status line of a message/sipfrag body (RFC 3420); headers after it and an empty reason are fine. */
export function parseSipfrag(body: string | null): { status: number; reason: string } | null {
  const match = /^\s*SIP\/2\.0[ \t]+([1-6]\d\d)(?:[ \t]+([^\r\n]*))?(?:\r?\n|$)/i.exec(body ?? '');
  if (!match) return null;
  return { status: Number(match[1]), reason: (match[2] ?? '').trim() };
}

/** What a Subscription-State header says (RFC 6665 8.2.3). */
export function parseSubscriptionState(value: string | null): { terminated: boolean; reason: string | null } {
  const [state = '', ...params] = (value ?? '').split(';');
  const reason = params
    .map((one) => /^\s*reason\s*=\s*(\S+)\s*$/i.exec(one)?.[1])
    .find((one) => one !== undefined);
  return { terminated: state.trim().toLowerCase() === 'terminated', reason: reason ?? null };
}

/** The `id` of an `Event: refer;id=...` header; undefined where it is another event package. */
export function referEventId(value: string | null): string | null | undefined {
  const [name = '', ...params] = (value ?? '').split(';');
  if (name.trim().toLowerCase() !== 'refer') return undefined;
  for (const param of params) {
    const id = /^\s*id\s*=\s*(\S+)\s*$/i.exec(param)?.[1];
    if (id !== undefined) return id;
  }
  return null;
}
