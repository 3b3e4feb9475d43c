/** What the ng protocol of rtpengine carries; a Buffer is a string of arbitrary bytes. */
export type Bencoded = string | number | Buffer | readonly Bencoded[] | { readonly [key: string]: Bencoded };

const END = Buffer.from('e');
const MAX_DEPTH = 32;

/** Encodes a value; strings are counted in bytes of UTF-8, keys are sorted. */
export function bencode(value: Bencoded): Buffer {
  const parts: Buffer[] = [];
  write(value, parts);
  return Buffer.concat(parts);
}

/** Decodes one value; strings are read as UTF-8. @throws {Error} on text that is malformed or nested too deep. */
export function debencode(text: Buffer): Bencoded {
  return read(text, 0, 0).value;
}

function write(value: Bencoded, parts: Buffer[]): void {
  if (typeof value === 'number') {
    parts.push(Buffer.from(`i${value}e`));
  } else if (typeof value === 'string' || Buffer.isBuffer(value)) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    parts.push(Buffer.from(`${bytes.length}:`), bytes);
  } else if (isList(value)) {
    parts.push(Buffer.from('l'));
    for (const item of value) write(item, parts);
    parts.push(END);
  } else {
    parts.push(Buffer.from('d'));
    for (const key of Object.keys(value).sort()) {
      write(key, parts);
      write(value[key]!, parts);
    }
    parts.push(END);
  }
}

function isList(value: Bencoded): value is readonly Bencoded[] {
  return Array.isArray(value);
}

interface Item {
  readonly value: Bencoded;
  readonly end: number;
}

function read(text: Buffer, at: number, depth: number): Item {
  if (depth > MAX_DEPTH) throw new Error('bencoding is nested too deep');
  const first = String.fromCharCode(text[at] ?? 0);
  if (first === 'i') {
    const end = text.indexOf('e', at);
    const value = Number(text.toString('latin1', at + 1, end));
    if (end < 0 || !Number.isFinite(value)) throw new Error('malformed number in bencoding');
    return { value, end: end + 1 };
  }
  if (first === 'l' || first === 'd') return readMany(text, at, depth, first === 'd');
  return readString(text, at);
}

function readMany(text: Buffer, at: number, depth: number, dictionary: boolean): Item {
  const items: Bencoded[] = [];
  let next = at + 1;
  while (text[next] !== END[0]) {
    if (next >= text.length) throw new Error('bencoding ends too early');
    const item = read(text, next, depth + 1);
    items.push(item.value);
    next = item.end;
  }
  if (!dictionary) return { value: items, end: next + 1 };
  const entries: [string, Bencoded][] = [];
  for (let index = 0; index + 1 < items.length; index += 2) {
    const key = items[index];
    if (typeof key !== 'string') throw new Error('a key in bencoding is not a string');
    entries.push([key, items[index + 1]!]);
  }
  return { value: Object.fromEntries(entries), end: next + 1 };
}

function readString(text: Buffer, at: number): Item {
  const colon = text.indexOf(':', at);
  const digits = colon < 0 ? '' : text.toString('latin1', at, colon);
  const end = colon + 1 + Number(digits);
  if (!/^\d{1,8}$/.test(digits) || end > text.length) throw new Error('malformed string in bencoding');
  return { value: text.toString('utf8', colon + 1, end), end };
}
