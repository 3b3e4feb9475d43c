import type { ParsedFile } from './parsed-file.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

/** Reports where SRTP cannot be had, and where its keys (RFC 4568) would go through the network for all to read. */
export function checkSrtp(file: ParsedFile, source: YamlSource): void {
  for (const [name, trunk] of Object.entries(file.trunks)) {
    if (trunk.srtp === 'off') continue;
    const path: KeyPath = ['trunks', name, 'srtp'];
    if (file.media?.kind === 'rtpengine') {
      source.report(path, {
        code: 'unsupported',
        message: 'SRTP is done by the media of this node, not by rtpengine',
        found: source.found(path),
        expected: 'off',
        remedy: 'use `media: { kind: embedded }`, or `srtp: off`',
      });
    }
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
