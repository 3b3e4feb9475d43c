import type { CallRecord } from '../call/call-record.js';
import type { Logger } from '../common/log.js';
import { CallBook, defaultCallBookOptions } from '../observe/call-book.js';
import { CdrWriter, defaultCdrWriterOptions } from '../observe/cdr-writer.js';
import { defaultEventHubOptions, EventHub } from '../observe/event-hub.js';
import { defaultLadderLimits, LadderStore } from '../observe/ladder-store.js';
import { Metrics, type SipCount } from '../observe/metrics.js';
import type { TappedMessage } from '../observe/sip-trace.js';
import { TrunkBook } from '../observe/trunk-book.js';
import { Webhooks, type Webhook } from '../observe/webhooks.js';

const CSEQ_METHOD = /\r?\ncseq[ \t]*:[ \t]*\d+[ \t]+([^\s]{1,32})/i;
const MAX_SIP_COUNTS = 2000;

export interface NodeObserverOptions {
  readonly keepCalls: number;
  readonly cdrFile: string | null;
  readonly webhooks: readonly Webhook[];
  /** What receivers of webhooks are told in User-Agent. */
  readonly version: string;
  /** Tells this run of the node from others, in event ids. */
  readonly epoch: string;
  readonly log: Logger;
  /** The trunk of a destination of the plan in force. */
  readonly trunkOf: (destination: string) => string | null;
}

/** Everything that watches calls: book, events, metrics, CDRs, ladders. Records come in, nothing waits. */
export class NodeObserver {
  readonly book: CallBook;
  readonly events: EventHub;
  readonly ladders: LadderStore;
  readonly metrics = new Metrics();
  readonly trunks: TrunkBook;
  readonly webhooks: Webhooks;
  readonly #log: Logger;
  readonly #recordListeners = new Set<(record: CallRecord) => void>();
  readonly #sipListeners = new Set<(message: TappedMessage) => void>();
  readonly #sipCounts = new Map<string, { count: number } & Omit<SipCount, 'count'>>();
  #cdrFile: string | null;
  #cdr: CdrWriter | null;

  constructor(options: NodeObserverOptions) {
    const { keepCalls, cdrFile, epoch, log, trunkOf, webhooks, version } = options;
    this.#log = log;
    this.book = new CallBook({ ...defaultCallBookOptions, endedCalls: keepCalls });
    this.events = new EventHub({ ...defaultEventHubOptions, epoch });
    this.ladders = new LadderStore({ ...defaultLadderLimits, calls: laddersFor(keepCalls) });
    this.trunks = new TrunkBook(trunkOf);
    this.webhooks = new Webhooks(webhooks, { version, epoch, log });
    this.#cdrFile = cdrFile;
    this.#cdr = this.#openCdr();
  }

  get cdr(): CdrWriter | null {
    return this.#cdr;
  }

  take(records: readonly CallRecord[]): void {
    for (const record of records) {
      this.book.apply(record);
      this.metrics.observe(record);
      this.trunks.apply(record);
      if (record.kind === 'call.started') this.ladders.bindOne(record.callId, record.sipCallId, 'caller');
      else if (record.kind === 'call.state') this.ladders.bind(record.callId, record.legs);
      else if (record.kind === 'call.ended') this.#writeCdr(record.callId);
      this.events.publish(record);
      this.webhooks.take(record, () => this.book.get(record.callId));
      for (const listener of this.#recordListeners) listener(record);
      if (record.kind === 'call.ended') this.ladders.forget(this.book.trim());
    }
  }

  takeSip(message: TappedMessage): void {
    this.ladders.add(message);
    this.#count(message);
    for (const listener of this.#sipListeners) listener(message);
  }

  /** Traced messages by direction, method and status. */
  sipCounts(): SipCount[] {
    return [...this.#sipCounts.values()];
  }

  /** Returns the function that removes the listener. */
  onRecord(listener: (record: CallRecord) => void): () => void {
    this.#recordListeners.add(listener);
    return () => {
      this.#recordListeners.delete(listener);
    };
  }

  onSip(listener: (message: TappedMessage) => void): () => void {
    this.#sipListeners.add(listener);
    return () => {
      this.#sipListeners.delete(listener);
    };
  }

  /** Keeps so many ended calls from now on. */
  setKeepCalls(keepCalls: number): void {
    this.ladders.forget(this.book.keep(keepCalls));
    this.ladders.keepCalls(laddersFor(keepCalls));
  }

  /** Writes CDRs to another file from now on, or to the same one opened anew (log rotation). */
  async setCdrFile(file: string | null): Promise<void> {
    if (file === this.#cdrFile) {
      await this.#cdr?.reopen();
      return;
    }
    const former = this.#cdr;
    this.#cdrFile = file;
    this.#cdr = this.#openCdr();
    await former?.close();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.events.close();
    await Promise.all([this.#cdr?.close(), this.webhooks.close()]);
  }

  #openCdr(): CdrWriter | null {
    if (this.#cdrFile === null) return null;
    return new CdrWriter({ ...defaultCdrWriterOptions, file: this.#cdrFile }, this.#log);
  }

  #writeCdr(callId: string): void {
    if (!this.#cdr) return;
    const call = this.book.get(callId);
    if (call) this.#cdr.write(call);
  }

  #count({ direction, raw }: TappedMessage): void {
    const status = /^SIP\/2\.0 (\d{3})/i.exec(raw)?.[1] ?? null;
    const method = CSEQ_METHOD.exec(raw)?.[1] ?? 'unknown';
    const key = `${direction} ${method} ${status ?? ''}`;
    const known = this.#sipCounts.get(key);
    if (known) known.count++;
    else if (this.#sipCounts.size < MAX_SIP_COUNTS)
      this.#sipCounts.set(key, {
        direction,
        method,
        status: status === null ? null : Number(status),
        count: 1,
      });
  }
}

/** The live calls have ladders too. */
function laddersFor(keepCalls: number): number {
  return keepCalls + 20_000;
}
