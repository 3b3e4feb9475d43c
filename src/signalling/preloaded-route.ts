/** RFC 3261 8.1.2: the first route is the next hop. Null without routes. */
export function preloadedRoute(
  routes: readonly string[],
): { readonly nextHop: string; readonly lines: string } | null {
  const nextHop = /<([^>]+)>/.exec(routes[0] ?? '')?.[1];
  if (nextHop === undefined) return null;
  // The parameter tells the embedded engine to take the Route; a drachtio-server takes none from an application.
  return { nextHop: `${nextHop};relevo-route`, lines: routes.join(', ') };
}

/**
 * Tells the embedded engine how long (ms) a next hop may be silent; the `proxy` of drachtio-srf never goes over the
 * network. A drachtio-server does not know the parameter and gives up after its own timer B.
 */
export function silenceParameter(uri: string, silentMs: number): string {
  return /^sip:[^<>?]+$/i.test(uri) ? `;relevo-silent-ms=${silentMs}` : '';
}
