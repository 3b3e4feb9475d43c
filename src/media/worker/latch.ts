import type { PacketSource } from '../../call/media-port.js';
import type { MediaAddress } from '../worker-messages.js';

/** How long a source other than the signalled one must go on, with the signalled one silent, to be taken. */
const CANDIDATE_MS = 100;
/** A candidate so long silent may be replaced by another. */
const CANDIDATE_IDLE_MS = 1000;
/** So long after a signalled change the source before it cannot come back by itself. */
const FORMER_SOURCE_MS = 500;

export type LatchVerdict = 'accept' | 'wait' | 'reject';

type State =
  /** The peer has not said where it is: nothing is taken. */
  | { readonly kind: 'unset' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'candidate'; readonly address: string; readonly port: number; readonly sinceMs: number }
  | { readonly kind: 'locked' };

/** One for all legs. */
const LOCKED: State = { kind: 'locked' };

/**
 * Decides from whom a leg takes RTP, and where it sends (symmetric RTP, RFC 4961). The signalled address is
 * taken at once. Any other (NAT) only if `symmetric`, and only after it has gone on for a moment while the
 * signalled one was silent; one at the signalled IP address goes before those at others. Once locked, a source stays:
 * a stream cannot be stolen. Only a signalled change unlocks, or the signalled source itself, where another was
 * there before it: who floods a port that is about to be used must not keep the party out (RTP bleed). Without
 * `symmetric` the IP address must be the signalled one; the source port may differ (RFC 3264 does not tie it).
 */
export class Latch {
  readonly #symmetric: boolean;
  #state: State = { kind: 'unset' };
  #signalled: MediaAddress | null = null;
  #lockedAddress = '';
  #lockedPort = 0;
  #formerAddress = '';
  #formerPort = 0;
  #formerUntilMs = 0;
  #candidateAtMs = 0;
  /** No other address than the signalled one is taken: the peer sends elsewhere, and its place is not free. */
  signalledOnly = false;
  /** Where to send; port 0 while unknown. */
  sendAddress = '';
  sendPort = 0;

  constructor(symmetric: boolean) {
    this.#symmetric = symmetric;
  }

  get locked(): boolean {
    return this.#state.kind === 'locked';
  }

  /** The IPv4 address from which packets are taken, or null. */
  get lockedAddress(): string | null {
    return this.locked ? this.#lockedAddress : null;
  }

  /** Where the peer is, as seen by its packets. Without `symmetric` it is where it said. */
  get source(): PacketSource {
    if (!this.#signalled) return 'nothing';
    if (!this.#symmetric) return 'as_signalled';
    if (this.#state.kind !== 'locked') return this.#state.kind === 'candidate' ? 'elsewhere' : 'nothing';
    const { address, port } = this.#signalled;
    return address === this.#lockedAddress && port === this.#lockedPort ? 'as_signalled' : 'elsewhere';
  }

  /** Sets the address that signalling gave. The same one again changes nothing. */
  signal(to: MediaAddress, nowMs: number): void {
    const before = this.#signalled;
    if (before && before.address === to.address && before.port === to.port) return;
    if (this.#state.kind === 'locked') {
      this.#formerAddress = this.#lockedAddress;
      this.#formerPort = this.#lockedPort;
      this.#formerUntilMs = nowMs + FORMER_SOURCE_MS;
    }
    this.#signalled = to;
    this.#state = { kind: 'waiting' };
    this.sendAddress = to.address;
    this.sendPort = to.port;
  }

  /** Is a packet from there refused whatever it holds? Changes nothing: it may not have been authenticated yet. */
  refuses(address: string, port: number): boolean {
    if (!this.locked || (port === this.#lockedPort && address === this.#lockedAddress)) return false;
    return !this.#isSignalled(address, port);
  }

  /** Judges the source of a valid packet. */
  judge(address: string, port: number, nowMs: number): LatchVerdict {
    const state = this.#state;
    switch (state.kind) {
      case 'locked':
        if (port === this.#lockedPort && address === this.#lockedAddress) return 'accept';
        return this.#isSignalled(address, port) ? this.#lock(address, port) : 'reject';
      case 'unset':
        return 'wait';
      case 'waiting':
      case 'candidate':
        return this.#consider(state, address, port, nowMs);
    }
  }

  #consider(
    state: Extract<State, { kind: 'waiting' | 'candidate' }>,
    address: string,
    port: number,
    nowMs: number,
  ): LatchVerdict {
    if (this.#isSignalled(address, port)) return this.#lock(address, port);
    if (this.signalledOnly) return 'reject';
    const signalled = this.#signalled!.address;
    if (!this.#symmetric && address !== signalled) return 'reject';
    if (address === this.#formerAddress && port === this.#formerPort && nowMs < this.#formerUntilMs) {
      return 'wait';
    }
    const same = state.kind === 'candidate' && state.address === address && state.port === port;
    if (state.kind === 'candidate' && !same && nowMs - this.#candidateAtMs < CANDIDATE_IDLE_MS) {
      const nearer = address === signalled && state.address !== signalled;
      if (!nearer) return 'reject';
    }
    this.#candidateAtMs = nowMs;
    if (!same) {
      this.#state = { kind: 'candidate', address, port, sinceMs: nowMs };
      return 'wait';
    }
    return nowMs - state.sinceMs >= CANDIDATE_MS ? this.#lock(address, port) : 'wait';
  }

  #isSignalled(address: string, port: number): boolean {
    return address === this.#signalled?.address && port === this.#signalled.port;
  }

  #lock(address: string, port: number): LatchVerdict {
    this.#state = LOCKED;
    this.#lockedAddress = address;
    this.#lockedPort = port;
    if (this.#symmetric) {
      this.sendAddress = address;
      this.sendPort = port;
    }
    return 'accept';
  }
}
