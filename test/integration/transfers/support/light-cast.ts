import assert from 'node:assert/strict';
import { headerOf } from '../../../../bench/peer/sip-text.js';
import type { NodeUnderTest } from '../../../support/node-under-test.js';
import { LightPeer, type Incoming } from '../../soak/light-peer.js';
import { eventually } from './told.js';

/** Headers that each party puts in its INVITE or in its answers to one. */
export interface Said {
  readonly caller?: readonly string[];
  readonly bot?: readonly string[];
  readonly agent?: readonly string[];
}

/** How the others behave in the next call. */
export interface Manners {
  /** The person's final answer to an INVITE; `rings` gives none. */
  person?: string;
  /** The bot's answer to an INVITE. */
  bot?: string;
  /** The caller's side's answer to REFER, and the status of its last NOTIFY. */
  refer?: { readonly answer: string; readonly notify?: string };
  said?: Said;
}

const SIPFRAG = [
  'Event: refer',
  'Subscription-State: terminated;reason=noresource',
  'Content-Type: message/sipfrag;version=2.0',
];

/** Caller, bot and person of one call after the other, on light peers; all that the node asks of them is kept. */
export class LightCast {
  /** Requests that came, by party, of the call that goes on. */
  readonly asked = { caller: [] as Incoming[], bot: [] as Incoming[], agent: [] as Incoming[] };
  manners: Manners = {};
  caller!: LightPeer;
  bot!: LightPeer;
  agent!: LightPeer;
  callId = '';
  callerCallId = '';
  #calls = 0;

  static async open(node: NodeUnderTest): Promise<LightCast> {
    const cast = new LightCast();
    const { sipPort, botPort, agentPort } = node;
    cast.caller = await LightPeer.open(0, sipPort, (request) => cast.#callerAsked(request));
    cast.bot = await LightPeer.open(botPort, sipPort, (request) => cast.#botAsked(request));
    cast.agent = await LightPeer.open(agentPort, sipPort, (request) => cast.#agentAsked(request));
    return cast;
  }

  /** Calls a number; resolves once the bot and the caller talk, or with the bot's refusal dealt with. */
  async call(number: string, manners: Manners): Promise<void> {
    for (const requests of Object.values(this.asked)) requests.splice(0);
    this.manners = manners;
    this.callId = '';
    const mark = `told${this.#calls++}`;
    this.callerCallId = `${mark}@soak`;
    assert.equal(await this.caller.call(number, mark, manners.said?.caller ?? []), 200);
    const invite = await this.until('bot', 'INVITE');
    this.callId = headerOf(invite.text, 'X-Relevo-Call-Id');
  }

  /** The first request of this method that the node sent to this party in this call. */
  until(party: keyof LightCast['asked'], method: string, matching = ''): Promise<Incoming> {
    return eventually(
      `${method} to the ${party}`,
      () => this.asked[party].find((one) => one.method === method && one.text.includes(matching)) ?? null,
    );
  }

  /** The bot says something in its dialog. */
  botSays(method: string, headers: readonly string[], body = ''): void {
    const invite = this.asked.bot.find((one) => one.method === 'INVITE');
    assert.ok(invite);
    this.bot.request(invite.callId, method, headers, body);
  }

  /** A JSON event of the bot. */
  botEvent(event: object): void {
    this.botSays('INFO', ['Content-Type: application/json'], JSON.stringify(event));
  }

  callerDigit(digit: string): void {
    const headers = ['Content-Type: application/dtmf-relay'];
    this.caller.request(this.callerCallId, 'INFO', headers, `Signal=${digit}\r\nDuration=160\r\n`);
  }

  close(): void {
    for (const peer of [this.caller, this.bot, this.agent]) peer.close();
  }

  #callerAsked(request: Incoming): void {
    this.asked.caller.push(request);
    const { refer, said } = this.manners;
    if (request.method !== 'REFER' || !refer) {
      request.respond('200 OK', request.method === 'INVITE', said?.caller);
      return;
    }
    request.respond(refer.answer, false, said?.caller);
    if (refer.notify !== undefined)
      this.caller.request(request.callId, 'NOTIFY', SIPFRAG, `SIP/2.0 ${refer.notify}\r\n`);
  }

  #botAsked(request: Incoming): void {
    this.asked.bot.push(request);
    const { bot = '200 OK', said } = this.manners;
    const isFirst = request.method === 'INVITE' && !headerOf(request.text, 'To').includes(';tag=');
    if (isFirst) request.respond(bot, bot.startsWith('200'), said?.bot);
    else request.respond('200 OK', request.method === 'INVITE', said?.bot);
  }

  #agentAsked(request: Incoming): void {
    const { method, text, callId } = request;
    const { person = '200 OK', said } = this.manners;
    this.asked.agent.push(request);
    if (method === 'CANCEL') {
      request.respond('200 OK');
      this.asked.agent
        .find((one) => one.method === 'INVITE' && one.callId === callId)
        ?.respond('487 Request Terminated', false, said?.agent);
    } else if (method !== 'INVITE' || headerOf(text, 'To').includes(';tag=')) {
      request.respond('200 OK', method === 'INVITE', said?.agent);
    } else {
      request.respond('180 Ringing', false, said?.agent);
      if (person !== 'rings') request.respond(person, person.startsWith('200'), said?.agent);
    }
  }
}
