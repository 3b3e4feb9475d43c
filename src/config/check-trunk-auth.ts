import { secretOf } from './build-trunk-auth.js';
import type { TrunkInput } from './schema/peers.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

interface Realm {
  readonly trunk: string;
  readonly offers: string;
  readonly users: Map<string, string>;
}

/** What `login` and `register` of all trunks need of each other and of their neighbours. */
export function checkTrunkAuth(trunks: Readonly<Record<string, TrunkInput>>, source: YamlSource): void {
  const realms = new Map<string, Realm>();
  for (const [name, trunk] of Object.entries(trunks)) {
    const path = ['trunks', name];
    checkLogin(name, trunk, [...path, 'login'], realms, source);
    checkRegister(trunk, [...path, 'register'], source);
  }
}

function checkLogin(
  trunk: string,
  { login }: TrunkInput,
  path: KeyPath,
  realms: Map<string, Realm>,
  source: YamlSource,
): void {
  if (!login) return;
  const offers = JSON.stringify([login.algorithms, login.qop]);
  const realm = realms.get(login.realm) ?? { trunk, offers, users: new Map<string, string>() };
  realms.set(login.realm, realm);
  if (realm.offers !== offers) {
    source.report(path, {
      code: 'bad_value',
      message: `trunk \`${realm.trunk}\` has the same realm, with other algorithms or qop`,
      found: login.realm,
      expected: 'a realm of its own, or the same `algorithms` and `qop`',
    });
  }
  for (const [name, { password, ha1 }] of Object.entries(login.users)) {
    const at = [...path, 'users', name];
    const other = realm.users.get(name);
    if (other !== undefined)
      source.report(at, {
        code: 'bad_value',
        message: `trunk \`${other}\` has a user of this name in the same realm`,
        found: name,
        expected: 'a name that stands for one trunk: another name, or a realm of its own',
      });
    realm.users.set(name, trunk);
    if ((password === undefined) === (ha1 === undefined)) {
      source.report(at, {
        code: 'bad_value',
        message: 'a user has either `password` or `ha1`',
        found: password === undefined ? 'neither' : 'both',
        expected: 'password: "…", or ha1: "…"',
      });
      continue;
    }
    if (ha1 === undefined) continue;
    const secret = secretOf(ha1);
    const missing = login.algorithms.filter((algorithm) => secret[algorithm] === undefined);
    if (missing.length > 0)
      source.report([...at, 'ha1'], {
        code: 'bad_value',
        message: `this ha1 cannot serve ${missing.join(' and ')}, which is offered`,
        found: Object.keys(secret).join(', '),
        expected: 'an ha1 for each of `algorithms`, or `algorithms` without it',
        remedy: `add \`algorithms: [${Object.keys(secret).join(', ')}]\` to \`login\``,
      });
  }
}

function checkRegister({ register, hosts, auth }: TrunkInput, path: KeyPath, source: YamlSource): void {
  if (register === false) return;
  if (hosts.length === 0)
    source.report(path, {
      code: 'missing_key',
      message: '`register` needs `hosts`, which is missing',
      found: 'nothing',
      expected: 'hosts: ["sip:registrar.example.net"]',
      remedy: 'add `hosts` beside it',
    });
  if (!auth && (register === true || register.aor === undefined))
    source.report(path, {
      code: 'missing_key',
      message: '`register` needs to know whom: `auth` or `aor` is missing',
      found: 'nothing',
      expected: 'auth: { username, password } beside it, or register: { aor: "sip:user@example.net" }',
      remedy: 'add `auth` beside it',
    });
}
