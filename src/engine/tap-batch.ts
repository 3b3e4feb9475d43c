import type { Clock, Timer } from '../common/clock.js';
import type { TappedMessage } from './sip-tap.js';

const BATCH_MS = 20;
const BATCH_MESSAGES = 1_000;

/** Collects tapped messages and hands them over every 20 ms, or sooner when many have come. */
export class TapBatch {
  readonly #clock: Clock;
  readonly #deliver: (messages: TappedMessage[]) => void;
  #messages: TappedMessage[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock, deliver: (messages: TappedMessage[]) => void) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  add(message: TappedMessage): void {
    this.#messages.push(message);
    if (this.#messages.length >= BATCH_MESSAGES) this.flush();
    else this.#timer ??= this.#clock.after(BATCH_MS, () => this.flush());
  }

  /** Hands over what there is now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    this.#deliver(messages);
  }
}

/** Tapped messages as they cross to another thread: one array of bytes, which is handed over and not copied. */
export interface PackedTap {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly messages: readonly (Omit<TappedMessage, 'raw'> & { readonly length: number })[];
}

/** Copies the bytes of all messages together. */
export function packTap(messages: readonly TappedMessage[]): PackedTap {
  const total = messages.reduce((sum, { raw }) => sum + raw.length, 0);
  const bytes = new Uint8Array(total);
  let at = 0;
  const entries = messages.map(({ raw, ...rest }) => {
    bytes.set(raw, at);
    at += raw.length;
    return { ...rest, length: raw.length };
  });
  return { bytes, messages: entries };
}

/** The messages again; their bytes are views on the one array. */
export function unpackTap(packed: PackedTap): TappedMessage[] {
  let at = 0;
  return packed.messages.map(({ length, ...rest }) => {
    const raw = Buffer.from(packed.bytes.buffer, at, length);
    at += length;
    return { ...rest, raw };
  });
}
