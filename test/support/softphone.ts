import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-ports.js';
import { readWav, toneMs, writeToneWav } from './wav.js';

/** A real softphone, headless on loopback: it sends a tone, keeps what it hears, and is told what to do. */
export interface Softphone {
  readonly name: 'baresip' | 'linphone';
  readonly uri: string;
  readonly port: number;
  dial(uri: string): Promise<void>;
  hangUp(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  /** Blind transfer of the call in progress by REFER. */
  transfer(uri: string): Promise<void>;
  /** What this phone has heard in all its calls so far (8 kHz samples). */
  heard(): Int16Array;
  /** Resolves when the phone's own output matches. */
  says(pattern: RegExp, withinMs: number): Promise<void>;
  output(): string;
  close(): Promise<void>;
}

/** Is this program installed? */
export function available(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

/** What to start. */
export interface SoftphoneOptions {
  readonly toneHz: number;
  readonly user: string;
  readonly autoAnswer: boolean;
  readonly port?: number;
  /** What it logs in with, where it is challenged. */
  readonly password?: string;
  /** It speaks SIP over TLS only, with this certificate, and trusts this authority. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** What a phone has said, and who waits for it to say something. */
class Output {
  text = '';
  readonly #waiting = new Set<() => void>();

  constructor(child: ChildProcess) {
    const take = (chunk: Buffer): void => {
      this.text += chunk.toString('latin1');
      for (const look of this.#waiting) look();
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
  }

  async says(pattern: RegExp, withinMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`did not say ${String(pattern)} within ${withinMs} ms:\n${this.text.slice(-4000)}`));
      }, withinMs);
      const look = (): void => {
        if (!pattern.test(this.text)) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Starts baresip, controlled over its ctrl_tcp module; what it hears is kept by its sndfile module. */
export async function startBaresip(options: SoftphoneOptions): Promise<Softphone> {
  const folder = mkdtempSync(join(tmpdir(), 'relevo-baresip-'));
  const port = options.port ?? (await freePort());
  const control = await freePort();
  const rtp = await freePort();
  writeToneWav(join(folder, 'tone.wav'), options.toneHz, 30);
  writeFileSync(
    join(folder, 'config'),
    [
      `sip_listen 127.0.0.1:${port}`,
      ...(options.tls ? [`sip_certificate ${folder}/both.pem`, `sip_cafile ${options.tls.ca}`] : []),
      'net_interface 127.0.0.1',
      `audio_source aufile,${folder}/tone.wav`,
      ...['ausrc_srate 8000', 'auplay_srate 8000', 'ausrc_channels 1', 'auplay_channels 1'],
      'audio_txmode poll',
      `rtp_ports ${rtp}-${rtp + 20}`,
      'module_path /usr/lib/baresip/modules',
      ...['module g711.so', 'module aufile.so', 'module sndfile.so'],
      `snd_path ${folder}`,
      ...['module_tmp account.so', 'module_app menu.so', 'module_app ctrl_tcp.so'],
      `ctrl_tcp_listen 127.0.0.1:${control}`,
      '',
    ].join('\n'),
  );
  if (options.tls) {
    const { cert, key } = options.tls;
    writeFileSync(join(folder, 'both.pem'), readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
  }
  const answer = options.autoAnswer ? 'auto' : 'manual';
  writeFileSync(
    join(folder, 'accounts'),
    `<sip:${options.user}@127.0.0.1${options.tls ? ';transport=tls' : ''}>;regint=0${options.password === undefined ? '' : `;auth_user=${options.user};auth_pass=${options.password}`};answermode=${answer};audio_codecs=PCMA/8000/1,PCMU/8000/1\n`,
  );
  writeFileSync(join(folder, 'contacts'), '');
  const child = spawn('baresip', ['-f', folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = new Output(child);
  await output.says(/baresip is ready/, 10_000);
  const socket: Socket = connect(control, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const order = async (command: string, params?: string): Promise<void> => {
    const body = JSON.stringify(params === undefined ? { command } : { command, params });
    socket.write(`${Buffer.byteLength(body)}:${body},`);
    await once(socket, 'data');
  };
  return {
    name: 'baresip',
    uri: `sip:${options.user}@127.0.0.1:${port}`,
    // baresip listens for TLS on the port above.
    port: options.tls ? port + 1 : port,
    dial: (uri) => order('dial', uri),
    hangUp: () => order('hangup'),
    hold: () => order('hold'),
    resume: () => order('resume'),
    transfer: (uri) => order('transfer', uri),
    heard: () => {
      const dumps = readdirSync(folder).filter((name) => name.endsWith('-dec.wav'));
      const parts = dumps.sort().map((name) => readWav(join(folder, name)));
      return Int16Array.from(parts.flatMap((part) => [...part]));
    },
    says: (pattern, withinMs) => output.says(pattern, withinMs),
    output: () => output.text,
    close: async () => {
      socket.destroy();
      await stop(child, folder);
    },
  };
}

/** Starts linphonec, controlled by its standard input, with WAV files in the place of a sound card. */
export async function startLinphone(options: SoftphoneOptions): Promise<Softphone> {
  const folder = mkdtempSync(join(tmpdir(), 'relevo-linphone-'));
  const port = options.port ?? (await freePort());
  const rtp = await freePort();
  mkdirSync(join(folder, '.local/share/linphone'), { recursive: true });
  const tone = join(folder, 'tone.wav');
  const record = join(folder, 'heard.wav');
  writeToneWav(tone, options.toneHz, 30);
  const rc = join(folder, 'linphonerc');
  writeFileSync(
    rc,
    [
      ...[
        '[sip]',
        `sip_port=${options.tls ? 0 : port}`,
        'sip_tcp_port=0',
        `sip_tls_port=${options.tls ? port : 0}`,
        ...(options.tls
          ? [
              `root_ca=${options.tls.ca}`,
              `client_cert_chain=${options.tls.cert}`,
              `client_cert_key=${options.tls.key}`,
            ]
          : []),
        'bind_address=127.0.0.1',
        'use_ipv6=0',
        'ipv6_migration_done=1',
      ],
      ...['media_encryption=none', 'register_only_when_network_is_up=0', 'auto_net_state_mon=0'],
      ...[`contact=sip:${options.user}@127.0.0.1:${port}`],
      ...[
        '[rtp]',
        `audio_rtp_port=${rtp}`,
        '[net]',
        'mtu=1300',
        '[sound]',
        'echocancellation=0',
        'remote_ring=',
      ],
      ...(options.password === undefined
        ? []
        : [
            '[auth_info_0]',
            `username=${options.user}`,
            `userid=${options.user}`,
            `passwd=${options.password}`,
            'realm=relevo',
            'domain=127.0.0.1',
          ]),
      ...['[video]', 'enabled=0', 'display=0', 'capture=0', ''],
    ].join('\n'),
  );
  const child = spawn('linphonec', ['-c', rc, ...(options.autoAnswer ? ['-a'] : []), '-d', '6'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, HOME: folder },
  });
  const output = new Output(child);
  const order = async (line: string): Promise<void> => {
    await new Promise<void>((resolve) => {
      child.stdin.write(`${line}\n`, () => resolve());
    });
  };
  child.stdin.on('error', () => undefined);
  await output.says(/Creating listening point|linphonec>/, 10_000);
  await order('soundcard use files');
  await order(`play ${tone}`);
  await order(`record ${record}`);
  await output.says(/record [^\n]*heard\.wav/, 5_000);
  return {
    name: 'linphone',
    uri: `sip:${options.user}@127.0.0.1:${port}`,
    port,
    dial: (uri) => order(`call ${uri}`),
    hangUp: () => order('terminate'),
    hold: async () => {
      await order('pause');
      // While it is still pausing, linphone refuses to resume.
      await output.says(/to LinphoneCallPaused\b/, 10_000);
    },
    resume: () => order('resume 1'),
    transfer: (uri) => order(`transfer ${uri}`),
    heard: () => {
      try {
        readFileSync(record);
      } catch {
        return new Int16Array(0);
      }
      return readWav(record);
    },
    says: (pattern, withinMs) => output.says(pattern, withinMs),
    output: () => output.text,
    close: () => stop(child, folder),
  };
}

/** What counts as having heard somebody. */
const ENOUGH_MS = 500;

/** Waits until the phone has heard so much of a tone; baresip writes its files as it goes. */
export async function hears(phone: Softphone, toneHz: number, withinMs: number): Promise<void> {
  const until = Date.now() + withinMs;
  while (toneMs(phone.heard(), toneHz) < ENOUGH_MS) {
    if (Date.now() > until) {
      assert.fail(
        `${phone.name} at ${phone.uri} did not hear ${toneHz} Hz within ${withinMs} ms\n${phone.output().slice(-4000)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
