import { spawnSync } from 'node:child_process';
import { kamailioHasTls } from './kamailio.js';

/** Debian packages that the tests use, and the program by which each is recognised. */
const TOOLS = [
  { program: 'sipp', package: 'sip-tester', for: 'SIPp scenario tests and benchmarks' },
  { program: 'baresip', package: 'baresip', for: 'interop tests with baresip' },
  { program: 'linphonec', package: 'linphone-cli', for: 'interop tests with linphone' },
  { program: 'rtpengine', package: 'rtpengine-daemon', for: 'interop tests with rtpengine' },
  { program: 'tshark', package: 'tshark', for: 'reading captured packets with a second pair of eyes' },
  { program: 'kamailio', package: 'kamailio', for: 'interop tests behind a topology-hiding SBC' },
  {
    program: 'kamailio with TLS',
    package: 'kamailio-tls-modules',
    for: 'interop tests behind a proxy over TLS',
  },
] as const;

const isHere = (program: (typeof TOOLS)[number]['program']): boolean =>
  program === 'kamailio with TLS' ? kamailioHasTls() : spawnSync('which', [program]).status === 0;

const missing = TOOLS.filter((tool) => !isHere(tool.program));

if (missing.length > 0) {
  const names = missing.map((tool) => tool.package);
  const mayInstall = process.getuid?.() === 0 && spawnSync('which', ['apt-get']).status === 0;
  if (mayInstall) {
    process.stdout.write(`Installing ${names.join(', ')} from Debian …\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' });
    const done = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (done.status !== 0) process.stdout.write('apt-get could not install them.\n');
  }
  for (const tool of missing) {
    if (isHere(tool.program)) continue;
    process.stdout.write(
      `${tool.program} is not here: ${tool.for} will be skipped. To run them: sudo apt-get install ${tool.package}\n`,
    );
  }
}
