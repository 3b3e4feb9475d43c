import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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

  it('names only test files that are there', () => {
    const files = readdirSync('test', { recursive: true, encoding: 'utf8' });
    const rows = page.slice(page.indexOf('## Every row of the reference'));
    const named = new Set([...rows.matchAll(/([a-z0-9-]+\.test)\b/g)].map((match) => `${match[1]!}.ts`));
    assert.ok(named.size > 10);
    assert.deepEqual(
      [...named].filter((name) => !files.some((file) => file.endsWith(`/${name}`))),
      [],
    );
    for (const [, folder] of rows.matchAll(/(test\/[a-z/]+[a-z])(?![a-z/-]*\.test)/g))
      assert.ok(existsSync(folder!), folder);
  });

  it('says of each test by name only what a test is called', () => {
    const files = readdirSync('test', { recursive: true, encoding: 'utf8' });
    const rows = page.slice(page.indexOf('## Every row of the reference'));
    const wrong: string[] = [];
    for (const [, name, list] of rows.matchAll(
      /([a-z0-9-]+\.test): ([^|]*?)(?=; (?:[a-z/-]+\.test|sipp|test\/)|, sipp| \|)/g,
    )) {
      const text = files
        .filter((one) => one.endsWith(`/${name!}.ts`))
        .map((one) => readFileSync(`test/${one}`, 'utf8'))
        .join('\n');
      for (const said of list!.split('; ')) {
        const stem = said
          .split('…')[0]!
          .replace(/^(?:N|caller-[a-z-]+) /, '')
          .trim();
        if (stem.length > 12 && !text.includes(stem)) wrong.push(`${name!}: ${stem}`);
      }
    }
    assert.deepEqual(wrong, []);
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
