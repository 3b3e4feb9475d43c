/** What the ng protocol of rtpengine carries. */
export type Bencoded = string | number | readonly Bencoded[] | { readonly [key: string]: Bencoded };

/** Encodes a value; strings are counted in bytes of UTF-8. */
export function bencode(value: Bencoded): string {
  if (typeof value === 'string') return `${Buffer.byteLength(value)}:${value}`;
  if (typeof value === 'number') return `i${value}e`;
  if (isList(value)) return `l${value.map(bencode).join('')}e`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `d${entries.map(([key, entry]) => bencode(key) + bencode(entry)).join('')}e`;
}

/** Decodes one value. @throws on malformed text. */
export function debencode(text: Buffer): Bencoded {
  return read(text, 0).value;
}

function isList(value: Bencoded): value is readonly Bencoded[] {
  return Array.isArray(value);
}

function read(text: Buffer, at: number): { readonly value: Bencoded; readonly end: number } {
  const first = String.fromCharCode(text[at] ?? 0);
  if (first === 'i') {
    const end = text.indexOf('e', at);
    return { value: Number(text.toString('latin1', at + 1, end)), end: end + 1 };
  }
  if (first === 'l' || first === 'd') {
    const items: Bencoded[] = [];
    let next = at + 1;
    while (next < text.length && text[next] !== 0x65) {
      const item = read(text, next);
      items.push(item.value);
      next = item.end;
    }
    if (first === 'l') return { value: items, end: next + 1 };
    const entries: [string, Bencoded][] = [];
    for (let i = 0; i + 1 < items.length; i += 2) {
      const key = items[i];
      if (typeof key !== 'string') throw new Error('malformed bencoding');
      entries.push([key, items[i + 1]!]);
    }
    return { value: Object.fromEntries(entries), end: next + 1 };
  }
  const colon = text.indexOf(':', at);
  const length = Number(text.toString('latin1', at, colon));
  if (colon < 0 || !Number.isInteger(length)) throw new Error('malformed bencoding');
  const end = colon + 1 + length;
  return { value: text.toString('utf8', colon + 1, end), end };
}
