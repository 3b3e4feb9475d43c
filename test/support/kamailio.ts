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
  /** With these it hides nothing, and speaks TLS to the node, and TLS and UDP to callers. */
  readonly tls?: KamailioTls;
}

/** What stands for every address that it hides: nobody is there. */
export const MASK_ADDRESS = '127.0.0.99';

/** Whether its TLS module is installed. */
export function kamailioHasTls(): boolean {
  return MODULE_PATHS.some((path) => existsSync(join(path, 'tls.so')));
}

/** The files that a proxy over TLS works with, PEM. */
export interface KamailioTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** What every request meets first: hops, CANCEL, and the route of its dialog. */
const IN_DIALOG = `  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("404", "Not Here");
    exit;
  }
  t_check_trans();
`;

/** The lines that load these modules. */
function loaded(modules: readonly string[]): string {
  const path = MODULE_PATHS.find((one) => existsSync(one)) ?? MODULE_PATHS[0]!;
  return [`mpath="${path}/"`, ...modules.map((name) => `loadmodule "${name}.so"`)].join('\n');
}

/** A proxy that record-routes between TLS on both sides, twice where both sides are of one kind. */
function tlsConfigText(port: number, nodePort: number, tlsFile: string): string {
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
tcp_connection_lifetime=3605
listen=tls:127.0.0.1:${port}
listen=udp:127.0.0.1:${port}
${loaded(['sl', 'tm', 'tmx', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'tls'])}
modparam("tls", "config", "${tlsFile}")
modparam("rr", "enable_double_rr", 1)
request_route {
${IN_DIALOG}  record_route();
  $du = "sip:127.0.0.1:${nodePort};transport=tls";
  t_relay();
}
`;
}

function tlsText({ cert, key, ca }: KamailioTls): string {
  const common = `method = TLSv1.2+\ncertificate = ${cert}\nprivate_key = ${key}\nca_list = ${ca}\n`;
  return (
    `[server:default]\n${common}verify_certificate = no\nrequire_certificate = no\n` +
    `[client:default]\n${common}verify_certificate = yes\nrequire_certificate = yes\n`
  );
}

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
${loaded(modules)}
modparam("topoh", "mask_key", "relevo interop")
modparam("topoh", "mask_ip", "${MASK_ADDRESS}")
modparam("topoh", "mask_callid", ${options.maskCallId === false ? 0 : 1})
request_route {
${IN_DIALOG}  record_route();
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

/** What a registrar that asks for passwords is made of. */
export interface RegistrarOptions {
  readonly password: string;
  readonly algorithm: 'MD5' | 'SHA-256';
  /** Calls to others than registered users go here, once who calls has logged in. */
  readonly onwardPort: number;
}

/** A registrar with usrloc; it challenges REGISTER with 401, and INVITEs of 1001 with 407. */
function registrarText(port: number, { password, algorithm, onwardPort }: RegistrarOptions): string {
  const modules = ['sl', 'tm', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'usrloc', 'registrar', 'auth'];
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:${port}
${loaded(modules)}
modparam("auth", "algorithm", "${algorithm}")
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
request_route {
${IN_DIALOG}  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("registrar.test", "${password}", "0")) {
      www_challenge("registrar.test", "1");
      exit;
    }
    save("location");
    exit;
  }
  record_route();
  if (lookup("location")) { t_relay(); exit; }
  if (!pv_proxy_authenticate("registrar.test", "${password}", "0")) {
    proxy_challenge("registrar.test", "1");
    exit;
  }
  consume_credentials();
  $du = "sip:127.0.0.1:${onwardPort}";
  t_relay();
}
`;
}

/** Starts a registrar; resolves once it listens. */
export function startRegistrar(port: number, options: RegistrarOptions): Promise<Kamailio> {
  return run(port, () => registrarText(port, options));
}

/** Starts it; resolves once it listens. */
export function startKamailio(
  port: number,
  nodePort: number,
  options: KamailioOptions = {},
): Promise<Kamailio> {
  const { tls } = options;
  if (!tls) return run(port, () => configText(port, nodePort, options));
  return run(port, (tlsFile) => tlsConfigText(port, nodePort, tlsFile), tls);
}

/** From SIGTERM to the end of all its processes. */
const ENDS_WITHIN_MS = 4_000;

async function run(
  port: number,
  text: (tlsFile: string) => string,
  tls?: KamailioOptions['tls'],
): Promise<Kamailio> {
  const folder = mkdtempSync(join(tmpdir(), 'relevo-kamailio-'));
  const config = join(folder, 'kamailio.cfg');
  const tlsFile = join(folder, 'tls.cfg');
  if (tls) writeFileSync(tlsFile, tlsText(tls));
  writeFileSync(config, text(tlsFile));
  const child = spawn(
    'kamailio',
    ['-f', config, '-DD', '-E', '-Y', folder, '-w', folder, '-m', '32', '-M', '4'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, so that all of it can be ended.
      detached: true,
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
      // One in a dozen waits a minute for a process of its own that is stuck in a lock.
      const stuck = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), ENDS_WITHIN_MS);
      await exited;
      clearTimeout(stuck);
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
