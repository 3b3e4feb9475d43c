import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

describe('docs/errors.md', () => {
  it('names every error code of the source', () => {
    const documented = readFileSync(`${root}docs/errors.md`, 'utf8');
    const missing = new Set<string>();
    for (const path of readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })) {
      if (!path.endsWith('.ts')) continue;
      const source = readFileSync(`${root}src/${path}`, 'utf8');
      const thrown = /new (?:RelevoError|ApiProblem|CommandFailed)\(\s*(?:[\w.]+,\s*)?'([a-z_0-9]+)'/g;
      // Logged, answered to an order, or a problem of the configuration; zod's own issues are no codes of ours.
      const told = /\bcode: '(?!custom')([a-z_0-9]+)'/g;
      for (const [, code = ''] of [...source.matchAll(thrown), ...source.matchAll(told)])
        if (!documented.includes(`\`${code}\``)) missing.add(`${code} (${path})`);
    }
    assert.deepEqual([...missing], []);
  });
});
