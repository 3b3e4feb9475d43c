import assert from 'node:assert/strict';
import { assertNobodyRings, assertNothingLeft, finish, inputs, STAGES } from './transfer-stages.js';

describe('every input in every state of a transfer, then the caller hangs up', () => {
  for (const stage of STAGES) {
    it(`${stage.name}: one terminal result, nothing left, nothing thrown`, () => {
      for (const { name, give } of inputs()) {
        const made = stage.reach();
        assert.equal(made.records.filter((one) => one.kind === 'transfer.started').length, 1);
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
