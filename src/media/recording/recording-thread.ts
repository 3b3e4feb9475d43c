import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { mkdir } from 'node:fs/promises';
import { messageOf } from '../../common/errors.js';
import { createLogger } from '../../common/log.js';
import { recoverRecordings, trimRecordings } from './recording-folder.js';
import type { ControlToWriter, RecordingWriterOptions, ToRecordingWriter } from './recording-messages.js';
import { RecordingWriter } from './recording-writer.js';

const TRIM_EVERY_MS = 60_000;

/** The entry of the thread that writes recordings: no media worker ever waits for a file. */
async function run(control: MessagePort, options: RecordingWriterOptions): Promise<void> {
  const log = createLogger('recording', options.logLevel);
  const writers = new Map<MessagePort, RecordingWriter>();

  const connect = (port: MessagePort): void => {
    const writer = new RecordingWriter((message) => {
      port.postMessage(message);
    }, log);
    writers.set(port, writer);
    port.on('message', (message: ToRecordingWriter) => {
      writer.handle(message);
    });
    // The worker is gone: its files end here.
    port.on('close', () => {
      writers.delete(port);
      void writer.close();
    });
  };

  const trim = async (): Promise<void> => {
    for (const settings of options.retention) {
      try {
        const deleted = await trimRecordings(settings, Date.now());
        if (deleted.length > 0)
          log.info({ directory: settings.directory, deleted }, 'old recordings deleted');
      } catch (error) {
        log.warn({ directory: settings.directory, error: messageOf(error) }, 'recordings cannot be trimmed');
      }
    }
  };

  for (const { directory } of options.retention) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o750 });
      const recovered = await recoverRecordings(directory);
      if (recovered > 0) log.warn({ directory, recovered }, 'recordings that a crash cut off were finished');
    } catch (error) {
      log.error({ directory, error: messageOf(error) }, 'the directory of recordings cannot be used');
    }
  }
  await trim();
  const timer = setInterval(() => void trim(), TRIM_EVERY_MS);

  control.on('message', (message: ControlToWriter) => {
    if (message.kind === 'connect') {
      connect(message.port);
      return;
    }
    clearInterval(timer);
    const all = [...writers].map(async ([port, writer]) => {
      // What the workers had handed over before is there already, on ports that were not read yet.
      for (let left = receiveMessageOnPort(port); left; left = receiveMessageOnPort(port)) {
        writer.handle(left.message as ToRecordingWriter);
      }
      await writer.close();
      port.close();
    });
    void Promise.all(all).then(() => {
      control.close();
    });
  });
  control.postMessage({ kind: 'ready' });
}

if (parentPort) await run(parentPort, workerData as RecordingWriterOptions);
