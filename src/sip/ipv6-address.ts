const GROUP = /^[0-9a-fA-F]{1,4}$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const GROUPS = 8;

/** Whether the text, without brackets, is an IPv6 address (RFC 4291 2.2, with the grammar as RFC 5954 corrects it). */
export function isIpv6Address(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const endsAsIpv4 = last?.includes('.') === true && !text.endsWith('::');
  if (endsAsIpv4 && !IPV4.test(last)) return false;
  if (!(endsAsIpv4 ? groups.slice(0, -1) : groups).every((group) => GROUP.test(group))) return false;
  const count = groups.length + (endsAsIpv4 ? 1 : 0);
  return halves.length === 2 ? count < GROUPS : count === GROUPS;
}
