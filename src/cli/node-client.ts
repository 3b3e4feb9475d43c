import { messageOf } from '../common/errors.js';
import { CommandFailed, ExitCode } from './exit-code.js';

const REQUEST_MS = 15_000;

export interface NodeRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface NodeAnswer {
  readonly status: number;
  readonly location: string | null;
  readonly text: string;
  json(): unknown;
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly remedy?: string;
  readonly errors?: readonly { readonly key: string; readonly message: string }[];
}

/** Speaks to a running node over its HTTP API. */
export class NodeClient {
  readonly #url: string;
  readonly #token: string | undefined;

  constructor(url: string, token: string | undefined) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /** @throws CommandFailed for every answer but a 2xx, with the exit code that fits. */
  async request({ method = 'GET', path, body, headers = {} }: NodeRequest): Promise<NodeAnswer> {
    const response = await this.#fetch(path, {
      method,
      headers: {
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    if (!response.ok) throw failureOf(response.status, response.text, this.#url);
    return response;
  }

  async #fetch(path: string, init: RequestInit): Promise<NodeAnswer & { readonly ok: boolean }> {
    try {
      const response = await fetch(`${this.#url}${path}`, init);
      const text = await response.text();
      return {
        ok: response.ok,
        status: response.status,
        location: response.headers.get('location'),
        text,
        json: () => JSON.parse(text) as unknown,
      };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new CommandFailed(
        ExitCode.unreachable,
        'node_unreachable',
        `no node answers at ${this.#url}: ${messageOf(cause)}`,
        'Start one with relevo start, or name it with --url or RELEVO_URL.',
      );
    }
  }
}

function failureOf(status: number, text: string, url: string): CommandFailed {
  const problem = problemIn(text);
  const more = (problem.errors ?? []).map(({ message }) => `\n  ${message}`).join('');
  const exitCode =
    status === 404
      ? ExitCode.notFound
      : status === 409
        ? ExitCode.conflict
        : status === 400
          ? ExitCode.usage
          : ExitCode.failure;
  return new CommandFailed(
    problem.code === 'config_rejected' ? ExitCode.usage : exitCode,
    problem.code ?? `http_${status}`,
    `${problem.detail ?? `${url} answered ${status}`}${more}`,
    problem.remedy ?? 'Check that the URL is that of a Relevo node.',
  );
}

function problemIn(text: string): Problem {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    // Not a node of ours, or a proxy before it: the status alone has to do.
    return {};
  }
}
