const DIGITS = '0123456789*#ABCD';
const VOLUME_DBM0 = 10;

/** One telephone-event payload (RFC 4733 section 2.3). `duration` is in timestamp units of 1/8000 s. */
export interface TelephoneEvent {
  readonly digit: string;
  readonly end: boolean;
  readonly duration: number;
}

/** The four octets of a telephone-event; throws a RangeError for what is not a DTMF digit. */
export function encodeTelephoneEvent(event: TelephoneEvent): Buffer {
  const code = DIGITS.indexOf(event.digit.toUpperCase());
  if (event.digit.length !== 1 || code < 0) throw new RangeError(`not a DTMF digit: "${event.digit}"`);
  const payload = Buffer.alloc(4);
  payload.writeUInt8(code, 0);
  payload.writeUInt8((event.end ? 0x80 : 0) | VOLUME_DBM0, 1);
  payload.writeUInt16BE(Math.min(event.duration, 0xffff), 2);
  return payload;
}

/** Reads a payload; null for anything but a DTMF digit. */
export function decodeTelephoneEvent(payload: Buffer): TelephoneEvent | null {
  if (payload.length < 4) return null;
  const digit = DIGITS[payload.readUInt8(0)];
  if (digit === undefined) return null;
  return { digit, end: (payload.readUInt8(1) & 0x80) !== 0, duration: payload.readUInt16BE(2) };
}
