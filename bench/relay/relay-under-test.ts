/** One call on a relay: the ports that callers and bots send to. */
export interface RelayCall {
  readonly callerLegPort: number;
  readonly botLegPort: number;
}

/** A relay that takes two-way PCMA calls between the generator's two sockets. */
export interface RelayUnderTest {
  readonly name: string;
  /** Sets up calls until there are `count`; returns them all. */
  grow(count: number): Promise<readonly RelayCall[]>;
  /** CPU time of whatever does the relaying, so far (ms). */
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

/** SDP of one end: PCMA at 127.0.0.1:port. */
export function pcmaSdp(port: number, sessionId: number): string {
  return [
    'v=0',
    `o=bench ${sessionId} 1 IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 8`,
    'a=rtpmap:8 PCMA/8000',
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n');
}

/** The port of the first audio line. */
export function audioPort(sdp: string): number {
  return Number(/^m=audio (\d+)/m.exec(sdp)?.[1] ?? 0);
}
