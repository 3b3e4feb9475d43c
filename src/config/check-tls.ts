import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../common/errors.js';
import type { ParsedFile } from './parsed-file.js';
import type { YamlSource } from './yaml-source.js';

type Path = readonly (string | number)[];

const TLS_KEYS = ['cert', 'key', 'ca', 'client_cert', 'verify'] as const;
const EXPIRES_SOON_MS = 14 * 86_400_000;

/** Reports certificates that are missing, unreadable, do not fit together or are over, and keys that mean nothing where they stand. */
export function checkTls(file: ParsedFile, source: YamlSource, folder: string, nowMs: number): void {
  file.listen?.forEach((point, index) => {
    const path: Path = ['listen', index];
    const secure = point.transport === 'tls' || point.transport === 'wss';
    if (secure) {
      for (const key of ['cert', 'key'] as const)
        if (point[key] === undefined) reportMissing(path, key, source);
      checkFiles(point, path, source, folder, nowMs);
    } else {
      for (const key of TLS_KEYS)
        if (point[key] !== undefined) reportIdle([...path, key], 'the transport tls or wss', source);
    }
    if (point.origins !== undefined && point.transport !== 'ws' && point.transport !== 'wss')
      reportIdle([...path, 'origins'], 'the transport ws or wss', source);
  });
  for (const [name, { tls }] of Object.entries(file.trunks)) {
    if (!tls) continue;
    const path: Path = ['trunks', name, 'tls'];
    if (tls.cert === undefined && tls.key !== undefined) reportMissing(path, 'cert', source);
    if (tls.key === undefined && tls.cert !== undefined) reportMissing(path, 'key', source);
    checkFiles(tls, path, source, folder, nowMs);
  }
  checkTransports(file, source);
}

/** A trunk that wants TLS cannot be reached without a listening point for it. */
function checkTransports({ listen, engine, trunks }: ParsedFile, source: YamlSource): void {
  if (!listen || engine?.kind === 'drachtio') return;
  const has = (transport: string): boolean => listen.some((point) => point.transport === transport);
  for (const [name, trunk] of Object.entries(trunks)) {
    trunk.hosts.forEach((uri, index) => {
      const asked = /;transport=([a-z]+)/i.exec(uri)?.[1]?.toLowerCase();
      const wanted = /^sips:/i.test(uri) && (asked === undefined || asked === 'tcp') ? 'tls' : asked;
      const found = wanted === undefined || has(wanted) || (wanted === 'ws' && has('wss'));
      if (found) return;
      source.report(['trunks', name, 'hosts', index], {
        code: 'no_listener',
        message: `nothing listens on ${wanted}: this host could not be reached`,
        found: source.found(['trunks', name, 'hosts', index]),
        expected: `an entry of \`listen\` with the transport ${wanted}`,
      });
    });
  }
}

function checkFiles(
  files: { cert?: string | undefined; key?: string | undefined; ca?: string | undefined },
  path: Path,
  source: YamlSource,
  folder: string,
  nowMs: number,
): void {
  const read = <Read>(key: 'cert' | 'key' | 'ca', parse: (pem: Buffer) => Read): Read | undefined => {
    const name = files[key];
    if (name === undefined) return undefined;
    try {
      return parse(readFileSync(resolve(folder, name)));
    } catch (thrown) {
      source.report([...path, key], {
        code: 'bad_certificate',
        message: `this file cannot be used: ${messageOf(thrown)}`,
        found: source.found([...path, key]),
        expected:
          key === 'key'
            ? 'a PEM file with a private key without a passphrase'
            : 'a PEM file with one certificate or more',
      });
      return undefined;
    }
  };
  const certificate = read('cert', (pem) => new X509Certificate(pem));
  const key = read('key', (pem) => createPrivateKey(pem));
  read('ca', (pem) => new X509Certificate(pem));
  if (certificate && key && !certificate.checkPrivateKey(key)) {
    source.report([...path, 'key'], {
      code: 'bad_certificate',
      message: 'the key is not that of the certificate',
      found: source.found([...path, 'key']),
      expected: `the key that belongs to ${files.cert}`,
    });
  }
  const leftMs = certificate ? Date.parse(certificate.validTo) - nowMs : Infinity;
  if (leftMs >= EXPIRES_SOON_MS) return;
  source.report([...path, 'cert'], {
    code: 'certificate_expires',
    severity: 'warning',
    message: `this certificate ${leftMs < 0 ? 'is over since' : 'ends on'} ${certificate?.validTo ?? ''}`,
    found: source.found([...path, 'cert']),
    expected: 'a certificate that is valid for some time',
    remedy: 'renew it: the node takes the new files as soon as they are there',
  });
}

function reportMissing(path: Path, key: string, source: YamlSource): void {
  source.report([...path, key], {
    code: 'missing_key',
    message: `\`${key}\` is missing`,
    found: source.found([...path, key]),
    expected: key === 'cert' ? 'the path of our certificate' : 'the path of the key of the certificate',
  });
}

function reportIdle(path: Path, where: string, source: YamlSource): void {
  source.report(path, {
    code: 'no_effect',
    message: `this key means something with ${where} only`,
    found: source.found(path),
    expected: 'no such key here',
  });
}
