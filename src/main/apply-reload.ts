import type { ApiServer } from '../api/api-server.js';
import type { ReloadReport } from '../api/node-control.js';
import { RelevoError } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import { diffConfig } from '../config/diff-config.js';
import type { LoadedConfig } from '../config/load-config.js';
import type { RelevoConfig } from '../config/relevo-config.js';
import { rulesByProject } from '../config/rules-by-project.js';
import type { PolicyThread } from '../policy/policy-thread-host.js';
import type { SignallingHost } from '../signalling/signalling-thread-host.js';
import type { ControlServer } from './control-server.js';
import type { NodeObserver } from './node-observer.js';

/** What a reload reaches. */
export interface ReloadTargets {
  readonly config: RelevoConfig;
  readonly observer: NodeObserver;
  readonly api: ApiServer;
  readonly policy: PolicyThread;
  readonly signalling: SignallingHost;
  readonly server: Pick<ControlServer, 'setPeers'>;
  readonly log: Logger;
}

/**
 * Reads the configuration again and gives new calls the valid one; an invalid one is rejected whole. Returns the
 * configuration in force.
 * @throws RelevoError `no_config_file` where the node runs without a file.
 */
export async function applyReload(
  read: (() => LoadedConfig) | null,
  targets: ReloadTargets,
): Promise<{ readonly config: RelevoConfig; readonly report: ReloadReport }> {
  const { config, observer, api, policy, signalling, server, log } = targets;
  if (!read)
    throw new RelevoError(
      'no_config_file',
      'this node runs on the built-in configuration',
      'Start it with -c and a file to be able to reload.',
    );
  const loaded = read();
  if (!loaded.ok) {
    const problems = loaded.problems.map(
      ({ file, line, column, key, message }) =>
        `${file}:${line}:${column}: ${key === '' ? '' : `${key}: `}${message}`,
    );
    log.error({ problems }, 'configuration rejected whole; the former one stays');
    return { config, report: { applied: false, problems } };
  }
  const after = loaded.config;
  const { changes } = diffConfig(config, after);
  const keysThatTake = (what: 'reload' | 'restart'): string[] =>
    changes.flatMap(({ key, takes }) => (takes === what ? [key] : []));
  const changed = keysThatTake('reload');
  const needsRestart = keysThatTake('restart');
  const tokens = tokensInForce(config, after);
  api.setTokens(tokens);
  policy.setProjects(rulesByProject(after.plan));
  server.setPeers(after);
  signalling.setPlan(after.plan);
  observer.setKeepCalls(after.observe.keepCalls);
  observer.webhooks.set(after.observe.webhooks);
  await observer.setCdrFile(after.observe.cdrFile);
  log.info({ changed, needsRestart, config: after.source }, 'configuration reloaded');
  return {
    // What only a restart changes stays as it runs, so that the next reload still sees the difference.
    config: {
      ...config,
      api: { ...config.api, tokens },
      observe: after.observe,
      plan: after.plan,
      tlsPeers: after.tlsPeers,
      source: after.source,
    },
    report: {
      applied: true,
      hash: after.source.hash,
      changed,
      needsRestart,
      warnings: loaded.warnings.map(({ key, message }) => `${key}: ${message}`),
    },
  };
}

/** A file that moves the API to loopback may drop the tokens; until the restart that moves it, they are kept. */
function tokensInForce(before: RelevoConfig, after: RelevoConfig): RelevoConfig['api']['tokens'] {
  const moved = before.api.address !== after.api.address;
  return moved && after.api.tokens.length === 0 ? before.api.tokens : after.api.tokens;
}
