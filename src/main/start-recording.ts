import type { CallPlan, RecordingSettings } from '../call/project.js';
import type { Logger, LogLevel } from '../common/log.js';
import { RecordingThread } from '../media/recording/recording-thread-host.js';

/** Starts the thread that writes recordings, where a project has any; null where none has. */
export async function startRecording(
  plan: CallPlan,
  logLevel: LogLevel,
  log: Logger,
): Promise<RecordingThread | null> {
  const byDirectory = new Map<string, RecordingSettings>();
  for (const { recording } of Object.values(plan.projects)) {
    if (recording) byDirectory.set(recording.directory, recording);
  }
  if (byDirectory.size === 0) return null;
  return RecordingThread.start({ retention: [...byDirectory.values()], logLevel }, log);
}
