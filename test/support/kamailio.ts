import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A kamailio in front of a node, as an SBC that record-routes and hides the topology. */
export interface Kamailio {
  readonly port: number;
  close(): Promise<void>;
}

const MODULE_PATHS = [
  '/usr/lib/x86_64-linux-gnu/kamailio/modules',
  '/usr/lib/aarch64-linux-gnu/kamailio/modules',
];

/** How it stands in front of the node. */
export interface KamailioOptions {
  /** Extensions that it reaches by itself, each at a port of 127.0.0.1; all other calls go to the node. */
  readonly extensions?: Readonly<Record<string, number>>;
  /** False leaves the Call-ID as it is: what topoh masks is not masked in Replaces (on by default). */
  readonly maskCallId?: boolean;
}

/** What stands for every address that it hides: nobody is there. */
export const MASK_ADDRESS = '127.0.0.99';

function configText(port: number, nodePort: number, options: KamailioOptions): string {
  const extensions = Object.entries(options.extensions ?? {}).map(
    ([user, to]) => `  if ($rU == "${user}") { $du = "sip:127.0.0.1:${to}"; t_relay(); exit; }\n`,
  );
  const modules = ['sl', 'tm', 'tmx', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'topoh'];
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:${port}
listen=tcp:127.0.0.1:${port}
mpath="${MODULE_PATHS.find((path) => existsSync(path)) ?? MODULE_PATHS[0]!}/"
${modules.map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("topoh", "mask_key", "relevo interop")
modparam("topoh", "mask_ip", "${MASK_ADDRESS}")
modparam("topoh", "mask_callid", ${options.maskCallId === false ? 0 : 1})
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("404", "Not Here");
    exit;
  }
  t_check_trans();
  record_route();
${extensions.join('')}  if ($rd == "${MASK_ADDRESS}") { sl_send_reply("404", "Not Here"); exit; }
  if ($sp != ${nodePort}) { $du = "sip:127.0.0.1:${nodePort}"; }
  t_relay();
}
`;
}

function bound(port: number): boolean {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  return readFileSync('/proc/net/udp', 'utf8').includes(hex);
}

/** Starts it; resolves once it listens. */
export async function startKamailio(
  port: number,
  nodePort: number,
  options: KamailioOptions = {},
): Promise<Kamailio> {
  const folder = mkdtempSync(join(tmpdir(), 'relevo-kamailio-'));
  const config = join(folder, 'kamailio.cfg');
  writeFileSync(config, configText(port, nodePort, options));
  const child = spawn(
    'kamailio',
    ['-f', config, '-DD', '-E', '-Y', folder, '-w', folder, '-m', '32', '-M', '4'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('latin1')).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  // Its main process ends the others; it must not outlive the tests either.
  const atExit = (): void => void child.kill('SIGTERM');
  process.once('exit', atExit);
  const close = async (): Promise<void> => {
    process.removeListener('exit', atExit);
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const until = Date.now() + 10_000;
  while (!bound(port)) {
    if (child.exitCode !== null || Date.now() > until) {
      await close();
      throw new Error(`kamailio did not start:\n${output}`);
    }
    await delay(50);
  }
  return { port, close };
}
