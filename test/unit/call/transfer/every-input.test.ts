import assert from 'node:assert/strict';
import { assertNobodyRings, assertNothingLeft, finish } from './nothing-left.js';
import { inputs } from './transfer-inputs.js';
import { STAGES } from './transfer-stages.js';

describe('every input in every state of a transfer, then the caller hangs up', () => {
  for (const stage of STAGES) {
    it(`${stage.name}: one terminal result, nothing left, nothing thrown`, () => {
      for (const { name, give } of inputs()) {
        const made = stage.reach();
        assert.ok(made.records.some((one) => one.kind === 'transfer.started'));
        try {
          give(made);
          assertNobodyRings(made);
          finish(made);
          assertNothingLeft(made);
        } catch (cause) {
          throw new Error(`${stage.name} + ${name}: ${String(cause)}\n${JSON.stringify(made.call.dump())}`, {
            cause,
          });
        }
      }
    });
  }
});
