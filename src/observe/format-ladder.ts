import type { Party } from '../call/vocabulary.js';
import type { LadderMessage } from './sip-trace.js';

/** A vertical line of the diagram. `relevo` is the node itself. */
export type Lifeline = Party | 'relevo';

export const LIFELINES: readonly Lifeline[] = ['caller', 'relevo', 'bot', 'agent'];
/** With operators who listen. */
const WITH_OPERATOR: readonly Lifeline[] = [...LIFELINES, 'operator'];

const TIME_WIDTH = 10;
const GAP = 25;
const MARGIN = 4;

/**
 * Renders a call's messages as a text ladder diagram. The lines can be made one by one as messages arrive, since
 * the lifelines are fixed: `caller | relevo | bot | agent`, and `operator` where somebody listens.
 */
export class LadderDiagram {
  readonly #startedAt: number;
  readonly #lifelines: readonly Lifeline[];

  /** `startedAt` (Unix ms) is where the time column begins. */
  constructor(startedAt: number, lifelines: readonly Lifeline[] = LIFELINES) {
    this.#startedAt = startedAt;
    this.#lifelines = lifelines;
  }

  /** The names above the lifelines. */
  header(): string {
    const row = blank(this.#lifelines.length);
    this.#lifelines.forEach((name, index) => {
      put(row, Math.max(0, column(index) - Math.floor(name.length / 2)), name);
    });
    return `${'time'.padStart(TIME_WIDTH - 1)} ${row.join('').trimEnd()}`;
  }

  /** One message as one line. */
  line(message: Pick<LadderMessage, 'at' | 'direction' | 'party' | 'startLine' | 'cseq' | 'raw'>): string {
    const row = blank(this.#lifelines.length);
    this.#lifelines.forEach((_, index) => put(row, column(index), '|'));
    const label = labelOf(message);
    const time = `+${((message.at - this.#startedAt) / 1000).toFixed(3)}`.padStart(TIME_WIDTH - 1);
    if (message.party === null || !this.#lifelines.includes(message.party)) {
      const arrow = message.direction === 'in' ? '>' : '<';
      return `${time} ${row.join('').trimEnd()}  ${arrow} ${label} (leg unknown)`;
    }
    const node = column(this.#lifelines.indexOf('relevo'));
    const peer = column(this.#lifelines.indexOf(message.party));
    const left = Math.min(node, peer) + 1;
    const right = Math.max(node, peer) - 1;
    for (let at = left; at <= right; at++) row[at] = '-';
    const towardsRight = (message.direction === 'out') === peer > node;
    put(row, towardsRight ? right : left, towardsRight ? '>' : '<');
    const room = right - left - 3;
    const text = ` ${label.length > room ? `${label.slice(0, room - 1)}~` : label} `;
    put(row, left + Math.floor((right - left + 1 - text.length) / 2), text);
    return `${time} ${row.join('').trimEnd()}`;
  }
}

/** The whole diagram, times counted from the first message. */
export function formatLadder(messages: readonly LadderMessage[]): string {
  const first = messages[0];
  if (!first) return 'no messages of this call are kept\n';
  const listened = messages.some(({ party }) => party === 'operator');
  const diagram = new LadderDiagram(first.at, listened ? WITH_OPERATOR : LIFELINES);
  return `${[diagram.header(), ...messages.map((one) => diagram.line(one))].join('\n')}\n`;
}

function column(index: number): number {
  return MARGIN + index * GAP;
}

function blank(lifelines: number): string[] {
  return new Array<string>(column(lifelines - 1) + MARGIN).fill(' ');
}

function put(row: string[], at: number, text: string): void {
  for (let index = 0; index < text.length; index++) row[at + index] = text[index] ?? ' ';
}

function labelOf({ startLine, cseq, raw }: Pick<LadderMessage, 'startLine' | 'cseq' | 'raw'>): string {
  const method = cseq.split(/\s+/)[1] ?? '';
  const sdp = /\r?\nv=0\r?\n/.test(raw) ? ' (sdp)' : '';
  const response = /^SIP\/2\.0\s+(\d{3}\s?.*)$/i.exec(startLine);
  if (response?.[1]) return `${response[1].trim()}${method === 'INVITE' ? sdp : ` ${method}`}`;
  const request = startLine.split(' ', 1)[0] ?? startLine;
  if (request !== 'NOTIFY') return `${request}${sdp}`;
  // RFC 3420: the body of a refer subscription's NOTIFY is the status line that matters.
  const fragment = /\r?\n\r?\nSIP\/2\.0\s+(\d{3})/i.exec(raw)?.[1];
  return fragment ? `NOTIFY (${fragment})` : request;
}
