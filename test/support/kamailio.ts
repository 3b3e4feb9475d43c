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
mpath="${MODULE_PATHS.find((path) => existsSync(path)) ?? MODULE_PATHS[0]!}/"
${['sl', 'tm', 'tmx', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'tls'].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("tls", "config", "${tlsFile}")
modparam("rr", "enable_double_rr", 1)
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

function configText(port: number, nodePort: number): string {
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
modparam("topoh", "mask_ip", "192.0.2.99")
modparam("topoh", "mask_callid", 1)
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
  $du = "sip:127.0.0.1:${nodePort}";
  t_relay();
}
`;
}

function bound(port: number): boolean {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  return readFileSync('/proc/net/udp', 'utf8').includes(hex);
}

/** Starts it; resolves once it listens. With `tls` it is a proxy that speaks TLS to both sides. */
export async function startKamailio(port: number, nodePort: number, tls?: KamailioTls): Promise<Kamailio> {
  const folder = mkdtempSync(join(tmpdir(), 'relevo-kamailio-'));
  const config = join(folder, 'kamailio.cfg');
  const tlsFile = join(folder, 'tls.cfg');
  if (tls) writeFileSync(tlsFile, tlsText(tls));
  writeFileSync(config, tls ? tlsConfigText(port, nodePort, tlsFile) : configText(port, nodePort));
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
  const until = Date.now() + 10_000;
  while (!bound(port)) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`kamailio did not start:\n${output}`);
    await delay(50);
  }
  return {
    port,
    close: async () => {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
