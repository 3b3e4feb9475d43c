import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { isIP } from 'node:net';
import { RelevoError } from '../../common/errors.js';
import type { ListenOptions, ListenTlsOptions, TlsPeerOptions } from '../engine-options.js';
import { checkSipIdentity } from './sip-identity.js';
import { readCredentials, type Credentials } from './tls-credentials.js';

const MIN_VERSION = 'TLSv1.2';

/** The certificates of a `tls` or `wss` listener. Throws `engine_no_certificate` when it names none. */
export function tlsOf(options: ListenOptions): ListenTlsOptions {
  if (options.tls) return options.tls;
  throw new RelevoError(
    'engine_no_certificate',
    `the ${options.transport} listener ${options.address}:${options.port} has no certificate`,
    'Give it "cert" and "key".',
  );
}

/** What a TLS server is made with. */
export function serverSettings(
  tls: ListenTlsOptions,
  credentials: Credentials,
  handshakeMs: number,
): TlsOptions {
  return {
    ...credentials,
    minVersion: MIN_VERSION,
    handshakeTimeout: handshakeMs,
    requestCert: tls.clientCert === 'request' || tls.clientCert === 'require',
    rejectUnauthorized: tls.clientCert === 'require',
  };
}

/** How connections to peers are secured: as the listener says, but for those that have settings of their own. */
export class TlsPeers {
  #byHost = new Map<string, { options: TlsPeerOptions; credentials: Credentials }>();

  /** Replaces all settings, for new connections; reads their files. Throws `tls_files`, and changes nothing then. */
  set(peers: readonly TlsPeerOptions[]): void {
    this.#byHost = new Map(
      peers.map((options) => [
        options.host.toLowerCase(),
        { options, credentials: readCredentials(options) },
      ]),
    );
  }

  /** `host` is the name or address in the URI: its certificate must speak for that, whatever DNS said (RFC 5922 7.1). */
  settings(host: string, tls: ListenTlsOptions, own: Credentials): ConnectionOptions {
    const bare = host.startsWith('[') ? host.slice(1, -1) : host;
    const peer = this.#byHost.get(bare.toLowerCase());
    const name = peer?.options.serverName ?? bare;
    return {
      ...own,
      ...peer?.credentials,
      minVersion: MIN_VERSION,
      rejectUnauthorized: peer?.options.verify ?? tls.verify ?? true,
      checkServerIdentity: (_host, certificate) => checkSipIdentity(name, certificate),
      // RFC 6066 3: SNI holds names, not addresses.
      ...(isIP(name) === 0 ? { servername: name } : {}),
    };
  }
}
