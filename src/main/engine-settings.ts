import type { ListenPoint, TlsPeer } from '../config/relevo-config.js';
import type { ListenOptions, TlsPeerOptions } from '../engine/engine-options.js';

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

type WithoutNulls<From> = { [Key in keyof From as null extends From[Key] ? never : Key]: From[Key] } & {
  [Key in keyof From as null extends From[Key] ? Key : never]?: NonNullable<From[Key]>;
};

/** The configuration writes null where the engine leaves the key out. */
function withoutNulls<From extends object>(from: From): WithoutNulls<From> {
  return Object.fromEntries(Object.entries(from).filter(([, value]) => value !== null)) as WithoutNulls<From>;
}
