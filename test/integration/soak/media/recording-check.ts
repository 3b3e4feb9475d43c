import { readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BYTES_PER_FRAME, WAV_HEADER_BYTES } from '../../../../src/media/recording/wav-format.js';
import type { Ledger } from './ledger.js';
import { MARK_SAMPLES, markOfSamples } from './voice.js';

/** So much of each file is searched for voices. */
const SEARCHED_SAMPLES = 30 * 8000;
/** A call that ends with the soak may be over before anybody was heard. */
const VOICED_SAMPLES = 8000;

/**
 * Looks at every recording that has been finished, and deletes it: is it whole, is it that of the call, and does each
 * channel have the right voices and no others? `recorded`: the number of each call that is over, by the node's id;
 * what was found is taken from it.
 */
export function checkRecordings(folder: string, recorded: Map<string, number>, ledger: Ledger): void {
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.wav')) continue;
    const callId = [...recorded.keys()].find((id) => name.includes(id));
    // Its call is not over yet.
    if (callId === undefined) continue;
    const call = recorded.get(callId)!;
    recorded.delete(callId);
    const path = join(folder, name);
    const fault = faultOf(readFileSync(path), call);
    if (fault !== null) ledger.fault(`recording of call ${call}: ${fault}`);
    ledger.count('recordings checked');
    unlinkSync(path);
  }
}

/** Recordings that are still being written, or were never given their name. */
export function unfinishedRecordings(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.part'));
}

function faultOf(file: Buffer, call: number): string | null {
  if (file.length < WAV_HEADER_BYTES || file.toString('latin1', 0, 4) !== 'RIFF') return 'is no WAV file';
  if (file.readUInt32LE(4) + 8 !== file.length)
    return `says ${file.readUInt32LE(4) + 8} bytes, has ${file.length}`;
  const dataBytes = file.readUInt32LE(40);
  if (dataBytes % BYTES_PER_FRAME !== 0 || WAV_HEADER_BYTES + dataBytes > file.length)
    return `has ${dataBytes} bytes of audio`;
  const frames = Math.min(dataBytes / BYTES_PER_FRAME, SEARCHED_SAMPLES);
  for (const [channel, roles] of [
    [0, ['caller']],
    [1, ['bot', 'agent']],
  ] as const) {
    const samples = Int16Array.from({ length: frames }, (_, at) =>
      file.readInt16LE(WAV_HEADER_BYTES + at * BYTES_PER_FRAME + channel * 2),
    );
    let found = 0;
    for (let at = 0; at + MARK_SAMPLES <= frames; at++) {
      const mark = markOfSamples(samples, at);
      if (!mark) continue;
      found++;
      if (mark.call !== call || !roles.some((role) => role === mark.role))
        return `has the ${mark.role} of call ${mark.call} in channel ${channel}`;
      at += MARK_SAMPLES - 1;
    }
    if (found === 0 && frames >= VOICED_SAMPLES)
      return `has no voice in channel ${channel}, in ${dataBytes / BYTES_PER_FRAME / 8} ms`;
  }
  return null;
}
