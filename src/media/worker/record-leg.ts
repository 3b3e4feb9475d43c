import type { Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { PromptLibrary } from '../prompt/prompt-library.js';
import { recordingName } from '../recording/recording-folder.js';
import type { Endpoint } from './endpoint.js';
import type { RecordingDesk, RecordingNews } from './recording-desk.js';

interface Means {
  readonly clock: Clock;
  readonly prompts: PromptLibrary;
  readonly desk: RecordingDesk;
}

/**
 * Records what a leg's party says (left) and hears (right). With a consent file the party hears that first, whatever
 * else it would hear, and nothing is recorded before its end; where the file cannot be played, nothing at all.
 */
export function recordLeg(
  endpoint: Endpoint,
  order: { readonly directory: string; readonly consentFile: string | null; readonly part: number },
  { clock, prompts, desk }: Means,
  tell: (news: RecordingNews) => void,
): void {
  const begin = (): void => {
    if (endpoint.closed) return;
    const name = recordingName(endpoint.callId, clock.wallMs(), order.part);
    endpoint.record(desk.begin(order.directory, name, clock.now(), tell));
  };
  if (order.consentFile === null) {
    begin();
    return;
  }
  prompts.load(order.consentFile).then(
    (audio) => {
      if (!endpoint.closed) endpoint.interject(audio, begin);
    },
    (error: unknown) => {
      tell({ state: 'failed', code: 'recording_consent', detail: messageOf(error) });
    },
  );
}
