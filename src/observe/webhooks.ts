import { isDeepStrictEqual } from 'node:util';
import type { CallRecord } from '../call/call-record.js';
import { messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import type { CallView } from './call-view.js';
import { webhookMessage, type WebhookEvent } from './webhook-body.js';
import {
  defaultWebhookSenderOptions,
  WebhookSender,
  type WebhookSenderOptions,
  type WebhookStats,
  type WebhookTarget,
} from './webhook-sender.js';

/** A receiver and what it wants to hear. */
export interface Webhook extends WebhookTarget {
  readonly events: readonly WebhookEvent[];
}

export interface WebhooksOptions extends Partial<WebhookSenderOptions> {
  readonly version: string;
  /** Tells this run of the node from others, in delivery ids. */
  readonly epoch: string;
  readonly log: Logger;
}

interface Hook {
  readonly webhook: Webhook;
  readonly sender: WebhookSender;
}

const NOTHING: WebhookStats = { delivered: 0, retried: 0, failed: 0, rejected: 0, lost: 0, waiting: 0 };

/** Every receiver of the configuration, each with its own sender, so that none holds up another. */
export class Webhooks {
  readonly #options: WebhooksOptions;
  #hooks: Hook[] = [];
  /** Receivers that a reload took away, while their last events go out. */
  readonly #leaving = new Set<Promise<void>>();
  /** What receivers that are gone had counted. */
  readonly #former = new Map<string, WebhookStats>();
  #next = 0;

  constructor(webhooks: readonly Webhook[], options: WebhooksOptions) {
    this.#options = options;
    this.set(webhooks);
  }

  /** `call` is the call as the books show it after this record. */
  take(record: CallRecord, call: () => CallView | null): void {
    if (!this.#hooks.some(({ webhook }) => webhook.events.includes(record.kind))) return;
    const message = webhookMessage(`${this.#options.epoch}-${this.#next++}`, record, call());
    for (const { webhook, sender } of this.#hooks)
      if (webhook.events.includes(record.kind)) sender.send(message);
  }

  /** Other receivers from now on; those that stay as they are keep their queues. */
  set(webhooks: readonly Webhook[]): void {
    const before = this.#hooks;
    this.#hooks = webhooks.map((webhook) => {
      const kept = before.find((hook) => isDeepStrictEqual(hook.webhook, webhook));
      return kept ?? { webhook, sender: this.#start(webhook) };
    });
    for (const hook of before) if (!this.#hooks.includes(hook)) this.#retire(hook);
  }

  /** By receiver; receivers of one origin are counted together. */
  stats(): ReadonlyMap<string, WebhookStats> {
    const all = new Map(this.#former);
    for (const { sender } of this.#hooks) add(all, sender.name, sender.stats);
    return all;
  }

  /** Sends what waits within the senders' bound. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#hooks.map(({ sender }) => sender.close()), ...this.#leaving]);
  }

  #start(webhook: Webhook): WebhookSender {
    const { log, ...options } = this.#options;
    return new WebhookSender(webhook, { ...defaultWebhookSenderOptions, ...options }, log);
  }

  #retire({ sender }: Hook): void {
    const leaving = sender
      .close()
      .catch((error: unknown) => {
        this.#options.log.warn(
          { receiver: sender.name, cause: messageOf(error) },
          'webhook did not close cleanly',
        );
      })
      .finally(() => {
        add(this.#former, sender.name, sender.stats);
        this.#leaving.delete(leaving);
      });
    this.#leaving.add(leaving);
  }
}

function add(all: Map<string, WebhookStats>, name: string, stats: WebhookStats): void {
  const before = all.get(name) ?? NOTHING;
  all.set(name, {
    delivered: before.delivered + stats.delivered,
    retried: before.retried + stats.retried,
    failed: before.failed + stats.failed,
    rejected: before.rejected + stats.rejected,
    lost: before.lost + stats.lost,
    waiting: before.waiting + stats.waiting,
  });
}
