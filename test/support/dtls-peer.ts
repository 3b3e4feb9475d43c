import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { SrtpReceiver } from '../../src/rtp/srtp/srtp-receiver.js';
import { TestAuthority } from './certificates.js';
import { freeMediaPort } from './free-ports.js';
import { mortal } from './softphone.js';

const SUITE = 'AES_CM_128_HMAC_SHA1_80';
/** RFC 5764 4.2: two keys and two salts, the client's before the server's. */
const KEY = 16;
const SALT = 14;

/** What a handshake came to. */
export interface Handshake {
  /** Of the other side's certificate, as in a=fingerprint. */
  readonly fingerprint: string;
  /** Decrypts what the other side sends. */
  readonly receiver: SrtpReceiver;
}

/** The media side of a peer with DTLS-SRTP: the handshake is openssl's, as a client. */
export class DtlsPeer {
  readonly port: number;
  readonly #authority = new TestAuthority();
  readonly #cert: { readonly cert: string; readonly key: string };
  readonly #fingerprint: string;

  private constructor(port: number) {
    this.port = port;
    this.#cert = this.#authority.issue('DNS:peer.example.net');
    this.#fingerprint = new X509Certificate(readFileSync(this.#cert.cert)).fingerprint256;
  }

  static async open(): Promise<DtlsPeer> {
    return new DtlsPeer(await freeMediaPort());
  }

  /** An offer or an answer; this side always begins the handshake. */
  sdp(): string {
    return [
      ...['v=0', 'o=peer 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'],
      ...[`m=audio ${this.port} UDP/TLS/RTP/SAVP 8`, 'a=rtpmap:8 PCMA/8000', 'a=rtcp-mux'],
      ...[`a=fingerprint:sha-256 ${this.#fingerprint}`, 'a=setup:active', ''],
    ].join('\r\n');
  }

  /** Begins a handshake from our port; the port is free again afterwards. */
  async shakeHands(port: number): Promise<Handshake> {
    const child = spawn(
      ...mortal('openssl', [
        ...['s_client', '-dtls1_2', '-connect', `127.0.0.1:${port}`, '-bind', `127.0.0.1:${this.port}`],
        ...['-cert', this.#cert.cert, '-key', this.#cert.key, '-use_srtp', 'SRTP_AES128_CM_SHA1_80'],
        ...['-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen', String(2 * (KEY + SALT))],
      ]),
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const exited = once(child, 'exit');
    let output = '';
    const keys = await new Promise<Buffer>((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        output += chunk.toString('latin1');
        const material = /Keying material: ([0-9A-Fa-f]+)\n/.exec(output)?.[1];
        if (material !== undefined) resolve(Buffer.from(material, 'hex'));
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.once('exit', () => reject(new Error(`no handshake: ${output.slice(-2000)}`)));
    });
    child.kill('SIGKILL');
    await exited;
    const pem = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(output)?.[0] ?? '';
    const master = Buffer.concat([keys.subarray(KEY, 2 * KEY), keys.subarray(2 * KEY + SALT)]);
    assert.equal(master.length, KEY + SALT);
    return {
      fingerprint: `sha-256 ${new X509Certificate(pem).fingerprint256}`,
      receiver: new SrtpReceiver(SUITE, master),
    };
  }

  /** Resolves once a packet has come that is authentic under these keys and says nothing but this byte. */
  async hears(voice: number, receiver: SrtpReceiver): Promise<void> {
    const socket = createSocket('udp4');
    try {
      socket.bind(this.port, '127.0.0.1');
      await new Promise<void>((resolve) => {
        socket.on('message', (packet) => {
          if (packet[0]! >> 6 !== 2 || (packet[1]! & 0x7f) !== 8) return;
          const end = receiver.unprotect(packet, 12);
          if (typeof end === 'number' && packet.subarray(12, end).every((byte) => byte === voice)) resolve();
        });
      });
    } finally {
      socket.close();
    }
  }

  close(): void {
    this.#authority.close();
  }
}
