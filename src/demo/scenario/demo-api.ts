import type { TransferResult } from '../../call/vocabulary.js';
import type { CallView } from '../../observe/call-view.js';
import type { LadderMessage } from '../../observe/sip-trace.js';

const POLL_MS = 60;

/** The control API as the demonstration uses it. */
export class DemoApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url.replace(/\/$/, '');
  }

  async call(callId: string): Promise<CallView> {
    return (await this.#request('GET', `/v1/calls/${callId}`)) as CallView;
  }

  async ladder(callId: string): Promise<readonly LadderMessage[]> {
    const view = (await this.#request('GET', `/v1/calls/${callId}/ladder`)) as {
      messages: readonly LadderMessage[];
    };
    return view.messages;
  }

  /** Orders a transfer to the project's default destination. */
  async transfer(callId: string): Promise<void> {
    await this.#request('POST', `/v1/calls/${callId}/transfers`, { reason: 'operator' });
  }

  /** Resolves with the terminal result of the call's first transfer; rejects after `withinMs`. */
  transferResult(callId: string, withinMs: number): Promise<TransferResult> {
    return this.#poll(callId, withinMs, 'a terminal result', (call) => call.transfers[0]?.result);
  }

  /** Resolves when the node says that the call has ended; rejects after `withinMs`. */
  callEnded(callId: string, withinMs: number): Promise<true> {
    return this.#poll(callId, withinMs, 'the end of the call', (call) => call.state === 'ended' || undefined);
  }

  async #poll<T>(
    callId: string,
    withinMs: number,
    what: string,
    read: (call: CallView) => T | null | undefined,
  ): Promise<T> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const call = await this.call(callId);
      const value = read(call);
      if (value !== null && value !== undefined) return value;
      if (performance.now() > deadline) {
        throw new Error(`the API told no ${what} within ${withinMs} ms; the call is ${call.state}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #request(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return JSON.parse(text) as unknown;
  }
}
