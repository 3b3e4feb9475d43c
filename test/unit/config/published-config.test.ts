import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { DEFAULTS } from '../../../src/config/defaults.js';
import { DEMO_PROJECTS, builtInConfig } from '../../../src/config/demo-config.js';
import { diffConfig } from '../../../src/config/diff-config.js';
import { jsonSchema } from '../../../src/config/json-schema.js';
import { rulesByProject } from '../../../src/config/rules-by-project.js';
import { BASE, good, load } from './load.js';

const ENV = {
  CARRIER_PASSWORD: 'x',
  RELEVO_TOKEN: 'some-long-token',
  WEBHOOK_SECRET: 'y',
  DESK_PHONE_PASSWORD: 'z',
};

describe('configuration: a reload', () => {
  const before = good(BASE);

  it('that changes nothing says so', () => {
    assert.deepEqual(diffConfig(before, good(`# a comment\n${BASE}`)), { changes: [], needsRestart: false });
  });

  it('applies trunks, bots, destinations, projects, tokens and limits at once', () => {
    const after = good(
      `${BASE.replace('allow:', 'max_cps: 5, allow:').replace('  desk:', '  new: { type: phone, number: "1", trunk: carrier }\n  desk:')}api: { tokens: [{ name: a, token: "12345678" }] }\n`,
    );
    const { changes, needsRestart } = diffConfig(before, after);
    assert.equal(needsRestart, false);
    assert.deepEqual(changes.map(({ key, change }) => `${change} ${key}`).sort(), [
      'added plan.destinations.new',
      'changed api.tokens',
      'changed plan.trunks.carrier.maxCps',
    ]);
  });

  it('names what takes a restart: listening points, engine, media ports, the API port, the log', () => {
    const after = good(
      `${BASE.replace('port: 5060', 'port: 5062')}engine: { kind: drachtio, host: 127.0.0.1, secret: cymru }\nmedia: { ports: 30000-30999 }\napi: { port: 8081 }\nlog: { level: warn }\n`,
    );
    const restart = diffConfig(before, after).changes.filter((change) => change.takes === 'restart');
    assert.deepEqual([...new Set(restart.map((change) => change.key.split('.')[0]))].sort(), [
      'api',
      'engine',
      'listen',
      'log',
      'media',
    ]);
    assert.doesNotMatch(JSON.stringify(restart), /cymru/);
  });
});

describe('configuration: what is published', () => {
  for (const file of ['examples/minimal.yaml', 'examples/full.yaml']) {
    it(`${file} is valid without a warning`, () => {
      const loaded = load(readFileSync(file, 'utf8'), ENV);
      assert.ok(loaded.ok, JSON.stringify(loaded.ok ? [] : loaded.problems, null, 1));
      assert.deepEqual(loaded.warnings, []);
    });
  }

  it('each worked example of the reference is valid', () => {
    const page = readFileSync('docs/configuration.md', 'utf8');
    const examples = [...page.matchAll(/```yaml\n(listen:[\s\S]*?)```/g)].map((match) => match[1]!);
    assert.equal(examples.length, 3);
    for (const example of examples) {
      const loaded = load(example, ENV);
      assert.ok(loaded.ok, JSON.stringify(loaded.ok ? [] : loaded.problems, null, 1));
    }
  });

  it('the reference names every key of the schema and every default', () => {
    const page = readFileSync('docs/configuration.md', 'utf8');
    const missing = [...keysOf(jsonSchema())].filter((key) => !page.includes(`\`${key}\``));
    assert.deepEqual(missing, []);
    for (const value of Object.values(DEFAULTS).flatMap((section) => Object.values(section) as unknown[])) {
      const shown = Array.isArray(value) ? `\`[${value.join(', ')}]\`` : `\`${String(value)}\``;
      assert.ok(page.includes(shown), `default ${shown} is not in the reference`);
    }
  });

  it('the full example has every key of the schema, at every place where it can stand', () => {
    const text = readFileSync('examples/full.yaml', 'utf8');
    const used = new Set<string>();
    walkFile(parse(text), '', used);
    // Kinds and types that exclude each other in one file: one of them stands in a comment.
    for (const note of text.matchAll(/# or: (.*)$/gm)) walkFile(parse(note[1]!), '', used);
    const places = new Set<string>();
    walkSchema(jsonSchema(), '', places);
    assert.deepEqual(
      [...places].filter((place) => !used.has(place)),
      [],
    );
  });

  it('the JSON Schema knows the sections and only what is supported', () => {
    const schema = JSON.stringify(jsonSchema());
    for (const section of [
      'listen',
      'engine',
      'media',
      'trunks',
      'bots',
      'destinations',
      'projects',
      'api',
    ]) {
      assert.ok(schema.includes(`"${section}"`), section);
    }
    assert.doesNotMatch(schema, /twilio|sctp/);
  });

  it('the built-in demonstration has one project per method, each with its own number', () => {
    const config = good(
      builtInConfig({
        sipPort: 5060,
        apiPort: 8080,
        botUri: 'sip:demo-bot@127.0.0.1:5070',
        agentUri: 'sip:demo-agent@127.0.0.1:5080',
      }),
    );
    assert.deepEqual(
      Object.values(config.plan.projects).map((project) => [
        project.match[0]!.to,
        project.transfer.mode,
        project.transfer.method,
      ]),
      DEMO_PROJECTS.map((project) => [project.number, project.mode, project.method]),
    );
    assert.deepEqual(config.plan.trunks['agents']!.hosts, ['sip:127.0.0.1:5080']);
    assert.deepEqual(
      rulesByProject(config.plan)['demo']!.map((rule) => rule.condition.kind),
      ['dtmf', 'intent', 'low_confidence'],
    );
  });
});

/** Every property name of a JSON Schema. */
function keysOf(schema: unknown, keys = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return keys;
  for (const [name, value] of Object.entries(schema)) {
    if (name === 'properties') for (const key of Object.keys(value as object)) keys.add(key);
    keysOf(value, keys);
  }
  return keys;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
}

/** Every place of a key: `trunks.*.hosts`, `listen[].port`. */
function walkSchema(schema: SchemaNode, path: string, places: Set<string>): void {
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const place = path === '' ? name : `${path}.${name}`;
    places.add(place);
    walkSchema(inner, place, places);
  }
  for (const inner of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])])
    walkSchema(inner, path, places);
  if (schema.items) walkSchema(schema.items, `${path}[]`, places);
  if (typeof schema.additionalProperties === 'object')
    walkSchema(schema.additionalProperties, `${path}.*`, places);
}

/** The places of a file, in the same words: each name of a map counts as `*` too. */
function walkFile(value: unknown, path: string, places: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) walkFile(item, `${path}[]`, places);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      for (const place of [path === '' ? name : `${path}.${name}`, `${path}.*`]) {
        places.add(place);
        walkFile(inner, place, places);
      }
    }
  }
}
