import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { TRANSFER_OUTCOMES } from '../../../src/call/vocabulary.js';

const page = readFileSync('docs/transfers.md', 'utf8');

describe('docs/transfers.md', () => {
  it('names only scenarios that are there', () => {
    const named = new Set(
      [...page.matchAll(/`((?:caller|bot|agent)-[a-z0-9-]+)/g)].map((match) => match[1]!),
    );
    assert.ok(named.size > 20);
    const missing = [...named].filter((name) => !existsSync(`sipp-scenarios/${name}.xml`));
    assert.deepEqual(missing, []);
  });

  it('explains every outcome', () => {
    const missing = TRANSFER_OUTCOMES.filter((outcome) => !page.includes(`| \`${outcome}\` |`));
    assert.deepEqual(missing, []);
  });

  it('gives each timer by its key', () => {
    for (const key of ['refer_reply', 'first_notify', 'total', 'bye_grace', 'late_notify'])
      assert.ok(page.includes(`\`transfer.timers.${key}\``), key);
  });
});
