import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-ports.js';
import {
  mortal,
  orKill,
  PhoneOutput,
  stopPhone,
  type Softphone,
  type SoftphoneOptions,
} from './softphone.js';
import { readWav, toneMs, writeToneWav } from './wav.js';

/** Starts linphonec, controlled by its standard input, with WAV files in the place of a sound card. */
export async function startLinphone(options: SoftphoneOptions): Promise<Softphone> {
  const folder = mkdtempSync(join(tmpdir(), 'relevo-linphone-'));
  const port = options.port ?? (await freePort());
  const rtp = await freePort();
  mkdirSync(join(folder, '.local/share/linphone'), { recursive: true });
  const tone = join(folder, 'tone.wav');
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
      `media_encryption=${options.dtls ? 'dtls' : options.srtp === undefined ? 'none' : 'srtp'}`,
      `media_encryption_mandatory=${options.srtp === 'required' || options.dtls ? 1 : 0}`,
      ...['register_only_when_network_is_up=0', 'auto_net_state_mon=0'],
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
  const child = spawn(...mortal('linphonec', ['-c', rc, ...(options.autoAnswer ? ['-a'] : []), '-d', '6']), {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, HOME: folder },
  });
  const output = new PhoneOutput(child);
  const order = async (line: string): Promise<void> => {
    await new Promise<void>((resolve) => {
      child.stdin.write(`${line}\n`, () => resolve());
    });
  };
  child.stdin.on('error', () => undefined);
  // Each call would be written over the recording of the one before, so each gets a file of its own.
  const recordings: string[] = [];
  const recordNext = async (): Promise<void> => {
    const file = join(folder, `heard-${recordings.length + 1}.wav`);
    recordings.push(file);
    await order(`record ${file}`);
  };
  await orKill(child, folder, async () => {
    await output.says(/Creating listening point|linphonec>/, 10_000);
    await order('soundcard use files');
    await order(`play ${tone}`);
    await recordNext();
    await output.says(/record [^\n]*heard-1\.wav/, 5_000);
  });
  output.onLine(/Call \d+ with .* connected\./, () => void recordNext());
  let paused = 0;
  const hold = async (): Promise<void> => {
    await order('pause');
    // While it is still pausing, linphone refuses to resume.
    await output.says(new RegExp(`(?:to LinphoneCallPaused\\b[^]*){${++paused}}`), 10_000);
  };
  return {
    name: 'linphone',
    uri: `sip:${options.user}@127.0.0.1:${port}`,
    port,
    dial: (uri) => order(`call ${uri}`),
    hangUp: () => order('terminate'),
    hold,
    resume: () => order('resume 1'),
    transfer: (uri) => order(`transfer ${uri}`),
    consult: async (uri) => {
      await hold();
      await order(`call ${uri}`);
      await output.says(/Call 2 with [^\n]* connected/, 10_000);
    },
    transferToConsulted: () => order('transfer 1 --to-call 2'),
    heardMs: (toneHz) =>
      recordings
        .filter((file) => existsSync(file))
        .reduce((sum, file) => sum + toneMs(readWav(file), toneHz), 0),
    says: (pattern, withinMs) => output.says(pattern, withinMs),
    output: () => output.text,
    close: () => stopPhone(child),
  };
}
