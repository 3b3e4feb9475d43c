/**
 * Every default of the configuration, written as it would stand in the YAML file. docs/configuration.md lists
 * them; a test compares the two.
 */
export const DEFAULTS = {
  listen: { port: 5060 },
  engine: { kind: 'embedded', controlPort: 0, drachtioPort: 9022 },
  media: { kind: 'embedded', ports: '20000-29999', workers: 'auto' },
  api: { address: '127.0.0.1', port: 8080, role: 'admin' },
  limits: { maxCps: 5000 },
  log: { level: 'info' },
  policy: { deadline: '250ms' },
  observe: {
    keepCalls: 1000,
    webhookTimeout: '5s',
    webhookRetries: 5,
    webhookEvents: ['transfer.ended', 'call.ended'],
  },
  trunk: {
    codecs: ['PCMA', 'PCMU'],
    numberFormat: 'as-is',
    transferMethod: 'auto',
    acceptReplaces: false,
    symmetricRtp: true,
  },
  bot: { answerTimeout: '10s', mediaTimeout: 0 },
  group: { strategy: 'sequential' },
  project: { maxDuration: '4h', callerMediaTimeout: '5m', botFailureStatus: 503 },
  transfer: {
    mode: 'blind',
    method: 'auto',
    waiting: 'ringback',
    brief: 'none',
    onFailure: ['next', 'resume-bot'],
    afterAgent: 'end',
    onNoNotify: 'resume-bot',
    ringTimeout: '30s',
    acceptTimeout: '10s',
    uuiEncoding: 'hex',
  },
  timers: {
    referReply: '10s',
    firstNotify: '10s',
    total: '5m',
    byeGrace: '3s',
    lateNotify: '1s',
  },
  rule: { lowConfidenceBelow: 0.4, turns: 3 },
} as const;
