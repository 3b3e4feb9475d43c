import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Clock, Timer } from '../../common/clock.js';
import { messageOf, RelevoError } from '../../common/errors.js';
import type { Logger } from '../../common/log.js';

/** PEM files that belong together. */
export interface CredentialFiles {
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
}

/** The same, read. */
export interface Credentials {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ca?: Buffer;
}

const LOOK_EVERY_MS = 5_000;
const DAY_MS = 86_400_000;
const WARN_BEFORE_MS = 14 * DAY_MS;

/** Reads the files and checks that they fit together. Throws `tls_files`. */
export function readCredentials(files: CredentialFiles): Credentials {
  const read = (path: string | undefined): Buffer | undefined =>
    path === undefined ? undefined : readFileSync(path);
  try {
    const [cert, key, ca] = [read(files.certFile), read(files.keyFile), read(files.caFile)];
    const credentials = { ...(cert && { cert }), ...(key && { key }), ...(ca && { ca }) };
    createSecureContext(credentials);
    if (cert && key && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is not that of the certificate');
    return credentials;
  } catch (error) {
    throw new RelevoError(
      'tls_files',
      `TLS certificate not usable: ${messageOf(error)}`,
      `Check ${[files.certFile, files.keyFile, files.caFile].filter((path) => path !== undefined).join(', ')}: PEM files that this process may read, the key without a passphrase.`,
      { cause: error },
    );
  }
}

/** Certificates of a listener, read again when their files change; a set that does not fit together is not taken. */
export class TlsCredentials {
  readonly #files: CredentialFiles;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onChange: (credentials: Credentials) => void;
  #current: Credentials;
  #stamp: string;
  #timer: Timer | undefined;

  /** Throws `tls_files`. `onChange` is called with each new set. */
  constructor(
    files: CredentialFiles,
    parts: { clock: Clock; log: Logger },
    onChange: (credentials: Credentials) => void,
  ) {
    this.#files = files;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#onChange = onChange;
    this.#stamp = this.#stampNow();
    this.#current = readCredentials(files);
    this.#warnOfExpiry();
    this.#watch();
  }

  get current(): Credentials {
    return this.#current;
  }

  /** Reads the files now. Never throws: what cannot be used is logged, and what was there stays. */
  reload(): void {
    this.#stamp = this.#stampNow();
    try {
      this.#current = readCredentials(this.#files);
      this.#onChange(this.#current);
      this.#log.info({ cert: this.#files.certFile }, 'TLS certificate read again');
      this.#warnOfExpiry();
    } catch (error) {
      this.#log.error({ err: error }, 'the new TLS certificate is not taken: the old one stays in use');
    }
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.cancel();
  }

  #watch(): void {
    this.#timer = this.#clock.after(LOOK_EVERY_MS, () => {
      if (this.#stampNow() !== this.#stamp) this.reload();
      this.#watch();
    });
  }

  /** Changes when a file, or what a link stands for, is replaced. */
  #stampNow(): string {
    const { certFile, keyFile, caFile } = this.#files;
    return [certFile, keyFile, caFile]
      .map((path) => {
        const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
        return found ? `${found.ino}:${found.mtimeMs}:${found.size}` : '';
      })
      .join(' ');
  }

  #warnOfExpiry(): void {
    if (!this.#current.cert) return;
    const { validTo } = new X509Certificate(this.#current.cert);
    const leftMs = Date.parse(validTo) - this.#clock.wallMs();
    if (leftMs < WARN_BEFORE_MS)
      this.#log.warn(
        { cert: this.#files.certFile, validTo },
        leftMs < 0 ? 'the TLS certificate has expired' : 'the TLS certificate expires soon',
      );
  }
}
