import { z } from 'zod';
import { DEFAULTS } from '../defaults.js';
import { duration, flag, list, matching, oneOf, section, sipUri, text } from './values.js';

const HA1 = matching(
  /^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64})$/,
  'the MD5 (32) or SHA-256 (64 hexadecimal digits) of username:realm:password',
);

/** A user who logs in: one of the two is checked to be there by `checkTrunkAuth`. */
const user = section({
  password: text('a password, in quotes where it looks like a number', 256).optional(),
  ha1: z.union([HA1, list(HA1, 'HA1 values', 1)], { error: 'an HA1, or a list of them' }).optional(),
});

const once = (items: readonly string[]): boolean => new Set(items).size === items.length;

/** Who must log in to send us calls. */
export const loginSchema = section({
  realm: text('a realm', 128).default(DEFAULTS.login.realm),
  users: z
    .record(text('a user name', 128), user, { error: 'a mapping of user names to `password` or `ha1`' })
    .refine((users) => Object.keys(users).length > 0, { error: 'at least one user' }),
  algorithms: list(oneOf(['SHA-512-256', 'SHA-256', 'MD5']), 'algorithms', 1)
    .refine(once, { error: 'each algorithm once' })
    .prefault([...DEFAULTS.login.algorithms]),
  qop: list(oneOf(['auth', 'auth-int']), 'auth and auth-int', 1)
    .refine(once, { error: 'each once' })
    .prefault([...DEFAULTS.login.qop]),
  required_for: oneOf(['everyone', 'strangers']).default(DEFAULTS.login.requiredFor),
  in_dialog: oneOf(['none', 'refer', 'all']).default(DEFAULTS.login.inDialog),
});

const registration = section({
  expires: duration('1m', '24h').prefault(DEFAULTS.register.expires),
  aor: sipUri().optional(),
  registrar: sipUri().optional(),
  contact_user: matching(/^[A-Za-z0-9._+*~!-]{1,64}$/, 'the user part of a SIP URI, in quotes').optional(),
});

/** Whether, and as whom, we register at the hosts of the trunk. */
export const registerSchema = z
  .union([flag(), registration], {
    error: 'true, false, or a mapping of expires, aor, registrar, contact_user',
  })
  .default(false);

export type LoginInput = z.output<typeof loginSchema>;
export type RegisterInput = z.output<typeof registerSchema>;
