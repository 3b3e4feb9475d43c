/** The direction of imports, as docs/architecture.md draws it. `npm run boundaries` checks it. */
const only = (from, allowed) => ({
  name: `${from}-imports-only-${allowed.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: { path: '^src/', pathNot: `^src/(${[from, ...allowed].join('|')})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    only('common', []),
    only('sip', ['common']),
    only('engine', ['sip', 'common']),
    only('rtp', ['common']),
    only('bot', ['common']),
    only('call', ['bot', 'common']),
    only('policy', ['call', 'common']),
    only('config', ['call', 'common']),
    only('media', ['rtp', 'bot', 'call', 'common']),
    only('signalling', ['call', 'config', 'media', 'policy', 'common', 'sip/auth']),
    {
      name: 'demonstration-peers-are-independent',
      severity: 'error',
      from: { path: '^src/demo/(?!run-demo|scenario/|demo-)' },
      to: { path: '^src/(sip|engine|call|signalling|media|rtp)/' },
    },
    {
      name: 'nothing-imports-the-composition-root',
      severity: 'error',
      from: { path: '^src/(common|sip|engine|call|signalling|media|rtp|bot|policy|config|observe|api)/' },
      to: { path: '^src/(main|cli|demo)(/|\\.)' },
    },
    {
      name: 'command-line-speaks-http-only',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '^src/cli/(commands/(start|demo|engine)|built-in-node)' },
      to: { path: '^src/(engine|signalling|media|call)/' },
    },
    {
      name: 'call-and-sip-never-meet',
      severity: 'error',
      from: { path: '^src/call/' },
      to: { path: '^src/sip/' },
    },
    {
      name: 'policy-sees-decision-types-only',
      severity: 'error',
      from: { path: '^src/policy/' },
      to: { path: '^src/call/', pathNot: '^src/call/(decision|vocabulary)\\.ts$' },
    },
    {
      name: 'pure-folders-open-no-sockets',
      severity: 'error',
      from: { path: '^src/(sip|call|rtp|bot)/' },
      to: { path: '^(node:)?(dgram|net|tls|http|https|fs|worker_threads|child_process)$' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
    doNotFollow: { path: 'node_modules' },
  },
};
