import type { Clock } from '../common/clock.js';
import type { Random } from '../common/random.js';
import type { CallBook } from '../observe/call-book.js';
import type { EventHub } from '../observe/event-hub.js';
import type { LadderStore } from '../observe/ladder-store.js';
import type { Access } from './access.js';
import type { NodeControl } from './node-control.js';

/** What the routes work on. */
export interface ApiContext {
  readonly node: NodeControl;
  readonly book: CallBook;
  readonly events: EventHub;
  readonly ladders: LadderStore;
  readonly access: Access;
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
}
