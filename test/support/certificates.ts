import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its key, as files. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Whether certificates can be made here. */
export function hasOpenssl(): boolean {
  return spawnSync('openssl', ['version']).status === 0;
}

/** A certificate authority in a folder of its own, by the openssl command. */
export class TestAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), 'relevo-ca-'));
  /** The authority's own certificate. */
  readonly ca: string;
  readonly #key: string;
  #issued = 0;

  constructor() {
    this.ca = join(this.folder, 'ca.pem');
    this.#key = join(this.folder, 'ca.key');
    this.#run(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', this.#key, '-out', this.ca, '-days', '30', '-subj', '/CN=Relevo test authority'],
      ...['-addext', 'keyUsage=keyCertSign,cRLSign'],
    );
  }

  /** `names` as openssl writes them: `DNS:sip.example.net`, `IP:127.0.0.1`, `URI:sip:example.net`. */
  issue(...names: string[]): IssuedCertificate {
    const stem = join(this.folder, String(++this.#issued));
    const [cert, key, request, extensions] = ['.pem', '.key', '.csr', '.ext'].map((end) => stem + end);
    writeFileSync(extensions!, `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    this.#run(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', key!, '-out', request!, '-subj', `/CN=test ${this.#issued}`],
    );
    this.#run(
      ...['x509', '-req', '-in', request!, '-CA', this.ca, '-CAkey', this.#key, '-CAcreateserial'],
      ...['-out', cert!, '-days', '20', '-extfile', extensions!],
    );
    return { cert: cert!, key: key! };
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run(...args: string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
