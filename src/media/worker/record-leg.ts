import type { Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { PromptLibrary } from '../prompt/prompt-library.js';
import { recordingName } from '../recording/recording-folder.js';
import { RECORDING_THREAD_GONE } from '../recording/recording-messages.js';
import type { Endpoint } from './endpoint.js';
import type { RecordingDesk, RecordingNews } from './recording-desk.js';

/** A recording whose writer was lost so often is given up: it may be what ends it. */
const MAX_PARTS = 20;

interface Means {
  readonly clock: Clock;
  readonly prompts: PromptLibrary;
  readonly desk: RecordingDesk;
}

/**
 * Records what a leg's party says (left) and hears (right). With a consent file the party hears that first, whatever
 * else it would hear, and nothing is recorded before its end; where the file cannot be played, nothing at all. Where
 * the thread that writes is lost, the recording goes on in another file as soon as there is one again.
 */
export function recordLeg(
  endpoint: Endpoint,
  order: { readonly directory: string; readonly consentFile: string | null; readonly part: number },
  { clock, prompts, desk }: Means,
  tell: (news: RecordingNews) => void,
): void {
  const begin = (part: number): void => {
    if (endpoint.closed) return;
    const name = recordingName(endpoint.callId, clock.wallMs(), part);
    const hear = (news: RecordingNews): void => {
      tell(news);
      if (news.state === 'started' || news.code !== RECORDING_THREAD_GONE || part >= MAX_PARTS) return;
      desk.whenAttached(() => {
        begin(part + 1);
      });
    };
    endpoint.record(desk.begin(order.directory, name, clock.now(), hear));
  };
  if (order.consentFile === null) {
    begin(order.part);
    return;
  }
  prompts.load(order.consentFile).then(
    (audio) => {
      if (endpoint.closed) return;
      endpoint.interject(audio, () => {
        begin(order.part);
      });
    },
    (error: unknown) => {
      tell({ state: 'failed', code: 'recording_consent', detail: messageOf(error) });
    },
  );
}
