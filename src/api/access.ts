import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest, onRequestHookHandler } from 'fastify';
import { ApiProblem } from './problem.js';

/** What a token may do: read; read and steer calls; everything. */
export type Role = 'viewer' | 'operator' | 'admin';

export interface AccessToken {
  readonly name: string;
  readonly token: string;
  readonly role: Role;
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Whether an address can be reached from this machine only. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(\.\d{1,3}){3}$/.test(address);
}

/** Decides who may call what. Without tokens everything is allowed, from this machine only. */
export class Access {
  #tokens: readonly { readonly name: string; readonly digest: Buffer; readonly role: Role }[];

  constructor(tokens: readonly AccessToken[]) {
    this.#tokens = digestsOf(tokens);
  }

  /** Other tokens from now on, as a reload brings them. */
  replace(tokens: readonly AccessToken[]): void {
    this.#tokens = digestsOf(tokens);
  }

  /** The hook of a route that needs `role`; it runs before the body is read. */
  guard(role: Role): onRequestHookHandler {
    return (request, _reply, done) => {
      try {
        this.check(request, role);
        done();
      } catch (error) {
        done(error as Error);
      }
    };
  }

  /** Throws ApiProblem 401, 403 or 421 where the request may not do what needs `role`. */
  check(request: FastifyRequest, role: Role): void {
    if (this.#tokens.length === 0) {
      checkLocalOrigin(request);
      return;
    }
    const given = givenToken(request);
    const holder = given === undefined ? null : this.#find(given);
    if (!holder)
      throw new ApiProblem(
        401,
        'unauthorized',
        given === undefined ? 'no bearer token was given' : 'the bearer token is not known',
        'Send Authorization: Bearer with a token from api.tokens of the configuration.',
        { headers: { 'www-authenticate': 'Bearer realm="relevo"' } },
      );
    if (RANK[holder.role] < RANK[role])
      throw new ApiProblem(
        403,
        'forbidden',
        `the token ${holder.name} has the role ${holder.role}; this needs ${role}`,
        'Use a token with the named role.',
      );
  }

  /** The name of the token that the request brings; null where none is needed. */
  nameOf(request: FastifyRequest): string | null {
    const given = givenToken(request);
    return given === undefined ? null : (this.#find(given)?.name ?? null);
  }

  /** Looks at every token, so that the time taken does not tell which one nearly matched. */
  #find(given: string): { readonly name: string; readonly role: Role } | null {
    const digest = digestOf(given);
    let found: { readonly name: string; readonly role: Role } | null = null;
    for (const token of this.#tokens) if (timingSafeEqual(token.digest, digest)) found = token;
    return found;
  }
}

function digestsOf(
  tokens: readonly AccessToken[],
): { readonly name: string; readonly digest: Buffer; readonly role: Role }[] {
  return tokens.map(({ name, token, role }) => ({ name, digest: digestOf(token), role }));
}

function givenToken(request: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Without tokens a web page must not reach the node through its visitor's browser, be it by DNS rebinding. */
function checkLocalOrigin(request: FastifyRequest): void {
  const host = hostName(request.headers.host);
  if (host !== null && !isLoopback(host))
    throw new ApiProblem(
      421,
      'wrong_host',
      `the request is meant for the host ${host}`,
      'Use 127.0.0.1 or localhost in the URL, or configure api.tokens.',
    );
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${request.headers.host ?? ''}`)
    throw new ApiProblem(
      403,
      'foreign_origin',
      `a page of ${origin} may not use this API`,
      'Open the API from its own address, or configure api.tokens.',
    );
}

function hostName(host: string | undefined): string | null {
  if (host === undefined) return null;
  return /^\[([^\]]+)\]/.exec(host)?.[1] ?? host.replace(/:\d+$/, '');
}
