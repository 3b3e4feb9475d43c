import { RawUa } from '../../../conformance/drachtio/support/raw-ua.js';
import { header, method } from '../../../conformance/drachtio/support/sip-text.js';
import { Phone } from '../../media/phone.js';

const WAIT_MS = 10_000;
const VOICE = Buffer.alloc(160, 0xd5);
const PACKET_MS = 20;

/** All that a peer needs to know of a node. */
export interface SipNode {
  readonly sipPort: number;
}

/** A peer of the node: SIP by hand, and one RTP socket. */
export class Peer {
  readonly ua: RawUa;
  readonly phone: Phone;
  readonly #met = new Set<string>();
  readonly #talking = new Map<number, NodeJS.Timeout>();

  private constructor(ua: RawUa, phone: Phone) {
    this.ua = ua;
    this.phone = phone;
  }

  static async open(node: SipNode, port = 0): Promise<Peer> {
    return new Peer(await RawUa.open(node.sipPort, port), await Phone.open(Math.floor(Math.random() * 1e9)));
  }

  /** The next INVITE of a call that was not met before: not a retransmission of one. */
  async invited(waitMs = WAIT_MS): Promise<string> {
    const isNew = (message: string): boolean =>
      method(message) === 'INVITE' && !this.#met.has(header(message, 'Call-ID'));
    const invite = await this.ua.next('new INVITE', isNew, waitMs);
    this.#met.add(header(invite, 'Call-ID'));
    return invite;
  }

  get sdp(): string {
    return this.phone.sdp('8 101', ['a=rtpmap:8 PCMA/8000']);
  }

  /** Sends RTP every 20 ms to the port that an SDP of the node names. */
  talk(message: string): void {
    const port = rtpPort(message);
    const say = (): void => this.phone.say(port, VOICE, 8);
    this.#talking.set(port, setInterval(say, PACKET_MS));
  }

  /** Sends no more RTP to the port that this SDP names, or to any. */
  shutUp(message?: string): void {
    const only = message === undefined ? null : rtpPort(message);
    for (const [port, timer] of this.#talking) {
      if (only !== null && port !== only) continue;
      clearInterval(timer);
      this.#talking.delete(port);
    }
  }

  close(): void {
    this.shutUp();
    this.phone.close();
    this.ua.close();
  }
}

/** The port of the audio line in a message's SDP. */
export function rtpPort(message: string): number {
  return Number(/^m=audio (\d+)/m.exec(message)?.[1] ?? 0);
}

/** A call that the bot has answered. */
export interface Talk {
  readonly caller: Peer;
  readonly bot: Peer;
  readonly sipCallId: string;
  /** The 200 that the caller got. */
  readonly answer: string;
  /** The INVITE that the bot got. */
  readonly botInvite: string;
}

export const BOT_TAG = 'bottag';

/** Calls and has the bot answer; both talk RTP where `talking`. */
export async function establish(
  node: SipNode,
  caller: Peer,
  bot: Peer,
  options: { talking?: boolean; ack?: boolean } = {},
): Promise<Talk> {
  const invite = caller.ua.request('INVITE', [], caller.sdp, `sip:1000@127.0.0.1:${node.sipPort}`);
  caller.ua.send(invite);
  const botInvite = await bot.invited();
  const accepted = bot.ua.response(botInvite, 200, 'OK', BOT_TAG, [], bot.sdp);
  bot.ua.send(accepted);
  const sipCallId = header(invite, 'Call-ID');
  const isAnswer = (message: string): boolean =>
    message.startsWith('SIP/2.0 200') &&
    header(message, 'CSeq') === '1 INVITE' &&
    header(message, 'Call-ID') === sipCallId;
  const answer = await caller.ua.next('200 to INVITE', isAnswer, WAIT_MS);
  if (options.ack !== false) caller.ua.send(caller.ua.inDialog('ACK', 1, answer));
  if (options.talking) {
    caller.talk(answer);
    bot.talk(botInvite);
  }
  return { caller, bot, sipCallId, answer, botInvite };
}

/** A response to a request of ours that is not the INVITE, of that call. */
export async function answerTo(peer: Peer, sent: string, waitMs = WAIT_MS): Promise<string> {
  return peer.ua.next(
    `answer to ${method(sent)}`,
    (message) =>
      message.startsWith('SIP/2.0 ') &&
      !message.startsWith('SIP/2.0 1') &&
      header(message, 'CSeq') === header(sent, 'CSeq') &&
      header(message, 'Call-ID') === header(sent, 'Call-ID'),
    waitMs,
  );
}

/** The next request of that method in that call. */
export async function requestOf(peer: Peer, name: string, callId: string, waitMs = WAIT_MS): Promise<string> {
  return peer.ua.next(
    `${name} of ${callId}`,
    (message) => method(message) === name && header(message, 'Call-ID') === callId,
    waitMs,
  );
}

/** The caller hangs up, and both sides are let go: proof that the call was in good order until now. */
export async function hangUp({ caller, bot, answer, botInvite }: Talk, cseq = 20): Promise<void> {
  const bye = caller.ua.inDialog('BYE', cseq, answer);
  caller.ua.send(bye);
  const done = await answerTo(caller, bye);
  if (!done.startsWith('SIP/2.0 200')) throw new Error(`BYE was answered ${done.slice(0, 40)}`);
  const botBye = await requestOf(bot, 'BYE', header(botInvite, 'Call-ID'));
  bot.ua.send(bot.ua.response(botBye, 200, 'OK', BOT_TAG));
}
