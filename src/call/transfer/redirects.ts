import type { CallHost } from '../call-host.js';
import type { Target } from '../destinations/destination-directory.js';
import type { AttemptFailure } from './attempt.js';

/** A chain of redirections longer than this goes in circles. */
const MAX_FOLLOWED = 5;

export interface Onward {
  readonly targets: readonly Target[];
  /** Why the places named in the 3xx are not dialled; null where nothing was refused. */
  readonly refused: string | null;
}

const NOWHERE: Onward = { targets: [], refused: null };

function weight(contact: string): number {
  return Number(/;\s*q\s*=\s*([\d.]+)/i.exec(contact.replace(/<[^>]*>/, ''))?.[1] ?? 1);
}

/** Follows 3xx responses (RFC 3261 8.1.3.4) where the trunk may, and only to where the project may. */
export class Redirects {
  readonly #host: CallHost;
  readonly #seen = new Set<string>();
  #followed = 0;

  constructor(host: CallHost) {
    this.#host = host;
  }

  /** Where to go after this failure: best `q` first, each place once. */
  after(target: Target, failure: AttemptFailure): Onward {
    const { moved = [] } = failure;
    if (moved.length === 0 || !target.trunk.followRedirects) return NOWHERE;
    this.#seen.add(target.uri);
    const { context } = this.#host;
    const targets: Target[] = [];
    let refused: string | null = null;
    const contacts = moved
      .flatMap((value) => value.split(/,(?![^<]*>)/))
      .sort((a, b) => weight(b) - weight(a));
    for (const contact of contacts) {
      const uri = (/<([^<>]+)>/.exec(contact)?.[1] ?? contact.split(';')[0] ?? '').trim();
      const resolution = context.deps.destinations.resolve(uri, context.project, context.wallMs());
      if (!resolution.ok) {
        refused = `${target.destination} redirected the call: ${resolution.detail}`;
        continue;
      }
      for (const next of resolution.targets) {
        if (this.#seen.has(next.uri)) continue;
        if (this.#followed >= MAX_FOLLOWED) return { targets, refused: 'redirected too often' };
        this.#followed += 1;
        this.#seen.add(next.uri);
        targets.push({ ...next, via: [...target.via, ...next.via], together: null });
      }
    }
    return { targets, refused };
  }
}
