import { Gauge, type Registry } from 'prom-client';

/** What the node holds right now; all of it is 0 some 32 s (64 times T1) after the last call, connections aside. */
export interface HeldReadings {
  /** Of calls: legs, timers, transfers; null while the thread has not answered. */
  readonly signalling: {
    readonly legs: number;
    readonly callTimers: number;
    readonly transfersInFlight: number;
  } | null;
  readonly mediaLegs: number | null;
  /** Null where the engine is not ours to count. */
  readonly engine: {
    readonly dialogs: number;
    readonly incomingPending: number;
    readonly outgoingPending: number;
    readonly transactions: {
      readonly inviteClients: number;
      readonly nonInviteClients: number;
      readonly inviteServers: number;
      readonly nonInviteServers: number;
      readonly timers: number;
    };
  } | null;
}

/** Gauges of what is held: a leak of a leg, dialog, transaction or timer shows in these. */
export class HeldMetrics {
  readonly #legs: Gauge<'side'>;
  readonly #timers: Gauge<'of'>;
  readonly #transfers: Gauge;
  readonly #dialogs: Gauge;
  readonly #transactions: Gauge<'kind'>;
  readonly #pending: Gauge<'direction'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#legs = new Gauge({ name: 'relevo_legs', help: 'Legs of calls', labelNames: ['side'], registers });
    this.#timers = new Gauge({
      name: 'relevo_timers',
      help: 'Running timers of calls and of SIP transactions',
      labelNames: ['of'],
      registers,
    });
    this.#transfers = new Gauge({
      name: 'relevo_transfers_in_flight',
      help: 'Transfers that hold a place of their project',
      registers,
    });
    this.#dialogs = new Gauge({ name: 'relevo_sip_dialogs', help: 'Dialogs of the engine', registers });
    this.#transactions = new Gauge({
      name: 'relevo_sip_transactions',
      help: 'SIP transactions, those included that only absorb repeated messages',
      labelNames: ['kind'],
      registers,
    });
    this.#pending = new Gauge({
      name: 'relevo_sip_requests_pending',
      help: 'Requests that wait: in for signalling, out for a peer',
      labelNames: ['direction'],
      registers,
    });
  }

  read({ signalling, mediaLegs, engine }: HeldReadings): void {
    if (signalling) {
      this.#legs.set({ side: 'signalling' }, signalling.legs);
      this.#timers.set({ of: 'calls' }, signalling.callTimers);
      this.#transfers.set(signalling.transfersInFlight);
    }
    if (mediaLegs !== null) this.#legs.set({ side: 'media' }, mediaLegs);
    if (!engine) return;
    const { transactions } = engine;
    this.#timers.set({ of: 'transactions' }, transactions.timers);
    this.#dialogs.set(engine.dialogs);
    this.#pending.set({ direction: 'in' }, engine.incomingPending);
    this.#pending.set({ direction: 'out' }, engine.outgoingPending);
    this.#transactions.set({ kind: 'invite_client' }, transactions.inviteClients);
    this.#transactions.set({ kind: 'non_invite_client' }, transactions.nonInviteClients);
    this.#transactions.set({ kind: 'invite_server' }, transactions.inviteServers);
    this.#transactions.set({ kind: 'non_invite_server' }, transactions.nonInviteServers);
  }
}
