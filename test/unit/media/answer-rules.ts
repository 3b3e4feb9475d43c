/** The rules of RFC 3264 and RFC 8866 for descriptions, checked on their text, apart from the code under test. */

export interface Section {
  readonly type: string;
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly lines: readonly string[];
}

export interface Description {
  readonly head: readonly string[];
  readonly sections: readonly Section[];
}

const OPPOSITE: Readonly<Record<string, readonly string[]>> = {
  sendrecv: ['sendrecv', 'sendonly', 'recvonly', 'inactive'],
  sendonly: ['recvonly', 'inactive'],
  recvonly: ['sendonly', 'inactive'],
  inactive: ['inactive'],
};
const STATIC: Readonly<Record<string, string>> = {
  '0': 'pcmu/8000',
  '8': 'pcma/8000',
  '9': 'g722/8000',
  '13': 'cn/8000',
};
const FIRST_DYNAMIC = 96;

export function read(text: string): Description {
  const head: string[] = [];
  const sections: { m: string; lines: string[] }[] = [];
  for (const line of text.split(/\r\n|\r|\n/).filter((one) => one !== '')) {
    if (line.startsWith('m=')) sections.push({ m: line, lines: [] });
    else (sections.at(-1)?.lines ?? head).push(line);
  }
  return {
    head,
    sections: sections.map(({ m, lines }) => {
      const [type = '', port = '', protocol = '', ...formats] = m.slice(2).trim().split(/\s+/);
      return { type, port: Number.parseInt(port, 10), protocol, formats, lines };
    }),
  };
}

const valuesOf = (lines: readonly string[], prefix: string): string[] =>
  lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));

const directionsOf = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => /^a=(sendrecv|sendonly|recvonly|inactive)\b/.exec(line)?.[1] ?? []);

/** What each payload type of a section stands for: `name/rate`, with channels beyond one. */
export function meaningsOf({ formats, lines }: Section): Map<string, string> {
  const maps = new Map<string, string>();
  for (const value of valuesOf(lines, 'a=rtpmap:')) {
    const [type = '', name = ''] = value.trim().split(/\s+/);
    if (!maps.has(type)) maps.set(type, name.toLowerCase().replace(/^([^/]*\/[^/]*)\/1$/, '$1'));
  }
  const found = new Map<string, string>();
  for (const type of formats) {
    const meaning = maps.get(type) ?? STATIC[type];
    if (meaning !== undefined) found.set(type, meaning);
  }
  return found;
}

export const isDynamic = (type: string): boolean => Number(type) >= FIRST_DYNAMIC;

/** What is wrong with a description of ours by itself. */
export function faultsOfOurs(text: string): string[] {
  const faults: string[] = [];
  if (!text.endsWith('\r\n') || /[^\r]\n|\r[^\n]/.test(text)) faults.push('lines do not end with CRLF');
  const { head, sections } = read(text);
  const order = head.map((line) => line[0]).join('');
  if (order !== 'vosct') faults.push(`session lines stand as ${order}`);
  if (!/^o=\S+ \d+ \d+ IN IP[46] \S+$/.test(head[1] ?? '')) faults.push(`origin: ${head[1]}`);
  const live = sections.filter(({ port }) => port !== 0);
  if (live.length !== 1) faults.push(`${live.length} streams are in use`);
  for (const section of sections) {
    if (section.formats.length === 0) faults.push(`m=${section.type} has no format`);
    if (section.port === 0) continue;
    if (new Set(section.formats).size !== section.formats.length) faults.push('a format stands twice');
    const maps = meaningsOf(section);
    for (const type of section.formats) if (!maps.has(type)) faults.push(`${type} is not mapped`);
    for (const value of [...valuesOf(section.lines, 'a=fmtp:'), ...valuesOf(section.lines, 'a=rtpmap:')])
      if (!section.formats.includes(value.split(' ')[0]!)) faults.push(`an attribute of ${value}`);
    if (directionsOf(section.lines).length !== 1) faults.push('not one direction');
    for (const line of section.lines) if (!/^[abc]=\S/.test(line)) faults.push(`line ${line}`);
  }
  return faults;
}

/** In what an answer breaks RFC 3264 6 towards its offer. */
export function faultsOfAnswer(offerText: string, answerText: string): string[] {
  const [offer, answer] = [read(offerText), read(answerText)];
  const faults = faultsOfOurs(answerText);
  if (answer.sections.length !== offer.sections.length)
    faults.push(`${answer.sections.length} m= lines answer ${offer.sections.length}`);
  const [asked] = valuesOf(offer.head, 't=');
  const [told] = valuesOf(answer.head, 't=');
  if (asked !== undefined && /^\d+ \d+$/.test(asked) && told !== asked)
    faults.push(`t=${told} answers t=${asked}`);
  answer.sections.forEach((section, at) => {
    const theirs = offer.sections[at];
    if (!theirs) return;
    if (section.type !== theirs.type || section.protocol !== theirs.protocol)
      faults.push(`m=${section.type} ${section.protocol} answers m=${theirs.type} ${theirs.protocol}`);
    if (section.port === 0) return;
    if (theirs.port === 0) faults.push('a stream that was offered with port 0 is in use');
    const offered = meaningsOf(theirs);
    for (const [type, meaning] of meaningsOf(section)) {
      if (!theirs.formats.includes(type)) faults.push(`format ${type} was not offered`);
      else if (offered.get(type) !== meaning)
        faults.push(`${type} is ${meaning}, offered as ${offered.get(type)}`);
    }
    const wanted = directionsOf(theirs.lines).at(-1) ?? directionsOf(offer.head).at(-1) ?? 'sendrecv';
    const [direction = ''] = directionsOf(section.lines);
    if (!OPPOSITE[wanted]!.includes(direction)) faults.push(`${direction} answers ${wanted}`);
    const [own, other] = [section, theirs].map(({ lines }) => valuesOf(lines, 'a=rtcp-mux').length > 0);
    if (own && !other) faults.push('rtcp-mux was not offered');
    const tags = valuesOf(theirs.lines, 'a=crypto:').map((value) => value.split(' ').slice(0, 2).join(' '));
    const keys = valuesOf(section.lines, 'a=crypto:').map((value) => value.split(' ').slice(0, 2).join(' '));
    if (keys.length > 1 || keys.some((key) => !tags.includes(key))) faults.push(`crypto ${keys.join()}`);
    if (section.protocol.includes('SAVP') && keys.length === 0) faults.push('SRTP without a key');
  });
  return faults;
}

/** Session id and version of a description. */
export function originOf(text: string): { readonly id: string; readonly version: number } {
  const [, id = '', version = ''] = (read(text).head[1] ?? '').split(' ');
  return { id, version: Number(version) };
}
