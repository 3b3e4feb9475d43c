import { RelevoError } from '../../../../src/common/errors.js';
import type { NgDictionary } from '../../../../src/media/rtpengine/ng-client.js';

/** An rtpengine that remembers what it was asked, and answers as it was told to. */
export class FakeNg {
  readonly asked: (NgDictionary & { readonly command: string })[] = [];
  /** What a command is answered with, where it is not plain success. */
  readonly answers = new Map<string, (request: NgDictionary) => NgDictionary | Promise<NgDictionary>>();
  closed = false;

  async ask(request: NgDictionary & { readonly command: string }): Promise<NgDictionary> {
    this.asked.push(request);
    const answer = this.answers.get(request.command);
    if (answer) return answer(request);
    if (request.command === 'offer') return Promise.resolve({ result: 'ok', sdp: LOCAL_SDP });
    return Promise.resolve({ result: 'ok' });
  }

  close(): void {
    this.closed = true;
  }

  /** Each request as "command from>to profile", with the keys that stand in its SDP; then it is forgotten. */
  takeSummary(): string[] {
    return this.asked.splice(0).map((request) => {
      const text = (key: string): string => (typeof request[key] === 'string' ? request[key] : '');
      const to = text('to-tag');
      const sdp = text('sdp');
      const profile = /m=audio \d+ (\S+)/.exec(sdp)?.[1];
      const keys = [...sdp.matchAll(/inline:(\S+)/g)].map((match) => match[1]!);
      const parts = [request.command, `${text('from-tag')}${to && `>${to}`}`, profile, ...keys];
      return parts.filter((part) => part !== undefined && part !== '').join(' ');
    });
  }
}

export const FINGERPRINT = `sha-256 ${Array<string>(32).fill('0F').join(':')}`;

const LOCAL_SDP = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.31',
  's=-',
  'c=IN IP4 192.0.2.31',
  't=0 0',
  'm=audio 30000 UDP/TLS/RTP/SAVP 8',
  `a=fingerprint:${FINGERPRINT}`,
  'a=setup:actpass',
  '',
].join('\r\n');

/** As the client has it where rtpengine answers with an error. */
export function refusal(reason: string): RelevoError {
  return new RelevoError('rtpengine_refused', `rtpengine refuses: ${reason}`, 'See the log of rtpengine.');
}

/** Lets everything run that waits for answers only. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
