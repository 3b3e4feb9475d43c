import type { RelevoConfig } from '../../../src/config/relevo-config.js';
import { startNode } from '../../../src/main.js';

// A process of its own, so that what a node leaves behind shows: the process would not end.
const node = await startNode(JSON.parse(process.argv[2] ?? '') as RelevoConfig);
await node.close();
await node.close();
process.stdout.write('closed');
