import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DryRunReport } from '../../../src/api/dry-run-schema.js';
import type { TrunkView } from '../../../src/api/trunk-schema.js';
import { loadConfig, type LoadedConfig } from '../../../src/config/load-config.js';
import { startNode, type RelevoNode } from '../../../src/main.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { freePort } from '../../support/free-ports.js';

const BOT_PORT = await freePort();

function yaml(apiPort = 0, number = '1000'): string {
  return `
listen:
  - { transport: udp, address: 127.0.0.1, port: 0 }
media: { ports: 18300-18399, workers: 1 }
api: { address: 127.0.0.1, port: ${apiPort} }
log: { level: silent }
trunks:
  peer: { allow: [127.0.0.0/8] }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${BOT_PORT}", answer_timeout: 1s }
projects:
  one:
    match: [{ trunk: peer, to: "${number}" }]
    bot: bot
`;
}

function load(text: string): LoadedConfig {
  return loadConfig({ text, path: 'test.yaml' }, { env: {}, checkExpression });
}

function valid(text: string): Extract<LoadedConfig, { ok: true }> {
  const loaded = load(text);
  assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.problems));
  return loaded;
}

function invite(number: string, port: number, local: number, callId: string): string {
  return [
    `INVITE sip:${number}@127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${local};branch=z9hG4bK${callId};rport`,
    'Max-Forwards: 70',
    `From: <sip:caller@127.0.0.1:${local}>;tag=${callId}`,
    `To: <sip:${number}@127.0.0.1:${port}>`,
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:caller@127.0.0.1:${local}>`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** A bot on the configured port that is busy. */
async function busyBot(): Promise<Socket> {
  const bot = createSocket('udp4');
  bot.on('message', (datagram, from) => {
    const lines = datagram.toString().split('\r\n');
    if (!lines[0]?.startsWith('INVITE')) return;
    const echoed = lines.filter((line) => /^(via|from|call-id|cseq):/i.test(line));
    const to = lines.find((line) => /^to:/i.test(line)) ?? '';
    const answer = ['SIP/2.0 486 Busy Here', ...echoed, `${to};tag=bot`, 'Content-Length: 0', '', ''];
    bot.send(answer.join('\r\n'), from.port, from.address);
  });
  bot.bind(BOT_PORT, '127.0.0.1');
  await once(bot, 'listening');
  return bot;
}

async function finalStatus(socket: Socket): Promise<number> {
  for (;;) {
    const [datagram] = (await once(socket, 'message')) as [Buffer];
    const status = Number(datagram.toString().slice(8, 11));
    if (status >= 200) return status;
  }
}

describe('a whole node', () => {
  let node: RelevoNode;
  let socket: Socket;
  let file: string;
  beforeEach(async () => {
    file = yaml();
    node = await startNode(valid(file).config, { reload: () => load(file), drainMs: 500 });
    socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  });
  afterEach(async () => {
    socket.close();
    await node.close();
  });

  const call = async (number: string, callId: string): Promise<number> => {
    const port = node.sipListeners[0]?.port ?? 0;
    const answered = finalStatus(socket);
    socket.send(invite(number, port, socket.address().port, callId), port, '127.0.0.1');
    return answered;
  };
  const get = (path: string) => fetch(`${node.apiAddress.url}${path}`);

  it('is healthy, answers an unknown number with 404 and counts it', async () => {
    const health = await get('/healthz');
    assert.equal(health.status, 200, await health.clone().text());
    assert.equal((await get('/readyz')).status, 200);
    assert.equal(await call('4711', 'unknown-number'), 404);
    const metrics = await (await get('/metrics')).text();
    assert.match(metrics, /relevo_calls_refused_total\{reason="unknown_number"\} 1/);
    assert.match(metrics, /relevo_sip_messages_total\{direction="in"\} [1-9]/);
    assert.match(metrics, /relevo_media_ports\{state="total"\} [1-9]/);
  });

  it('gives new calls a reloaded configuration, and rejects an invalid one whole', async () => {
    const reload = () => fetch(`${node.apiAddress.url}/v1/reload`, { method: 'POST' });
    file = yaml(0, '4711').replace('workers: 1', 'workers: 2');
    const report = (await (await reload()).json()) as { needsRestart: string[]; changed: string[] };
    assert.deepEqual(report.needsRestart, ['media.workers']);
    assert.ok(report.changed.some((key) => key.startsWith('plan.projects.one')));
    assert.notEqual(await call('4711', 'after-reload'), 404);
    file = 'projects: { one: { bott: x } }';
    const rejected = await reload();
    assert.equal(rejected.status, 422);
    assert.match(await rejected.text(), /bott/);
    assert.notEqual(await call('4711', 'after-rejected-reload'), 404);
  });

  it('applies CDR file, receivers and kept calls of a reload at once', async () => {
    const bot = await busyBot();
    after(() => bot.close());
    const folder = await mkdtemp(join(tmpdir(), 'relevo-'));
    const posted: string[] = [];
    const receiver = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => posted.push(chunk.toString()));
      request.on('end', () => {
        response.end();
        receiver.emit('posted');
      });
    });
    receiver.listen(0, '127.0.0.1');
    receiver.unref();
    await once(receiver, 'listening');
    const { port } = receiver.address() as AddressInfo;
    const got = once(receiver, 'posted');
    file = `${yaml()}observe:
  keep_calls: 0
  cdr: { file: "${folder}/cdr.jsonl" }
  webhooks: [{ url: "http://127.0.0.1:${port}/", secret: s3cret }]
`;
    const reloaded = await node.reload();
    assert.ok(reloaded.applied);
    assert.deepEqual(reloaded.needsRestart, []);
    assert.equal(await call('1000', 'kept-nowhere'), 486);
    await got;
    const event = JSON.parse(posted[0] ?? '') as { event: string; call: { sipCallId: string } };
    assert.deepEqual([event.event, event.call.sipCallId], ['call.ended', 'kept-nowhere']);
    assert.deepEqual(await (await get('/v1/calls')).json(), { calls: [], live: 0 });
    await node.close();
    const cdr = await readFile(`${folder}/cdr.jsonl`, 'utf8');
    assert.equal((JSON.parse(cdr) as { sipCallId: string }).sipCallId, 'kept-nowhere');
    await rm(folder, { recursive: true });
  });

  it('tells of its trunks, and of what a described call would become', async () => {
    assert.equal(await call('4711', 'nobody-takes-it'), 404);
    const { trunks } = (await (await get('/v1/trunks')).json()) as { trunks: TrunkView[] };
    assert.equal(trunks.length, 1);
    const { name, callsIn, refused, lastFailure } = trunks[0]!;
    assert.deepEqual([name, callsIn, refused], ['peer', 0, { unknown_number: 1 }]);
    assert.deepEqual([lastFailure?.status, lastFailure?.detail], [404, 'unknown_number']);
    const answer = await fetch(`${node.apiAddress.url}/v1/dry-run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ source: '127.0.0.1', called: '1000' }),
    });
    const report = (await answer.json()) as DryRunReport;
    assert.deepEqual([report.project, report.bot?.requestUri], ['one', `sip:bot@127.0.0.1:${BOT_PORT}`]);
  });

  it('drained: refuses new calls with 503 and ends by itself', async () => {
    assert.equal((await fetch(`${node.apiAddress.url}/v1/drain`, { method: 'POST' })).status, 202);
    assert.deepEqual(await node.ended, { failure: null });
    await assert.rejects(get('/healthz'));
  });

  it('leaves nothing running where a part cannot start, and says which', async () => {
    const taken = valid(yaml(node.apiAddress.port)).config;
    await assert.rejects(startNode(taken), { code: 'api_not_bound' });
    const { port } = node.sipListeners[0] ?? { port: 0 };
    const sipTaken = { ...valid(yaml()).config };
    await assert.rejects(
      startNode({
        ...sipTaken,
        listen: sipTaken.listen.map((point) => ({ ...point, port })),
      }),
      (error: { code?: string; remedy?: string }) => Boolean(error.code) && Boolean(error.remedy),
    );
  });
});

describe('a closed node', () => {
  it('leaves nothing that keeps its process alive', async () => {
    const script = fileURLToPath(new URL('./start-and-close.js', import.meta.url));
    const config = JSON.stringify(valid(yaml()).config);
    const child = spawn(process.execPath, [script, config]);
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(late);
    assert.equal(out, 'closed');
    assert.equal(code, 0);
  });
});
