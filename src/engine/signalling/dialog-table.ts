import type { Clock, Timer } from '../../common/clock.js';
import type { EngineDialog } from './engine-dialog.js';

/** How long a dialog that ended is still found by the NOTIFY that raced its BYE. */
export const LATE_NOTIFY_MS = 6_000;

interface EndedDialog {
  readonly dialog: EngineDialog;
  readonly forgotten: Timer;
}

/** Every dialog, found by the application's name for it and by what stands in the peer's requests. */
export class DialogTable {
  readonly #clock: Clock;
  readonly #byId = new Map<string, EngineDialog>();
  readonly #byTag = new Map<string, EngineDialog>();
  readonly #ended = new Map<string, EndedDialog>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): Iterable<EngineDialog> {
    return this.#byId.values();
  }

  /**
   * A free name for a dialog. When both ends of a call are in this engine, both would be called the same: the
   * second one gets a mark, so that neither end answers for the other.
   */
  idFor(callId: string, fromTag: string, role: 'uac' | 'uas'): string {
    const id = `${callId};from-tag=${fromTag}`;
    const holder = this.#byId.get(id);
    return holder && holder.role !== role ? `${id};end=${role}` : id;
  }

  add(dialog: EngineDialog): void {
    this.#byId.set(dialog.id, dialog);
    this.#byTag.set(tagKey(dialog.callId, dialog.localTag), dialog);
  }

  /** Forgets a dialog that ended; one in which a REFER of ours was sent is still found by `findEnded` for a while. */
  remove(dialog: EngineDialog): void {
    if (this.#byId.get(dialog.id) === dialog) this.#byId.delete(dialog.id);
    const key = tagKey(dialog.callId, dialog.localTag);
    if (this.#byTag.get(key) !== dialog) return;
    this.#byTag.delete(key);
    if (!dialog.referred) return;
    const forgotten = this.#clock.after(LATE_NOTIFY_MS, () => this.#ended.delete(key));
    this.#ended.set(key, { dialog, forgotten });
  }

  get(id: string): EngineDialog | undefined {
    return this.#byId.get(id);
  }

  /** Stops the timers of every dialog and forgets them all. */
  close(): void {
    for (const dialog of this.#byId.values()) {
      dialog.ackWait?.wait.close();
      dialog.reliable?.close();
      dialog.sessionTimer?.stop();
    }
    for (const { forgotten } of this.#ended.values()) forgotten.cancel();
    this.#byId.clear();
    this.#byTag.clear();
    this.#ended.clear();
  }

  /** By Call-ID and the tag that we gave: the To tag of a request, the From tag of a response. */
  find(callId: string, localTag: string): EngineDialog | undefined {
    return this.#byTag.get(tagKey(callId, localTag));
  }

  /** A dialog that has just ended and may be sent one more NOTIFY (RFC 6665 4.4.1). */
  findEnded(callId: string, localTag: string): EngineDialog | undefined {
    return this.#ended.get(tagKey(callId, localTag))?.dialog;
  }
}

const tagKey = (callId: string, localTag: string): string => `${callId}\n${localTag}`;
