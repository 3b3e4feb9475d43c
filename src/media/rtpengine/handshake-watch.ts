import type { Clock, Timer } from '../../common/clock.js';
import type { DtlsSettings } from '../worker-messages.js';

/** How often rtpengine is asked at first, and for how long. */
const EAGER_MS = 40;
const EAGER_FOR_MS = 2000;
const PATIENT_MS = 500;
/** After so long without keys somebody should look. */
const LATE_MS = 10_000;

export interface HandshakeWatchOptions {
  readonly clock: Clock;
  /** Has rtpengine keys for what it sends to this leg? Rejects where it cannot be asked. */
  readonly hasKeys: (legId: string) => Promise<boolean>;
  readonly onSecured: (legId: string) => void;
  /** Said once of each handshake. */
  readonly onLate: (legId: string) => void;
}

interface Handshake {
  readonly association: string;
  readonly sinceMs: number;
  secured: boolean;
  late: boolean;
  timer: Timer | null;
}

/**
 * Which legs have their keys from DTLS. rtpengine 10.5 plays media into a stream without keys in the clear, and says
 * nothing when the handshake is done: it is asked, and nothing is played before.
 */
export class HandshakeWatch {
  readonly #options: HandshakeWatchOptions;
  readonly #handshakes = new Map<string, Handshake>();

  constructor(options: HandshakeWatchOptions) {
    this.#options = options;
  }

  /** May something be played to this leg? True where it needs no handshake. */
  ready(legId: string, dtls: DtlsSettings | null | undefined): boolean {
    if (!dtls) return true;
    const known = this.#handshakes.get(legId);
    return known?.secured === true && known.association === associationOf(dtls);
  }

  /** rtpengine was told of the peer's certificate and role: a handshake follows where they are new. */
  told(legId: string, dtls: DtlsSettings | null | undefined): void {
    if (!dtls) {
      this.forget(legId);
      return;
    }
    const association = associationOf(dtls);
    if (this.#handshakes.get(legId)?.association === association) return;
    this.forget(legId);
    const sinceMs = this.#options.clock.now();
    const handshake: Handshake = { association, sinceMs, secured: false, late: false, timer: null };
    this.#handshakes.set(legId, handshake);
    this.#askLater(legId, handshake);
  }

  /** Idempotent. */
  forget(legId: string): void {
    this.#handshakes.get(legId)?.timer?.cancel();
    this.#handshakes.delete(legId);
  }

  #askLater(legId: string, handshake: Handshake): void {
    const { clock } = this.#options;
    const eager = clock.now() - handshake.sinceMs < EAGER_FOR_MS;
    handshake.timer = clock.after(eager ? EAGER_MS : PATIENT_MS, () => {
      void this.#ask(legId, handshake);
    });
  }

  async #ask(legId: string, handshake: Handshake): Promise<void> {
    const { clock, hasKeys, onSecured, onLate } = this.#options;
    // Where rtpengine cannot be asked, its health is seen to elsewhere.
    const secured = await hasKeys(legId).catch(() => false);
    if (this.#handshakes.get(legId) !== handshake) return;
    if (secured) {
      handshake.secured = true;
      onSecured(legId);
      return;
    }
    if (!handshake.late && clock.now() - handshake.sinceMs >= LATE_MS) {
      handshake.late = true;
      onLate(legId);
    }
    this.#askLater(legId, handshake);
  }
}

function associationOf({ fingerprint, peerRole }: DtlsSettings): string {
  return `${peerRole} ${fingerprint}`;
}
