import assert from 'node:assert/strict';
import { jsonSchema } from '../../../src/config/json-schema.js';
import { loadConfig } from '../../../src/config/load-config.js';
import type { Trunk } from '../../../src/call/project.js';

const MD5 = '0'.repeat(32);
const SHA = 'A'.repeat(64);

const load = (trunks: string): ReturnType<typeof loadConfig> =>
  loadConfig(
    {
      text: `listen: [{ transport: udp, address: 127.0.0.1 }]
trunks:
${trunks}
bots: { b: { kind: sip, uri: "sip:b@127.0.0.1" } }
projects: { p: { match: [{ trunk: a, to: "1" }], bot: b } }
`,
      path: 'test.yaml',
    },
    { env: {}, checkExpression: () => null },
  );
const trunkA = (trunks: string): Trunk => {
  const loaded = load(trunks);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config.plan.trunks['a']!;
};
const problems = (trunks: string): string => {
  const loaded = load(trunks);
  assert.ok(!loaded.ok);
  return loaded.problems.map(({ key, message }) => `${key}: ${message}`).join('\n');
};

describe('configuration: login and register', () => {
  it('takes passwords and HA1s, and fills the defaults in', () => {
    const { login } = trunkA(
      `  a: { login: { users: { x: { password: p }, y: { ha1: ["${MD5}", "${SHA}"] } } } }`,
    );
    assert.deepEqual(login, {
      realm: 'relevo',
      users: { x: 'p', y: { MD5, 'SHA-256': SHA } },
      algorithms: ['SHA-256', 'MD5'],
      qop: ['auth'],
      requiredFor: 'everyone',
      inDialog: 'none',
    });
  });

  it('says that an HA1 cannot serve an algorithm that is offered', () => {
    assert.match(problems(`  a: { login: { users: { x: { ha1: "${MD5}" } } } }`), /cannot serve SHA-256/);
    trunkA(`  a: { login: { users: { x: { ha1: "${MD5}" } }, algorithms: [MD5] } }`);
  });

  it('wants one secret per user, and a user of one trunk per realm', () => {
    assert.match(problems('  a: { login: { users: { x: {} } } }'), /either `password` or `ha1`/);
    const user = 'login: { users: { x: { password: p } } }';
    assert.match(problems(`  a: { ${user} }\n  c: { ${user} }`), /`a` has a user of this name/);
  });

  it('registers as the user of auth at the first host, unless told otherwise', () => {
    const auth = 'hosts: ["sip:r.example;transport=udp"], auth: { username: "+1 2", password: p }';
    assert.deepEqual(trunkA(`  a: { ${auth}, register: true }`).registration, {
      expiresS: 3600,
      aor: 'sip:+1%202@r.example',
      registrar: 'sip:r.example',
      contactUser: null,
    });
    const own = 'register: { expires: 5m, aor: "sip:me@ims.example", contact_user: "77" }';
    assert.deepEqual(trunkA(`  a: { ${auth}, ${own} }`).registration, {
      expiresS: 300,
      aor: 'sip:me@ims.example',
      registrar: 'sip:ims.example',
      contactUser: '77',
    });
    assert.equal(trunkA(`  a: { ${auth} }`).registration, null);
  });

  it('says what register lacks', () => {
    assert.match(problems('  a: { register: true }'), /needs `hosts`[^]*`auth` or `aor` is missing/);
  });

  it('stands in the published schema', () => {
    assert.match(JSON.stringify(jsonSchema()), /"required_for"/);
  });
});
