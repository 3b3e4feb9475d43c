import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../src/common/log.js';
import { CallBook } from '../../../src/observe/call-book.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { CdrWriter } from '../../../src/observe/cdr-writer.js';
import { ended, started } from './call-records.js';

function call(callId: string): CallView {
  const book = new CallBook();
  book.apply(started(callId));
  book.apply(ended(callId));
  const view = book.get(callId);
  assert.ok(view);
  return view;
}

describe('CdrWriter', () => {
  const log = createLogger('test', 'silent');
  const limits = { queueLines: 3, retryMs: 5, closeMs: 500 };
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relevo-cdr-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const idsIn = async (file: string): Promise<string[]> =>
    (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { callId: string }).callId);

  it('appends one JSON line per call, in order', async () => {
    const file = join(folder, 'cdr.jsonl');
    const writer = new CdrWriter({ ...limits, file }, log);
    for (const id of ['a', 'b', 'c']) writer.write(call(id));
    await writer.close();
    await writer.close();
    assert.deepEqual(await idsIn(file), ['a', 'b', 'c']);
    assert.equal(writer.stats.written, 3);
  });

  it('never blocks on a full disk: it counts, loses the oldest beyond its bound, and ends', async function () {
    if (!existsSync('/dev/full')) this.skip();
    const writer = new CdrWriter({ ...limits, file: '/dev/full' }, log);
    for (let index = 0; index < 10; index++) writer.write(call(`c${index}`));
    await writer.close();
    assert.ok(writer.stats.failedWrites >= 1);
    assert.equal(writer.stats.written, 0);
    assert.equal(writer.stats.lost, 10);
    assert.equal(writer.stats.waiting, 0);
  });

  it('writes what waited once the file can be opened, without a line twice', async () => {
    const later = join(folder, 'later');
    const file = join(later, 'cdr.jsonl');
    const writer = new CdrWriter({ ...limits, file }, log);
    writer.write(call('a'));
    writer.write(call('b'));
    const watcher = watch(folder);
    const made = once(watcher, 'change');
    await mkdir(later);
    await made;
    watcher.close();
    const inside = watch(later);
    if (!existsSync(file)) await once(inside, 'change');
    inside.close();
    await writer.close();
    assert.deepEqual(await idsIn(file), ['a', 'b']);
    assert.ok(writer.stats.failedWrites >= 1);
  });

  it('goes on in a new file after log rotation', async () => {
    const file = join(folder, 'cdr.jsonl');
    const writer = new CdrWriter({ ...limits, file }, log);
    writer.write(call('a'));
    await writer.reopen();
    await rename(file, `${file}.1`);
    await writer.reopen();
    writer.write(call('b'));
    await writer.close();
    assert.deepEqual(await idsIn(`${file}.1`), ['a']);
    assert.deepEqual(await idsIn(file), ['b']);
  });
});
