import assert from 'node:assert/strict';
import { loadConfig, type LoadedConfig } from '../../../src/config/load-config.js';
import type { ConfigProblem } from '../../../src/config/config-problem.js';
import type { RelevoConfig } from '../../../src/config/relevo-config.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';

/** The least that is valid; tests add lines to it. */
export const BASE = `listen:
  - { transport: udp, address: 127.0.0.1, port: 5060 }
trunks:
  carrier: { hosts: ["sip:10.0.0.1"], allow: [10.0.0.0/8] }
bots:
  bot: { kind: sip, uri: "sip:bot@10.0.0.2" }
destinations:
  desk: { type: phone, number: "100", trunk: carrier }
projects:
  acme:
    match: [{ trunk: carrier, to: "1*" }]
    bot: bot
    transfer: { to: desk }
`;

export function load(
  text: string,
  env: Record<string, string> = {},
  localAddress: string | null = null,
): LoadedConfig {
  return loadConfig({ text, path: 'relevo.yaml' }, { env, checkExpression, localAddress });
}

export function good(text: string, env: Record<string, string> = {}): RelevoConfig {
  const loaded = load(text, env);
  assert.ok(loaded.ok, JSON.stringify(loaded.ok ? [] : loaded.problems));
  return loaded.config;
}

export function bad(text: string, env: Record<string, string> = {}): readonly ConfigProblem[] {
  const loaded = load(text, env);
  assert.ok(!loaded.ok, 'the configuration was taken');
  return loaded.problems;
}
