/** What a wire tells the connection above it. */
export interface WireEvents {
  /** A connection that was being opened is open. */
  onOpen(): void;
  onMessage(raw: Buffer): void;
  /** A keep-alive came (RFC 5626 3.5.1, RFC 7118 6); the wire has answered it. */
  onKeepAlive(): void;
  /** The answer to a ping of ours. */
  onPong(): void;
  /** Whether a message has begun and is not complete. */
  onPartial(partial: boolean): void;
  /** What came cannot be cut into messages. */
  onBadBytes(reason: string, raw?: Buffer): void;
  onClosed(reason: string): void;
}

/** A path for whole messages to one peer: a TCP or TLS socket with framing, or a WebSocket. */
export interface Wire {
  /** To be called once, before anything is sent. */
  start(events: WireEvents): void;
  send(raw: Buffer): void;
  /** Sends a keep-alive that the peer answers, if it can (RFC 5626 4.4.1); absent where the wire does so by itself. */
  ping?(): void;
  /** Bytes that the peer has not taken yet. */
  readonly backlogBytes: number;
  /** Idempotent. */
  destroy(): void;
}

/** Cuts a stream into SIP messages (RFC 3261 18.3). */
export interface MessageFramer {
  /** Whole messages in `chunk` and what came before; `error` ends the connection; CRLF keep-alives and their answers. */
  push(chunk: Buffer): { messages: Buffer[]; error?: string; pings: number; pongs: number };
  /** Bytes that wait for the rest of their message. */
  readonly bufferedBytes: number;
}
