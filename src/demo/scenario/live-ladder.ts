import { LadderDiagram } from '../../observe/format-ladder.js';
import type { DemoApi } from './demo-api.js';

const POLL_MS = 150;

/** Prints the SIP messages of one call as a ladder while they happen. */
export class LiveLadder {
  readonly #api: DemoApi;
  readonly #callId: string;
  readonly #out: (line: string) => void;
  #diagram: LadderDiagram | null = null;
  #printed = 0;
  readonly #timer: NodeJS.Timeout;
  #reading: Promise<void> = Promise.resolve();

  constructor(api: DemoApi, callId: string, out: (line: string) => void) {
    this.#api = api;
    this.#callId = callId;
    this.#out = out;
    this.#timer = setInterval(() => {
      this.#reading = this.#reading.then(() => this.#read());
    }, POLL_MS);
  }

  /** Prints what is left and stops. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    await this.#reading;
    await this.#read();
  }

  async #read(): Promise<void> {
    let messages;
    try {
      messages = await this.#api.ladder(this.#callId);
    } catch {
      // The ladder is for the eye; what the scenario found out does not hang on it.
      return;
    }
    const first = messages[0];
    if (first === undefined) return;
    if (this.#diagram === null) {
      this.#diagram = new LadderDiagram(first.at);
      this.#out(this.#diagram.header());
    }
    for (const message of messages.slice(this.#printed)) this.#out(this.#diagram.line(message));
    this.#printed = messages.length;
  }
}
