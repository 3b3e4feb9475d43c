import type { TrunkRegistration } from '../../call/trunk-auth.js';
import type { SipHeaders } from '../../call/vocabulary.js';
import { cseqOf, firstValue, readNameAddress, userOf, valuesOf } from '../header-reading.js';

/** One REGISTER as it is to be sent. */
export interface RegisterRequest {
  /** The domain. */
  readonly uri: string;
  /** The host of the trunk that it goes to. */
  readonly hop: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What became of it; status 0 where it could not be sent. */
export interface RegisterResult {
  readonly status: number;
  readonly reason: string;
  readonly headers: SipHeaders;
  /** Empty where no peer answered. */
  readonly sourceAddress: string;
}

/** What one binding keeps through its life (RFC 3261 10.2). */
export interface Binding {
  readonly callId: string;
  readonly fromTag: string;
  readonly contactUser: string;
}

export function buildRegister(
  { aor, registrar }: TrunkRegistration,
  binding: Binding,
  hop: string,
  cseq: number,
  expiresS: number,
): RegisterRequest {
  return {
    uri: registrar,
    hop,
    headers: {
      To: `<${aor}>`,
      From: `<${aor}>;tag=${binding.fromTag}`,
      'Call-ID': binding.callId,
      CSeq: `${cseq} REGISTER`,
      // The SIP server puts its own address for `localhost`.
      Contact: `<${contactUri(hop, binding.contactUser)}>;expires=${expiresS}`,
      Expires: String(expiresS),
      Supported: 'path',
    },
  };
}

/** The peer reaches us over the transport by which we reach it. */
function contactUri(hop: string, user: string): string {
  if (/^sips:/i.test(hop)) return `sips:${user}@localhost`;
  const transport = /;transport=([a-z]+)/i.exec(hop)?.[1]?.toLowerCase();
  if (transport === undefined || transport === 'udp') return `sip:${user}@localhost`;
  return `sip:${user}@localhost;transport=${transport === 'wss' ? 'ws' : transport}`;
}

/** What a 2xx grants. */
export interface Grant {
  readonly expiresS: number;
  /** RFC 3608: Route values of requests to come, in order. */
  readonly serviceRoute: readonly string[];
}

/** Reads a 2xx: the expiry of our Contact, else of Expires, else what was asked for. */
export function readGrant({ headers }: RegisterResult, contactUser: string, askedS: number): Grant {
  const own = elementsOf(headers, 'contact').find(
    (value) => userOf(readNameAddress(value)?.uri ?? '') === contactUser,
  );
  const ofContact = /;\s*expires\s*=\s*"?(\d{1,9})/i.exec(own?.slice(own.indexOf('>') + 1) ?? '')?.[1];
  const written = ofContact ?? /^\s*(\d{1,9})/.exec(firstValue(headers, 'expires') ?? '')?.[1];
  return {
    expiresS: written === undefined ? askedS : Number(written),
    serviceRoute: elementsOf(headers, 'service-route').filter((value) => value.includes('<')),
  };
}

/** Min-Expires of a 423, in seconds; null where it says nothing (RFC 3261 20.23). */
export function minExpiresOf(headers: SipHeaders): number | null {
  const written = /^\s*(\d{1,9})/.exec(firstValue(headers, 'min-expires') ?? '')?.[1];
  return written === undefined ? null : Number(written);
}

/** Retry-After in seconds; null without. */
export function retryAfterOf(headers: SipHeaders): number | null {
  const written = /^\s*(\d{1,6})/.exec(firstValue(headers, 'retry-after') ?? '')?.[1];
  return written === undefined ? null : Number(written);
}

/** The CSeq number that the last sending had: answers to challenges have used some. */
export const usedCSeq = ({ headers }: RegisterResult): number => cseqOf(headers) ?? 0;

/** The elements of a list header over all its lines; commas inside `<…>` or quotes do not separate. */
function elementsOf(headers: SipHeaders, name: string): string[] {
  return valuesOf(headers, name).flatMap((line) =>
    (line.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,])+/g) ?? [])
      .map((element) => element.trim())
      .filter((element) => element !== ''),
  );
}
