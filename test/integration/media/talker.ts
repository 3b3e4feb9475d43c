import { rtpPortOf } from '../../../bench/peer/sip-text.js';
import { rtpPayloadStart } from '../../../src/rtp/packet.js';
import { LightPeer, type Incoming } from '../soak/light-peer.js';
import { rtp } from './phone.js';

/** A SIP party of one call that talks all the time and remembers whose voice it heard last. */
export class Talker {
  peer!: LightPeer;
  /** INVITEs that came, the first one and those inside the dialog. */
  readonly invites: Incoming[] = [];
  /** False: INVITEs inside the dialog are left to the test. */
  answersReInvites = true;
  /** What it says: PCMA bytes of this value. */
  readonly #voice: number;
  readonly #callId: () => string;
  #timer: NodeJS.Timeout | null = null;
  /** What the peer repeats while it waits counts once. */
  readonly #transactions = new Set<string>();
  #to = 0;
  #sequence = 1;
  #heard = new Map<number, number>();

  private constructor(voice: number, callId: () => string) {
    this.#voice = voice;
    this.#callId = callId;
  }

  /** `onInvite` answers the first INVITE; those after it get a 200. */
  static async open(
    port: number,
    nodePort: number,
    voice: number,
    onInvite: (invite: Incoming) => void = (invite) => {
      invite.respond('200 OK', true);
    },
    callId: () => string = () => '',
  ): Promise<Talker> {
    const talker = new Talker(voice, callId);
    talker.peer = await LightPeer.open(
      port,
      nodePort,
      (request) => {
        talker.#asked(request, onInvite);
      },
      'udp',
      (packet) => {
        talker.#hear(packet);
      },
    );
    talker.#timer = setInterval(() => {
      talker.#say();
    }, 20);
    return talker;
  }

  /** Resolves once a packet with this voice has come since `afterMs`. */
  async hears(voice: number, afterMs = 0): Promise<number> {
    while (this.#timer) {
      const at = this.#heard.get(voice) ?? -1;
      if (at > afterMs) return at;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`closed before it heard ${voice}`);
  }

  /** Resolves with the nth INVITE. */
  async invited(count: number): Promise<Incoming> {
    while (this.#timer && this.invites.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    if (!this.invites[count - 1]) throw new Error(`closed before INVITE ${count}`);
    return this.invites[count - 1]!;
  }

  /** Sends where this description says from now on. */
  follow(description: string): void {
    this.#to = rtpPortOf(description);
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.peer.close();
  }

  #asked(request: Incoming, onInvite: (invite: Incoming) => void): void {
    if (request.method !== 'INVITE') {
      request.respond('200 OK');
      return;
    }
    const transaction = /\r\nVia: [^\r]*/i.exec(request.text)![0];
    if (this.#transactions.has(transaction)) return;
    this.#transactions.add(transaction);
    this.invites.push(request);
    this.#to = rtpPortOf(request.text) || this.#to;
    const inDialog = /\r\nTo:[^\r]*;tag=/i.test(request.text);
    if (!inDialog) onInvite(request);
    else if (this.answersReInvites) request.respond('200 OK', true);
  }

  #say(): void {
    if (this.#to === 0) this.#to = rtpPortOf(this.peer.answerOf(this.#callId()));
    if (this.#to === 0) return;
    const packet = rtp(8, this.#sequence, this.#sequence * 160, this.#voice, Buffer.alloc(160, this.#voice));
    this.#sequence++;
    this.peer.say(packet, this.#to);
  }

  #hear(packet: Buffer): void {
    const start = rtpPayloadStart(packet);
    if (start < 0 || (packet[1]! & 0x7f) !== 8) return;
    const voice = packet[start]!;
    if (packet[start + 80] === voice && packet[packet.length - 1] === voice)
      this.#heard.set(voice, performance.now());
  }
}
