import { parseCSeq, type CSeq } from './cseq.js';
import { canonicalHeaderName } from './header-name.js';
import { parseNameAddr, type NameAddr } from './name-addr.js';
import { parseVia, type Via } from './via.js';

interface Memo {
  viaLine?: string;
  via?: Via | undefined;
  cseqLine?: string;
  cseq?: CSeq | undefined;
  fromLine?: string;
  from?: NameAddr | undefined;
  toLine?: string;
  to?: NameAddr | undefined;
}

/** A name or value that cannot break out of its line: what an application or a URI brings may hold CRLF. */
function oneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+[ \t]*/g, ' ') : text;
}

/**
 * The header lines of a message in their order and spelling. Names match without regard to case or compact
 * form. Structured values are parsed when first asked for and kept until the line changes.
 */
export class HeaderList {
  #names: string[];
  #keys: string[];
  #values: string[];
  #memo: Memo = {};

  constructor(names: string[] = [], keys: string[] = [], values: string[] = []) {
    this.#names = names;
    this.#keys = keys;
    this.#values = values;
  }

  /** From `[name, value]` pairs, in order. */
  static of(entries: Iterable<readonly [string, string]>): HeaderList {
    const list = new HeaderList();
    for (const [name, value] of entries) list.add(name, value);
    return list;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The value of the first line of that name. */
  get(name: string): string | undefined {
    const at = this.#keys.indexOf(canonicalHeaderName(name));
    return at < 0 ? undefined : this.#values[at];
  }

  /** The values of all lines of that name, one per line, not split at commas. */
  getAll(name: string): string[] {
    const key = canonicalHeaderName(name);
    const found: string[] = [];
    for (let at = this.#keys.indexOf(key); at >= 0; at = this.#keys.indexOf(key, at + 1)) {
      found.push(this.#values[at]!);
    }
    return found;
  }

  /** Replaces the first line of that name in place and removes the others; appends if there is none. */
  set(name: string, value: string): void {
    const key = canonicalHeaderName(name);
    const at = this.#keys.indexOf(key);
    if (at < 0) {
      this.add(name, value);
      return;
    }
    this.#values[at] = oneLine(value);
    for (let more = this.#keys.indexOf(key, at + 1); more >= 0; more = this.#keys.indexOf(key, more)) {
      this.#removeAt(more);
    }
  }

  /** Replaces the value of the first line of that name only; does nothing if there is none. */
  replaceFirst(name: string, value: string): void {
    const at = this.#keys.indexOf(canonicalHeaderName(name));
    if (at >= 0) this.#values[at] = oneLine(value);
  }

  /** Appends a line. */
  add(name: string, value: string): void {
    this.addChecked(oneLine(name), oneLine(value));
  }

  /** Appends a line that is known to hold neither CR nor LF: the parser's way in. */
  addChecked(name: string, value: string): void {
    this.#names.push(name);
    this.#keys.push(canonicalHeaderName(name));
    this.#values.push(value);
  }

  /** Puts a line at the top. */
  prepend(name: string, value: string): void {
    this.#names.unshift(oneLine(name));
    this.#keys.unshift(canonicalHeaderName(name));
    this.#values.unshift(oneLine(value));
  }

  /** Removes all lines of that name. */
  remove(name: string): void {
    const key = canonicalHeaderName(name);
    for (let at = this.#keys.indexOf(key); at >= 0; at = this.#keys.indexOf(key, at)) this.#removeAt(at);
  }

  /** Removes the first line of that name. */
  removeFirst(name: string): void {
    const at = this.#keys.indexOf(canonicalHeaderName(name));
    if (at >= 0) this.#removeAt(at);
  }

  has(name: string): boolean {
    return this.#keys.includes(canonicalHeaderName(name));
  }

  *entries(): IterableIterator<[string, string]> {
    for (let at = 0; at < this.#names.length; at++) yield [this.#names[at]!, this.#values[at]!];
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  clone(): HeaderList {
    return new HeaderList(this.#names.slice(), this.#keys.slice(), this.#values.slice());
  }

  /** The lines as they go on the wire, each with CRLF, but for Content-Length, which the writer sets. */
  toText(): string {
    let text = '';
    for (let at = 0; at < this.#keys.length; at++) {
      if (this.#keys[at] !== 'content-length') text += `${this.#names[at]!}: ${this.#values[at]!}\r\n`;
    }
    return text;
  }

  /** How many lines carry that name. */
  count(name: string): number {
    const key = canonicalHeaderName(name);
    let found = 0;
    for (const candidate of this.#keys) if (candidate === key) found++;
    return found;
  }

  /** Whether any of these (canonical) names stands on more than one line. */
  repeats(canonicalNames: ReadonlySet<string>): boolean {
    for (let at = 1; at < this.#keys.length; at++) {
      const key = this.#keys[at]!;
      if (canonicalNames.has(key) && this.#keys.indexOf(key) < at) return true;
    }
    return false;
  }

  /** The topmost Via value; undefined when there is none or it is malformed. */
  topVia(): Via | undefined {
    const line = this.get('via');
    if (line === undefined) return undefined;
    if (line !== this.#memo.viaLine) {
      this.#memo.viaLine = line;
      this.#memo.via = parseVia(line);
    }
    return this.#memo.via;
  }

  /** Takes the topmost Via value off, even where it shares a line with others. */
  removeTopVia(): void {
    const via = this.topVia();
    const rest =
      via &&
      this.get('via')!
        .slice(via.end + 1)
        .trim();
    if (rest) this.replaceFirst('via', rest);
    else this.removeFirst('via');
  }

  cseq(): CSeq | undefined {
    const line = this.get('cseq');
    if (line === undefined) return undefined;
    if (line !== this.#memo.cseqLine) {
      this.#memo.cseqLine = line;
      this.#memo.cseq = parseCSeq(line);
    }
    return this.#memo.cseq;
  }

  from(): NameAddr | undefined {
    const line = this.get('from');
    if (line === undefined) return undefined;
    if (line !== this.#memo.fromLine) {
      this.#memo.fromLine = line;
      this.#memo.from = parseNameAddr(line);
    }
    return this.#memo.from;
  }

  to(): NameAddr | undefined {
    const line = this.get('to');
    if (line === undefined) return undefined;
    if (line !== this.#memo.toLine) {
      this.#memo.toLine = line;
      this.#memo.to = parseNameAddr(line);
    }
    return this.#memo.to;
  }

  fromTag(): string | undefined {
    return this.from()?.params.get('tag');
  }

  toTag(): string | undefined {
    return this.to()?.params.get('tag');
  }

  callId(): string {
    return this.get('call-id') ?? '';
  }

  #removeAt(at: number): void {
    this.#names.splice(at, 1);
    this.#keys.splice(at, 1);
    this.#values.splice(at, 1);
  }
}
