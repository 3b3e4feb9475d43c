import type { HeaderList } from '../../sip/message.js';
import { parseNameAddr } from '../../sip/name-addr.js';
import { splitValues } from '../../sip/scan.js';
import { parseSipUri } from '../../sip/uri.js';

/** Tells whether a host and port are the proxy's own. */
export type IsOwn = (host: string, port: number) => boolean;

const DEFAULT_PORT = 5060;

/** Takes the topmost Route values off that name this proxy (RFC 3261 16.4). Returns whether there was one. */
export function removeOwnRoutes(headers: HeaderList, isOwn: IsOwn): boolean {
  const routes = headers.getAll('route').flatMap((line) => splitValues(line) ?? []);
  let own = 0;
  while (own < routes.length && isOwnRoute(routes[own]!, isOwn)) own++;
  if (own === 0) return false;
  headers.remove('route');
  for (const route of routes.slice(own)) headers.add('Route', route);
  return true;
}

function isOwnRoute(route: string, isOwn: IsOwn): boolean {
  const uri = parseSipUri(parseNameAddr(route)?.uri ?? '');
  return uri !== undefined && isOwn(uri.host, uri.port ?? DEFAULT_PORT);
}
