import type { OrderResult } from '../../../src/call/call-io.js';
import type { CallOrder, CallRecord } from '../../../src/call/call-record.js';
import { buildApi, type ApiOptions } from '../../../src/api/api-server.js';
import type { AccessToken } from '../../../src/api/access.js';
import type { DryRunReport, DryRunRequest } from '../../../src/api/dry-run-schema.js';
import type { TrunkView } from '../../../src/api/trunk-schema.js';
import { dryRun } from '../../../src/main/dry-run/dry-run.js';
import { makePlan, makeProject } from '../../support/call/call-plan.js';
import type { NodeControl, NodeHealth, ReloadReport } from '../../../src/api/node-control.js';
import type { ApiInstance } from '../../../src/api/zod-provider.js';
import { createLogger } from '../../../src/common/log.js';
import { seededRandom } from '../../../src/common/random.js';
import { CallBook } from '../../../src/observe/call-book.js';
import { defaultEventHubOptions, EventHub } from '../../../src/observe/event-hub.js';
import { LadderStore } from '../../../src/observe/ladder-store.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A node whose calls are what the test says they are. */
export class FakeNode implements NodeControl {
  readonly orders: { readonly callId: string; readonly order: CallOrder }[] = [];
  /** Answers each order; a thrown error is a signalling thread that says nothing. */
  answer: (callId: string, order: CallOrder) => OrderResult | Promise<OrderResult> = () => ({
    accepted: true,
  });
  reloadReport: ReloadReport = { applied: false, problems: [] };
  readonly rehearsed: DryRunRequest[] = [];
  trunkViews: readonly TrunkView[] = [];
  drains = 0;
  state: NodeHealth = {
    status: 'ok',
    draining: false,
    controlServer: true,
    parts: { engine: 'up' },
    calls: 0,
    uptimeS: 1,
  };

  async order(callId: string, order: CallOrder): Promise<OrderResult> {
    this.orders.push({ callId, order });
    return this.answer(callId, order);
  }

  async reload(): Promise<ReloadReport> {
    return this.reloadReport;
  }

  beginDrain(): { calls: number; withinMs: number } {
    this.drains++;
    return { calls: 0, withinMs: 1000 };
  }

  health(): NodeHealth {
    return this.state;
  }

  async dryRun(request: DryRunRequest): Promise<DryRunReport> {
    this.rehearsed.push(request);
    return dryRun(request, {
      host: 'localhost',
      plan: makePlan(makeProject()),
      state: null,
      admission: null,
      nowMs: 0,
    });
  }

  async trunks(): Promise<readonly TrunkView[]> {
    return this.trunkViews;
  }

  async metrics(): Promise<string> {
    return 'relevo_calls{state="with_bot"} 1\n';
  }
}

export interface ApiFixture {
  readonly app: ApiInstance;
  readonly node: FakeNode;
  readonly book: CallBook;
  readonly events: EventHub;
  readonly ladders: LadderStore;
  readonly options: ApiOptions;
  /** What signalling reports. */
  record(...records: CallRecord[]): void;
  close(): Promise<void>;
}

export async function apiFixture(tokens: readonly AccessToken[] = []): Promise<ApiFixture> {
  const node = new FakeNode();
  const book = new CallBook();
  const events = new EventHub({ ...defaultEventHubOptions, epoch: 'e' });
  const ladders = new LadderStore();
  const options: ApiOptions = {
    node,
    book,
    events,
    ladders,
    tokens,
    clock: new VirtualClock(),
    random: seededRandom(1),
    version: '0.0.0',
    address: '127.0.0.1',
    port: 0,
    log: createLogger('test', 'silent'),
  };
  const app = await buildApi(options);
  return {
    app,
    node,
    book,
    events,
    ladders,
    options,
    record: (...records) => {
      for (const record of records) {
        book.apply(record);
        events.publish(record);
        if (record.kind === 'call.state') ladders.bind(record.callId, record.legs);
      }
    },
    close: async () => {
      events.close();
      await app.close();
    },
  };
}
