/** 16-bit PCM, caller left, other side right. */
export const RECORDING_RATE = 8000;
export const BYTES_PER_FRAME = 4;
export const WAV_HEADER_BYTES = 44;
const MAX_DATA_BYTES = 0xffff_ff00 - WAV_HEADER_BYTES;

/** A place in a recording; `frame` counts samples of one channel. */
export interface Cue {
  readonly frame: number;
  readonly label: string;
}

/** The head of a recording with `dataBytes` of audio and `trailerBytes` behind it. */
export function wavHeader(dataBytes: number, trailerBytes = 0): Buffer {
  const head = Buffer.alloc(WAV_HEADER_BYTES);
  const data = Math.min(dataBytes, MAX_DATA_BYTES);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(WAV_HEADER_BYTES - 8 + data + trailerBytes, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(2, 22);
  head.writeUInt32LE(RECORDING_RATE, 24);
  head.writeUInt32LE(RECORDING_RATE * BYTES_PER_FRAME, 28);
  head.writeUInt16LE(BYTES_PER_FRAME, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(data, 40);
  return head;
}

/** The `cue ` chunk and its labels, which stand behind the audio; empty without cues. */
export function cueChunks(cues: readonly Cue[]): Buffer {
  if (cues.length === 0) return Buffer.alloc(0);
  const points = Buffer.alloc(4 + cues.length * 24);
  points.writeUInt32LE(cues.length, 0);
  const labels: Buffer[] = [Buffer.from('adtl', 'latin1')];
  cues.forEach(({ frame, label }, index) => {
    const at = 4 + index * 24;
    points.writeUInt32LE(index + 1, at);
    points.writeUInt32LE(frame, at + 4);
    points.write('data', at + 8, 'latin1');
    points.writeUInt32LE(frame, at + 20);
    const text = Buffer.from(`${label}\0`, 'utf8');
    const id = Buffer.alloc(4);
    id.writeUInt32LE(index + 1);
    labels.push(chunk('labl', Buffer.concat([id, text])));
  });
  return Buffer.concat([chunk('cue ', points), chunk('LIST', Buffer.concat(labels))]);
}

function chunk(id: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, 0, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}
