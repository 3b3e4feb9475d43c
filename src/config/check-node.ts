import { isIPv4 } from 'node:net';
import type { ParsedFile } from './parsed-file.js';
import type { YamlSource } from './yaml-source.js';

/** RTP ports that a call takes: RTP and RTCP of the caller's leg and of the bot's. */
export const PORTS_PER_CALL = 4;

const isLoopback = (address: string): boolean => address.startsWith('127.');

/** Whether two bound addresses would ask for the same port. */
const meets = (one: string, other: string): boolean =>
  isIPv4(one) === isIPv4(other) &&
  (one === other || [one, other].some((address) => address === '0.0.0.0' || address === '::'));

/** Reports what cannot work together in the sections of the node itself. */
export function checkNode(file: ParsedFile, source: YamlSource): void {
  checkListen(file, source);
  checkPorts(file, source);
  checkMediaAddress(file, source);
  checkMediaNodes(file, source);
  const { api } = file;
  if (api && api.tokens.length === 0 && !isLoopback(api.address)) {
    source.report(['api', 'address'], {
      code: 'api_open',
      message: 'the API would be open to everybody on the network',
      found: source.found(['api', 'address']),
      expected: 'a loopback address, or at least one token',
      remedy: 'add `tokens: [{ name: ops, token: ${RELEVO_TOKEN} }]` under `api`',
    });
  }
  reportTwice(
    api?.tokens.map((token) => token.name),
    (index) => ['api', 'tokens', index, 'name'],
    source,
  );
}

function checkListen({ listen, api }: ParsedFile, source: YamlSource): void {
  listen?.forEach((point, index) => {
    const other = listen.findIndex(
      (earlier, place) =>
        place < index &&
        point.port !== 0 &&
        (earlier.transport === 'udp') === (point.transport === 'udp') &&
        earlier.port === point.port &&
        meets(earlier.address, point.address),
    );
    if (other < 0) return;
    source.report(['listen', index, 'port'], {
      code: 'port_taken',
      message: `listen[${other}] takes this ${point.transport === 'udp' ? 'udp' : 'tcp'} port already`,
      found: source.found(['listen', index, 'port']),
      expected: 'a port of its own for each address: tcp, tls, ws and wss share the ports of TCP',
    });
  });
  if (!api || api.port === 0) return;
  const taken = listen?.findIndex(
    (point) => point.transport !== 'udp' && point.port === api.port && meets(point.address, api.address),
  );
  if (taken === undefined || taken < 0) return;
  source.report(['api', 'port'], {
    code: 'port_taken',
    message: `listen[${taken}] takes this tcp port already`,
    found: source.found(['api', 'port']),
    expected: 'a port of its own',
  });
}

function checkMediaNodes({ media }: ParsedFile, source: YamlSource): void {
  if (media?.kind === 'rtpengine' && media.nodes.length === 0) {
    source.report(['media', 'kind'], {
      code: 'missing',
      message: 'rtpengine needs to be told where it is',
      found: source.found(['media', 'kind']),
      expected: 'at least one entry in media.nodes',
      remedy: 'add `nodes: [{ ng: "127.0.0.1:2223" }]` under `media`',
    });
  }
  if (media?.kind === 'embedded' && media.nodes.length > 0) {
    source.report(['media', 'nodes'], {
      code: 'unused',
      message: 'nodes are for media of kind rtpengine',
      found: source.found(['media', 'nodes']),
      expected: '`kind: rtpengine`, or no nodes',
    });
  }
}

function checkMediaAddress({ listen, media }: ParsedFile, source: YamlSource): void {
  if (!listen || !media || media.address !== undefined || listen.some(({ address }) => isIPv4(address)))
    return;
  source.report(['media', 'address'], {
    code: 'missing_key',
    message: 'media is IPv4, and no listening point has an IPv4 address to take over',
    found: source.found(['media', 'address']),
    expected: 'the IPv4 address that RTP binds',
    remedy: 'add `address` under `media`',
  });
}

function checkPorts({ media, limits, listen }: ParsedFile, source: YamlSource): void {
  // The ports of an rtpengine are its own affair.
  if (media?.kind !== 'embedded') return;
  const ports = media.ports.max - media.ports.min + 1;
  const maxCalls = limits?.max_calls;
  if (maxCalls !== undefined && maxCalls * PORTS_PER_CALL > ports) {
    source.report(['limits', 'max_calls'], {
      code: 'too_few_ports',
      severity: 'warning',
      message: `${maxCalls} calls take ${maxCalls * PORTS_PER_CALL} RTP ports, and media.ports has ${ports}`,
      found: source.found(['limits', 'max_calls']),
      expected: `${Math.floor(ports / PORTS_PER_CALL)} at most`,
      remedy: 'widen media.ports, or lower limits.max_calls',
    });
  }
  listen?.forEach((point, index) => {
    if (point.transport !== 'udp' || point.port < media.ports.min || point.port > media.ports.max) return;
    source.report(['listen', index, 'port'], {
      code: 'port_taken',
      message: `this udp port lies within media.ports (${media.ports.min}-${media.ports.max})`,
      found: source.found(['listen', index, 'port']),
      expected: 'a port outside of media.ports',
    });
  });
}

/** Reports each name that stands a second time in a list. */
export function reportTwice(
  names: readonly string[] | undefined,
  pathOf: (index: number) => (string | number)[],
  source: YamlSource,
): void {
  names?.forEach((name, index) => {
    if (names.indexOf(name) === index) return;
    source.report(pathOf(index), {
      code: 'duplicate_name',
      message: 'this name is taken',
      found: source.found(pathOf(index)),
      expected: 'a name of its own',
    });
  });
}
