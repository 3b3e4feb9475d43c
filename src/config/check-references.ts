import { isTimeZone, openingSpanFault } from './opening-hours.js';
import type { ParsedFile } from './parsed-file.js';
import type { DestinationInput } from './schema/peers.js';
import { checkDialPlan, checkUui } from './check-peers.js';
import { checkTrunkAuth } from './check-trunk-auth.js';
import { suggest } from './suggest.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

/** Reports each name that stands for nothing, rings of groups, and hours that cannot be. */
export function checkReferences(file: ParsedFile, source: YamlSource): void {
  const refer = (what: 'trunk' | 'bot' | 'destination', name: string | undefined, path: KeyPath): void => {
    const names = { trunk: file.names.trunks, bot: file.names.bots, destination: file.names.destinations }[
      what
    ];
    if (name === undefined || names.includes(name)) return;
    const meant = suggest(name, names);
    source.report(path, {
      code: 'unknown_reference',
      message: `there is no ${what} of this name`,
      found: source.found(path),
      expected: names.length === 0 ? `a name in \`${what}s\`, which is empty` : `one of ${names.join(', ')}`,
      remedy: meant ? `did you mean \`${meant}\`?` : null,
    });
  };

  checkTrunkAuth(file.trunks, source);
  for (const [name, trunk] of Object.entries(file.trunks)) checkDialPlan(trunk, ['trunks', name], source);
  for (const [name, bot] of Object.entries(file.bots)) refer('trunk', bot.trunk, ['bots', name, 'trunk']);
  for (const [name, destination] of Object.entries(file.destinations)) {
    const path = ['destinations', name];
    if (destination.type === 'group') {
      destination.members.forEach((member, index) =>
        refer('destination', member, [...path, 'members', index]),
      );
      destination.overflow.forEach((next, index) => refer('destination', next, [...path, 'overflow', index]));
      checkHours(destination, path, source);
    } else {
      refer('trunk', destination.trunk, [...path, 'trunk']);
      checkTrunkHasHost(file, destination, path, source);
      checkUui(destination.uui, [...path, 'uui'], source);
    }
  }
  for (const [name, project] of Object.entries(file.projects)) {
    const path = ['projects', name];
    refer('bot', project.bot, [...path, 'bot']);
    project.match.forEach((match, index) => refer('trunk', match.trunk, [...path, 'match', index, 'trunk']));
    refer('destination', project.transfer.to, [...path, 'transfer', 'to']);
    project.transfer.allow.forEach((target, index) =>
      refer('trunk', target.trunk, [...path, 'transfer', 'allow', index, 'trunk']),
    );
    project.listen?.allow.forEach((target, index) =>
      refer('trunk', target.trunk, [...path, 'listen', 'allow', index, 'trunk']),
    );
    project.rules.forEach((rule, index) => refer('destination', rule.to, [...path, 'rules', index, 'to']));
    refer('destination', project.bot_failure.to, [...path, 'bot_failure', 'to']);
  }
  checkRings(file, source);
}

/** A number is dialled at the hosts of its trunk: without one it cannot be. */
function checkTrunkHasHost(
  file: ParsedFile,
  destination: Exclude<DestinationInput, { type: 'group' }>,
  path: KeyPath,
  source: YamlSource,
): void {
  const trunk = file.trunks[destination.trunk];
  if (destination.type === 'queue' || !trunk || trunk.hosts.length > 0) return;
  source.report([...path, 'trunk'], {
    code: 'trunk_without_host',
    message: `a ${destination.type} is dialled at the hosts of its trunk, and this trunk has none`,
    found: source.found([...path, 'trunk']),
    expected: 'a trunk with `hosts`',
    remedy: `add \`hosts\` to trunks.${destination.trunk}`,
  });
}

function checkHours(group: DestinationInput & { type: 'group' }, path: KeyPath, source: YamlSource): void {
  if (!group.hours) return;
  if (!isTimeZone(group.hours.timezone)) {
    const meant = suggest(group.hours.timezone, Intl.supportedValuesOf('timeZone'));
    const at = [...path, 'hours', 'timezone'];
    source.report(at, {
      code: 'bad_value',
      message: 'there is no such time zone',
      found: source.found(at),
      expected: 'an IANA time zone, such as America/Bogota',
      remedy: meant ? `did you mean \`${meant}\`?` : null,
    });
  }
  group.hours.open.forEach((span, index) => {
    const fault = openingSpanFault(span);
    const at = [...path, 'hours', 'open', index];
    if (!fault) return;
    source.report(at, {
      code: 'bad_value',
      message: fault.message,
      found: source.found(at),
      expected: 'days and hours, such as mon-fri 08:00-18:00',
      remedy: fault.remedy,
    });
  });
}

/** A group that leads back to itself would be tried for ever. */
function checkRings(file: ParsedFile, source: YamlSource): void {
  const done = new Set<string>();
  const walk = (name: string, trail: readonly string[]): void => {
    const destination = file.destinations[name];
    if (destination?.type !== 'group' || done.has(name)) return;
    for (const list of ['members', 'overflow'] as const) {
      destination[list].forEach((next, index) => {
        const from = [...trail, name].indexOf(next);
        if (from < 0) {
          walk(next, [...trail, name]);
          return;
        }
        const ring = [...[...trail, name].slice(from), next].join(' → ');
        const at = ['destinations', name, list, index];
        source.report(at, {
          code: 'destination_ring',
          message: `these destinations lead back to themselves: ${ring}`,
          found: source.found(at),
          expected: 'groups that end at a phone, an extension or a queue',
          remedy: `remove \`${next}\` from ${list} of \`${name}\``,
        });
      });
    }
    done.add(name);
  };
  for (const name of Object.keys(file.destinations)) walk(name, []);
}
