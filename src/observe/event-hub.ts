import type { CallRecord } from '../call/call-record.js';

/** One published record with its place in the stream. `id` is `EPOCH-NUMBER`, unique over restarts. */
export interface HubEvent {
  readonly id: string;
  readonly record: CallRecord;
}

/** A reader of the stream. `send` returns how many bytes wait unsent at this client. */
export interface HubClient {
  /** Which events it wants. */
  readonly wants: (event: HubEvent) => boolean;
  send(text: string): number;
  /** Ends the client; it is told nothing more. */
  drop(): void;
}

export interface EventHubOptions {
  /** How many events can be replayed. */
  readonly replay: number;
  /** Unsent bytes beyond which a client is too slow and is dropped. */
  readonly clientBacklogBytes: number;
  readonly clients: number;
  /** A comment line is sent so often, so that proxies do not close a quiet stream. */
  readonly heartbeatMs: number;
  /** Tells this run of the node from the one before. */
  readonly epoch: string;
}

export const defaultEventHubOptions: Omit<EventHubOptions, 'epoch'> = {
  replay: 5000,
  clientBacklogBytes: 1024 * 1024,
  clients: 64,
  heartbeatMs: 15_000,
};

/**
 * Publishes call records to any number of readers in the format of server-sent events. A reader that does not
 * keep up is dropped and counted; it never slows the node or the other readers.
 */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #ring: HubEvent[] = [];
  readonly #clients = new Set<HubClient>();
  readonly #heartbeat: NodeJS.Timeout;
  #next = 0;
  #dropped = 0;

  constructor(options: EventHubOptions) {
    this.#options = options;
    this.#heartbeat = setInterval(() => {
      for (const client of this.#clients) this.#send(client, ': still here\n\n');
    }, options.heartbeatMs);
    this.#heartbeat.unref();
  }

  /** Clients dropped because they did not read fast enough. */
  get droppedClients(): number {
    return this.#dropped;
  }

  get clients(): number {
    return this.#clients.size;
  }

  get full(): boolean {
    return this.#clients.size >= this.#options.clients;
  }

  publish(record: CallRecord): void {
    const number = this.#next++;
    const event = { id: `${this.#options.epoch}-${number}`, record };
    this.#ring[number % this.#options.replay] = event;
    if (this.#clients.size === 0) return;
    const text = sseText(event);
    for (const client of this.#clients) if (client.wants(event)) this.#send(client, text);
  }

  /**
   * Adds a reader. With `lastEventId` the events after it are replayed first; where some of them are gone, or the
   * node was restarted since, an event named `missed` comes before the oldest that is still there.
   * Returns the function that removes the reader.
   */
  subscribe(client: HubClient, lastEventId: string | null): () => void {
    this.#clients.add(client);
    if (lastEventId !== null) this.#replay(client, lastEventId);
    return () => {
      this.#clients.delete(client);
    };
  }

  /** Ends every reader's stream. Idempotent. */
  close(): void {
    clearInterval(this.#heartbeat);
    for (const client of this.#clients) client.drop();
    this.#clients.clear();
  }

  #replay(client: HubClient, lastEventId: string): void {
    const oldest = Math.max(0, this.#next - this.#options.replay);
    const prefix = `${this.#options.epoch}-`;
    const wanted = lastEventId.startsWith(prefix) ? Number(lastEventId.slice(prefix.length)) + 1 : NaN;
    const known = Number.isInteger(wanted) && wanted >= oldest && wanted <= this.#next;
    if (!known) this.#send(client, 'event: missed\ndata: {"reason":"older events are no longer kept"}\n\n');
    for (let number = known ? wanted : oldest; number < this.#next; number++) {
      const event = this.#ring[number % this.#options.replay];
      if (event && client.wants(event)) this.#send(client, sseText(event));
      if (!this.#clients.has(client)) return;
    }
  }

  #send(client: HubClient, text: string): void {
    if (client.send(text) <= this.#options.clientBacklogBytes) return;
    this.#dropped++;
    this.#clients.delete(client);
    client.drop();
  }
}

function sseText({ id, record }: HubEvent): string {
  return `id: ${id}\nevent: ${record.kind}\ndata: ${JSON.stringify(record)}\n\n`;
}
