/** Compact forms: RFC 3261 7.3.3 and 20, RFC 3265, 3515, 3841, 3892, 4028, 4474, 6665. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

const FREQUENT = [
  'Via,From,To,Call-ID,Call-Id,CSeq,Contact,Max-Forwards,Content-Length,Content-Type,Route,Record-Route,Allow',
  'Supported,Require,User-Agent,Server,Expires,Session-Expires,Min-SE,Refer-To,Referred-By,Replaces,Event',
  'Subscription-State,RSeq,RAck,Authorization,Proxy-Authorization,WWW-Authenticate,Proxy-Authenticate,Date',
  'Allow-Events,Accept,Reason,Warning,Retry-After,P-Asserted-Identity,Privacy,Diversion,History-Info,Timestamp',
  'User-to-User,Subject,Unsupported,Proxy-Require,Path,Service-Route,Content-Disposition,Accept-Language',
]
  .join(',')
  .split(',');

/** Spellings seen on the wire, resolved once; fixed at load, so that a peer cannot make it grow. */
const KNOWN: ReadonlyMap<string, string> = new Map([
  ...FREQUENT.flatMap((name): [string, string][] => [
    [name, name.toLowerCase()],
    [name.toLowerCase(), name.toLowerCase()],
  ]),
  ...Object.entries(COMPACT).flatMap(([short, long]): [string, string][] => [
    [short, long],
    [short.toUpperCase(), long],
  ]),
]);

/** The lower-case long form of a header name, in whatever spelling it came (RFC 3261 7.3.1, 7.3.3). */
export function canonicalHeaderName(name: string): string {
  const known = KNOWN.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  return KNOWN.get(lower) ?? lower;
}
