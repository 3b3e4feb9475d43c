import { isToken, parseDecimal } from './scan.js';

/** A CSeq value (RFC 3261 20.16): the number is below 2^32. */
export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** Parses `4711 INVITE`; undefined when malformed. */
export function parseCSeq(value: string): CSeq | undefined {
  let at = 0;
  while (at < value.length && value.charCodeAt(at) > 32) at++;
  const number = parseDecimal(value.slice(0, at), 0xffffffff);
  const method = value.slice(at).trim();
  return number === undefined || !isToken(method) ? undefined : { number, method };
}

/** The RAck of a PRACK (RFC 3262 7.2). */
export interface RAck {
  readonly rseq: number;
  readonly cseq: CSeq;
}

/** Parses `776656 1 INVITE`; undefined when malformed. */
export function parseRAck(value: string): RAck | undefined {
  const space = value.trim().search(/[ \t]/);
  if (space < 0) return undefined;
  const rseq = parseDecimal(value.trim().slice(0, space), 0xffffffff);
  const cseq = parseCSeq(value.trim().slice(space).trim());
  return rseq === undefined || !cseq ? undefined : { rseq, cseq };
}
