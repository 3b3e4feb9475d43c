import type { LoginSecret, TrunkLogin, TrunkRegistration } from '../call/trunk-auth.js';
import { DEFAULTS } from './defaults.js';
import type { TrunkInput } from './schema/peers.js';
import { hostOf } from './schema/sip-uri.js';
import type { LoginInput, RegisterInput } from './schema/trunk-auth.js';
import { durationMs } from './schema/values.js';

/** The `login` of a trunk. */
export function loginOf(login: LoginInput | undefined): TrunkLogin | null {
  if (!login) return null;
  const { realm, algorithms, qop, required_for: requiredFor, in_dialog: inDialog } = login;
  const users = Object.fromEntries(
    Object.entries(login.users).map(([name, user]): [string, LoginSecret] => [
      name,
      user.password ?? secretOf(user.ha1 ?? []),
    ]),
  );
  return { realm, users, algorithms, qop, requiredFor, inDialog };
}

/** The length of an HA1 tells its algorithm; SHA-512-256 has no form of its own in the file. */
export function secretOf(ha1: string | readonly string[]): Exclude<LoginSecret, string> {
  const values = typeof ha1 === 'string' ? [ha1] : ha1;
  const [md5, sha] = [values.find(({ length }) => length === 32), values.find(({ length }) => length === 64)];
  return { ...(md5 === undefined ? {} : { MD5: md5 }), ...(sha === undefined ? {} : { 'SHA-256': sha }) };
}

/** The `register` of a trunk. `checkTrunkAuth` has seen to it that there is a host, and a name to register. */
export function registrationOf({ register, hosts, auth }: TrunkInput): TrunkRegistration | null {
  if (register === false) return null;
  const written: Exclude<RegisterInput, boolean> =
    register === true ? { expires: durationMs(DEFAULTS.register.expires) } : register;
  const [first = 'sip:localhost'] = hosts;
  const scheme = /^sips:/i.test(first) ? 'sips' : 'sip';
  const host = hostOf(first);
  const domain = `${scheme}:${host.includes(':') ? `[${host}]` : host}`;
  const registrar = written.registrar ?? (written.aor === undefined ? domain : domainOf(written.aor));
  return {
    expiresS: Math.round(written.expires / 1_000),
    aor: written.aor ?? `${scheme}:${escapeUser(auth?.username ?? '')}@${hostPartOf(registrar)}`,
    registrar,
    contactUser: written.contact_user ?? null,
  };
}

function domainOf(aor: string): string {
  const scheme = aor.slice(0, aor.indexOf(':'));
  return `${scheme}:${hostPartOf(aor)}`;
}

/** Host, and port where there is one, without user and parameters. */
function hostPartOf(uri: string): string {
  const rest = uri.slice(uri.indexOf(':') + 1).split(/[;?]/, 1)[0] ?? '';
  return rest.slice(rest.lastIndexOf('@') + 1);
}

const escapeUser = (user: string): string =>
  user.replace(/[^\w\-.!~*'()&=+$,]/g, (char) => encodeURIComponent(char));
