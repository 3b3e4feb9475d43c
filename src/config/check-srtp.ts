import type { ParsedFile } from './parsed-file.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

/** Reports where SRTP cannot be had, and where its keys (RFC 4568) would go through the network for all to read. */
export function checkSrtp(file: ParsedFile, source: YamlSource): void {
  for (const [name, trunk] of Object.entries(file.trunks)) {
    if (trunk.srtp === 'off') continue;
    if (trunk.srtp_keys === 'dtls') {
      checkDtls(file, name, source);
      continue;
    }
    const path: KeyPath = ['trunks', name, 'srtp'];
    const inClear = clearPath(file, name);
    if (inClear === null) continue;
    source.report(path, {
      code: 'keys_in_clear',
      severity: 'warning',
      message: `the keys stand in SDP, and ${inClear} is reached without TLS: who sees the SIP can decrypt the audio`,
      found: source.found(path),
      expected: 'signalling over tls, wss, or a network of its own',
      remedy: 'add `;transport=tls` to the URI and a listening point with `transport: tls`',
    });
  }
}

function checkDtls(file: ParsedFile, name: string, source: YamlSource): void {
  if (file.media?.kind === 'rtpengine') return;
  const path: KeyPath = ['trunks', name, 'srtp_keys'];
  source.report(path, {
    code: 'unsupported',
    message: 'DTLS-SRTP is done by rtpengine, not by the media of this node',
    found: source.found(path),
    expected: 'sdes',
    remedy: 'use `media: { kind: rtpengine, nodes: [...] }`, or `srtp_keys: sdes`',
  });
}

/** Where the trunk's SIP goes in the clear; null where it never does. */
function clearPath({ trunks, bots, listen }: ParsedFile, name: string): string | null {
  const uris = [
    ...(trunks[name]?.hosts ?? []),
    ...Object.values(bots).flatMap((bot) => (bot.trunk === name ? [bot.uri] : [])),
  ];
  const clear = uris.find((uri) => !isSecure(uri));
  if (clear !== undefined) return clear;
  const point = listen?.find(({ transport }) => transport !== 'tls' && transport !== 'wss');
  return uris.length === 0 && point ? `${point.transport} of \`listen\`` : null;
}

function isSecure(uri: string): boolean {
  return /^sips:/i.test(uri) || /;transport=(?:tls|wss)\b/i.test(uri);
}
