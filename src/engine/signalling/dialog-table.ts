import type { EngineDialog } from './engine-dialog.js';

/** Every dialog, found by the application's name for it and by what stands in the peer's requests. */
export class DialogTable {
  readonly #byId = new Map<string, EngineDialog>();
  readonly #byTag = new Map<string, EngineDialog>();

  get size(): number {
    return this.#byId.size;
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
    this.#byTag.set(`${dialog.callId}\n${dialog.localTag}`, dialog);
  }

  remove(dialog: EngineDialog): void {
    if (this.#byId.get(dialog.id) === dialog) this.#byId.delete(dialog.id);
    const key = `${dialog.callId}\n${dialog.localTag}`;
    if (this.#byTag.get(key) === dialog) this.#byTag.delete(key);
  }

  get(id: string): EngineDialog | undefined {
    return this.#byId.get(id);
  }

  /** Stops the timers of every dialog and forgets them all. */
  close(): void {
    for (const dialog of this.#byId.values()) {
      dialog.ackWait?.stop();
      dialog.reliable?.close();
    }
    this.#byId.clear();
    this.#byTag.clear();
  }

  /** By Call-ID and the tag that we gave: the To tag of a request, the From tag of a response. */
  find(callId: string, localTag: string): EngineDialog | undefined {
    return this.#byTag.get(`${callId}\n${localTag}`);
  }
}
