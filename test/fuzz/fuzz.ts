import { parseArgs } from 'node:util';
import { runFuzz } from './run-fuzz.js';

/** `npm run fuzz -- --seconds 30 [--seed N]`: exit 1 with findings. */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string' } },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  process.stderr.write('fuzz: --seconds takes a number above 0, --seed a whole number\n');
  process.exitCode = 2;
} else {
  process.stdout.write(`fuzz: seed ${seed}, ${seconds} s\n`);
  const { messages, findings } = await runFuzz({ seed, seconds });
  for (const { what, message } of findings) process.stdout.write(`FOUND ${what}\n  ${message}\n`);
  process.stdout.write(`fuzz: ${messages} messages, ${findings.length} findings (seed ${seed})\n`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}
