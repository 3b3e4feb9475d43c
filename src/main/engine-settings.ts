import type { EmbeddedEngine, ListenPoint, RelevoConfig, TlsPeer } from '../config/relevo-config.js';
import type { EngineOptions, ListenOptions, TlsPeerOptions } from '../engine/engine-options.js';

/** A listening point of the configuration as the engine takes it. */
export function listenOptionsOf({
  transport,
  address,
  port,
  advertise,
  tls,
  origins,
}: ListenPoint): ListenOptions {
  return {
    transport,
    address,
    port,
    ...(advertise === address ? {} : { advertise: { address: advertise } }),
    ...(tls ? { tls: withoutNulls({ ...tls }) } : {}),
    ...(origins ? { origins } : {}),
  };
}

/** How to meet a host of a trunk, as the engine takes it. */
export function tlsPeerOf(peer: TlsPeer): TlsPeerOptions {
  return withoutNulls({ ...peer });
}

/** What the engine is told besides where it listens. */
export function engineOptionsOf(
  engine: EmbeddedEngine,
): Pick<
  EngineOptions,
  'sessionTimer' | 'timers' | 'dnsServers' | 'keepAlive' | 'failover' | 'limits' | 'protection'
> {
  const { sessionTimer, timers, dnsServers, keepAlive, failover, limits, protection } = engine;
  return {
    sessionTimer,
    timers,
    keepAlive,
    failover,
    limits,
    protection: withoutNulls({ ...protection }),
    ...(dnsServers ? { dnsServers } : {}),
  };
}

/** Blocks wider than these are the world, not a peer. */
const WIDEST = { four: 16, six: 32 };

/** The sources that no ban may touch, besides those that the engine is told: the peers that trunks let in. */
export function trustedSources({ plan }: Pick<RelevoConfig, 'plan'>): string[] {
  return Object.values(plan.trunks)
    .flatMap(({ allow }) => allow)
    .filter((block) => {
      const [address = '', bits] = block.split('/');
      return bits === undefined || Number(bits) >= (address.includes(':') ? WIDEST.six : WIDEST.four);
    });
}

type WithoutNulls<From> = { [Key in keyof From as null extends From[Key] ? never : Key]: From[Key] } & {
  [Key in keyof From as null extends From[Key] ? Key : never]?: NonNullable<From[Key]>;
};

/** The configuration writes null where the engine leaves the key out. */
function withoutNulls<From extends object>(from: From): WithoutNulls<From> {
  return Object.fromEntries(Object.entries(from).filter(([, value]) => value !== null)) as WithoutNulls<From>;
}
