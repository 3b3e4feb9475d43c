import assert from 'node:assert/strict';
import { runFuzz } from './run-fuzz.js';

describe('fuzzing from real messages', () => {
  it('finds nothing in the parser and a live engine within a second (npm run fuzz goes on for longer)', async () => {
    const { messages, findings } = await runFuzz({ seed: 4475, seconds: 1 });
    assert.ok(messages > 0);
    assert.deepEqual(findings, []);
  });
});
