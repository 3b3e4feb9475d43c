import { Standstills } from './standstills.js';

const FAULTS_TOLD = 40;

/** What a soak has counted, and what was wrong. Keeps no more than a few faults by their words. */
export class Ledger {
  readonly counts: Record<string, number> = {};
  readonly faults: string[] = [];
  readonly losses: string[] = [];
  readonly standstills = new Standstills();
  /** All of them, also those not told. */
  faultCount = 0;

  count(what: string, times = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + times;
  }

  /** A packet that should have come. The kernel may have dropped it: how many is known at the end. */
  lost(which: string): void {
    if (this.standstills.lately(performance.now())) {
      this.count('missing after a standstill');
      return;
    }
    this.count('lost');
    if (this.losses.length < FAULTS_TOLD) this.losses.push(which);
  }

  /** Something that depends on time was not as it should be. */
  late(what: string): void {
    if (this.standstills.lately(performance.now())) this.count('late after a standstill');
    else this.fault(what);
  }

  fault(what: string): void {
    this.faultCount++;
    if (this.faults.length < FAULTS_TOLD) this.faults.push(what);
  }
}
