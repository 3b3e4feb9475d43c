import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
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

/** Why the baresip of Debian 12 can do no attended transfer, in either role. */
export const BARESIP_HAS_NO_REPLACES =
  'baresip 1.0 knows no Replaces: its menu has /transfer alone (/atransferstart came later), and it offers no "replaces"';

function encryptionOf({ srtp, dtls }: SoftphoneOptions): string {
  if (dtls) return ';mediaenc=dtls_srtp';
  if (srtp === undefined) return '';
  return `;mediaenc=${srtp === 'required' ? 'srtp-mand' : 'srtp'}`;
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
      ...(options.noJitterBuffer ? ['jitter_buffer_delay 0-0'] : []),
      'module_path /usr/lib/baresip/modules',
      ...['module g711.so', 'module aufile.so', 'module sndfile.so', 'module srtp.so', 'module dtls_srtp.so'],
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
    `<sip:${options.user}@127.0.0.1${options.tls ? ';transport=tls' : ''}>;regint=0${options.password === undefined ? '' : `;auth_user=${options.user};auth_pass=${options.password}`};answermode=${answer}${encryptionOf(options)};audio_codecs=PCMA/8000/1,PCMU/8000/1\n`,
  );
  writeFileSync(join(folder, 'contacts'), '');
  const child = spawn(...mortal('baresip', ['-f', folder]), { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = new PhoneOutput(child);
  const socket = await orKill(child, folder, async (): Promise<Socket> => {
    await output.says(/baresip is ready/, 10_000);
    const connection = connect(control, '127.0.0.1');
    await once(connection, 'connect');
    connection.on('error', () => undefined);
    return connection;
  });
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
    consult: () => Promise.reject(new Error(BARESIP_HAS_NO_REPLACES)),
    transferToConsulted: () => Promise.reject(new Error(BARESIP_HAS_NO_REPLACES)),
    heardMs: (toneHz) => {
      const dumps = readdirSync(folder).filter((name) => name.endsWith('-dec.wav'));
      return dumps.reduce((sum, name) => sum + toneMs(readWav(join(folder, name)), toneHz), 0);
    },
    says: (pattern, withinMs) => output.says(pattern, withinMs),
    output: () => output.text,
    close: async () => {
      socket.destroy();
      await stopPhone(child);
    },
  };
}
