import type { Source } from '../../sip/transaction/transport.js';

const ENTRIES = 20_000;

/**
 * The connections behind Contact hosts that no resolver knows: a browser's `sip:x@abc.invalid;transport=ws` (RFC 7118
 * 5.3) is reached on the connection that it came from. The first connection to use a host keeps it until it closes.
 */
export class FlowTable {
  readonly #flows = new Map<string, Source>();
  readonly #isOpen: (connectionId: string) => boolean;

  constructor(isOpen: (connectionId: string) => boolean) {
    this.#isOpen = isOpen;
  }

  /** Notes the host of a Contact that came over a connection. */
  note(host: string, source: Source): void {
    const key = host.toLowerCase();
    if (!key.endsWith('.invalid') || this.find(key)) return;
    if (this.#flows.size >= ENTRIES) this.#sweep();
    if (this.#flows.size < ENTRIES) this.#flows.set(key, source);
  }

  /** The connection behind a host, if it is open still. */
  find(host: string): Source | undefined {
    const key = host.toLowerCase();
    const flow = this.#flows.get(key);
    if (!flow) return undefined;
    if (flow.connectionId !== undefined && this.#isOpen(flow.connectionId)) return flow;
    this.#flows.delete(key);
    return undefined;
  }

  #sweep(): void {
    for (const host of [...this.#flows.keys()]) this.find(host);
  }
}
