import { headerOf } from '../../../../bench/peer/sip-text.js';
import { seededRandom } from '../../../../src/common/random.js';
import type { Incoming, LightPeer } from '../light-peer.js';
import type { Beat } from './beat.js';
import type { Ledger } from './ledger.js';
import { MediaParty } from './media-party.js';
import { storyOf, type CallPlan, type Step } from './media-plan.js';
import { udpSockets } from './udp-drops.js';
import type { Role } from './voice.js';

/** What a call needs of those around it. */
export interface CallWorld {
  readonly beat: Beat;
  readonly ledger: Ledger;
  readonly peers: Readonly<Record<'caller' | 'bot' | 'agent', LightPeer>>;
  /** Aborted when no more time is left: calls end at once. */
  readonly over: AbortSignal;
  /** Asks the node to hand a call over. */
  handOver(callId: string): Promise<number>;
  /** Resolves when the node says that the call is over. */
  ended(callId: string): Promise<void>;
  /** A party of the call was reached in this dialog. */
  invited(sipCallId: string, call: MediaCall): void;
}

type Speaker = 'caller' | 'bot' | 'agent';

/** How long anything may take that the node is to do at once: a machine with other things to do is no fault. */
const PATIENCE_MS = 20_000;
/** After a key the tone that it becomes goes on for so long, at most. */
const KEY_MS = 700;
/** After the answer to a hold what is under way may still come. */
const UNDER_WAY_MS = 2000;
const LINGER_MS = 1500;
const RETRY_MS = 400;
const PRESSING_MS = 40;
const INFO_TYPE = 'Content-Type: application/dtmf-relay';

class GaveUp extends Error {}

/** One call of the load: its parties, and what they do until it is over. */
export class MediaCall {
  readonly plan: CallPlan;
  readonly mark: string;
  readonly #world: CallWorld;
  readonly #parties = new Map<Speaker, MediaParty>();
  /** SIP Call-ID of each party's dialog. */
  readonly #dialogs = new Map<Speaker, string>();
  readonly #invited = new Map<Speaker, Incoming>();
  readonly #waiting = new Map<Speaker, () => void>();
  readonly #leaving = new Map<Speaker, () => void>();
  readonly #offering = new Set<Speaker>();
  readonly #gone = new Set<Speaker>();
  #vanished = false;
  #callId = '';
  #answered = false;
  #handed = false;

  constructor(plan: CallPlan, world: CallWorld) {
    this.plan = plan;
    this.mark = `m${plan.index}`;
    this.#world = world;
  }

  /** Parties whose packets the node takes now, and nobody else's. */
  get locked(): readonly MediaParty[] {
    return [...this.#parties].flatMap(([role, party]) =>
      party.talking && party.sentPackets > 25 && !this.#gone.has(role) ? [party] : [],
    );
  }
  get callId(): string {
    return this.#callId;
  }
  /** It was answered: it has been a call. */
  get answered(): boolean {
    return this.#answered;
  }
  get dialogs(): Iterable<string> {
    return this.#dialogs.values();
  }

  /** Runs to its end. Faults go to the ledger; the call is over in any case when this resolves. */
  async run(): Promise<void> {
    const { ledger } = this.#world;
    for (const role of ['caller', 'bot', 'agent'] as const) this.#parties.set(role, await this.#party(role));
    let ended: Promise<void> | null = null;
    try {
      if (!(await this.#establish())) {
        ledger.count('calls shed');
        return;
      }
      ended = this.#world.ended(this.#callId);
      ledger.count('calls answered');
      await this.#converse();
      await this.#finish(ended);
      ledger.count(`ended: ${this.plan.end}`);
    } catch (error) {
      if (!(error instanceof GaveUp)) throw error;
      ledger.late(`call ${this.plan.index} (${storyOf(this.plan)}): ${error.message}`);
      await this.#hangUpAll(ended);
    } finally {
      await this.#close();
    }
  }

  /** A request of the node for one of this call's parties. */
  asked(role: Speaker, request: Incoming): void {
    const party = this.#parties.get(role)!;
    if (this.#vanished && (role === 'caller') === (this.plan.end === 'caller vanishes')) return;
    switch (request.method) {
      case 'INVITE':
        this.#invite(role, party, request);
        return;
      case 'BYE':
        this.#gone.add(role);
        this.#partLater(party);
        request.respond('200 OK');
        this.#leaving.get(role)?.();
        return;
      case 'INFO': {
        const digit = /Signal=\s*(\S)/.exec(request.text)?.[1];
        request.respond('200 OK');
        if (digit !== undefined) party.listening.digit(digit);
        return;
      }
      default:
        request.respond('200 OK');
    }
  }

  async #establish(): Promise<boolean> {
    const caller = this.#of('caller');
    const { peers } = this.#world;
    caller.listening.expect(['bot']);
    this.#of('bot').listening.expect(['caller']);
    const sipCallId = `${this.mark}@soak`;
    this.#dialogs.set('caller', sipCallId);
    const status = await this.#within(
      peers.caller.call(this.plan.number, this.mark, [], caller.offer()),
      'answer',
    );
    if (status === 503) return false;
    if (status !== 200) throw new GaveUp(`was answered ${status}`);
    this.#answered = true;
    caller.agree(peers.caller.answerOf(sipCallId));
    await this.#hearEachOther('caller', 'bot');
    return true;
  }

  async #converse(): Promise<void> {
    for (const step of this.plan.steps) {
      if (this.#world.over.aborted) return;
      await this.#step(step);
    }
  }

  async #step(step: Step): Promise<void> {
    const peer: Speaker = this.#handed ? 'agent' : 'bot';
    switch (step.kind) {
      case 'talk':
        await this.#pause(step.ms);
        await this.#hearEachOther('caller', peer);
        return;
      case 'press':
        await (step.by === 'caller'
          ? this.#press('caller', peer, step.digit)
          : this.#press(peer, 'caller', step.digit));
        return;
      case 'hold':
        await (step.by === 'caller'
          ? this.#hold('caller', peer, step.ms)
          : this.#hold(peer, 'caller', step.ms));
        return;
      case 'hand over':
        await this.#handOver();
    }
  }

  async #press(from: Speaker, to: Speaker, digit: string): Promise<void> {
    const [one, other] = [this.#of(from), this.#of(to)];
    this.#switching(true, one, other);
    other.listening.expectDigit(digit);
    const heard = other.listening.hears('digit');
    if (one.traits.digits === 'info') this.#info(from, digit);
    else one.press(digit);
    await this.#within(
      heard,
      `${digit} of the ${from} (${one.traits.digits}) at the ${to} (${other.traits.digits})`,
    );
    await this.#pause(KEY_MS);
    this.#world.ledger.count(`digits as ${one.traits.digits} to ${other.traits.digits}`);
    await this.#hearEachOther(from, to);
  }

  #info(role: Speaker, digit: string): void {
    const peer = this.#world.peers[role];
    peer.request(this.#dialogs.get(role)!, 'INFO', [INFO_TYPE], `Signal=${digit}\r\nDuration=120\r\n`);
  }

  async #hold(by: Speaker, other: Speaker, ms: number): Promise<void> {
    const party = this.#of(by);
    this.#switching(true, party, this.#of(other));
    party.silence();
    await this.#offer(by, 'sendonly');
    party.silence();
    party.listening.expectQuiet(performance.now() + UNDER_WAY_MS);
    await this.#pause(ms);
    party.listening.expectQuiet(undefined);
    await this.#offer(by, 'sendrecv');
    party.talkOn();
    this.#world.ledger.count('holds');
    await this.#hearEachOther(by, other);
  }

  async #handOver(): Promise<void> {
    const { world, plan } = { world: this.#world, plan: this.plan };
    const [caller, bot, agent] = [this.#of('caller'), this.#of('bot'), this.#of('agent')];
    this.#switching(true, caller, bot, agent);
    const attended = plan.hand === 'consulted' || plan.hand === 'three';
    if (attended) {
      caller.listening.expect(['bot']);
      // Not a word before the agent has taken the call.
      agent.listening.expect([]);
    } else {
      caller.listening.expect(['bot'], 'agent');
      agent.listening.expect(['caller']);
    }
    const invited = this.#isInvited('agent');
    const status = await this.#within(world.handOver(this.#callId), 'answer of the API');
    if (status !== 202) throw new GaveUp(`the API answered ${status} to the transfer`);
    await this.#within(invited, `INVITE of the agent`);
    if (attended) {
      await this.#pause(300);
      if (plan.hand === 'three') {
        caller.listening.expectMix(['bot', 'agent']);
        bot.listening.expectMix(['caller', 'agent']);
        agent.listening.expectMix(['caller', 'bot']);
      } else {
        caller.listening.expect(['bot'], 'agent');
        agent.listening.expect(['caller']);
      }
      const mixed = [caller, bot, agent].map((party) => {
        const heard = party.listening.hears('mix');
        return (): Promise<void> => this.#within(heard, `mix of three at the ${party.role}`);
      });
      if (agent.traits.digits === 'info') this.#info('agent', '1');
      else agent.press('1');
      if (plan.hand === 'three') {
        await Promise.all(mixed.map((heard) => heard()));
      }
    }
    await this.#within(this.#isGone('bot'), 'BYE of the bot');
    if (plan.hand === 'three') {
      // What is left of the mix is played out: for a moment either may be alone in it.
      caller.listening.expect(['bot', 'agent']);
      agent.listening.expect(['bot', 'caller']);
    }
    this.#handed = true;
    await this.#within(
      Promise.all([caller.listening.hears('agent'), agent.listening.hears('caller')]),
      'caller and agent hear each other',
    );
    await this.#pause(KEY_MS);
    caller.listening.expect(['agent']);
    agent.listening.expect(['caller']);
    await this.#hearEachOther('caller', 'agent');
    world.ledger.count(`handed over: ${plan.hand}`);
  }

  async #finish(ended: Promise<void>): Promise<void> {
    const { end } = this.plan;
    const peer: Speaker = this.#handed ? 'agent' : 'bot';
    this.#switching(true, ...this.#parties.values());
    if (end === 'caller' || end === 'peer' || this.#world.over.aborted) {
      this.#bye(end === 'peer' ? peer : 'caller');
    } else {
      this.#vanished = true;
      this.#of(end === 'caller vanishes' ? 'caller' : 'bot').silence();
    }
    await this.#within(ended, 'end of the call', 3 * PATIENCE_MS);
  }

  #bye(role: Speaker): void {
    this.#gone.add(role);
    this.#partLater(this.#of(role));
    this.#world.peers[role].request(this.#dialogs.get(role)!, 'BYE');
  }

  async #hangUpAll(ended: Promise<void> | null): Promise<void> {
    this.#switching(true, ...this.#parties.values());
    for (const role of this.#dialogs.keys()) this.#bye(role);
    const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS).unref());
    if (ended) await Promise.race([ended, late]);
  }

  async #close(): Promise<void> {
    // What is still under way is heard by nobody else.
    await new Promise((resolve) => setTimeout(resolve, this.plan.lingers ? 2 * LINGER_MS : 500));
    for (const [role, sipCallId] of this.#dialogs) this.#world.peers[role].forget(sipCallId);
    const ports = [...this.#parties.values()].map(({ port }) => port);
    for (const { port, drops } of udpSockets())
      if (drops > 0 && ports.includes(port))
        this.#world.ledger.count('dropped by the kernel at a party', drops);
    for (const party of this.#parties.values()) {
      if (party.listening.awaitsDigits)
        this.#world.ledger.late(`${party.listening.name}: a digit was not heard`);
      party.close();
    }
  }

  #partLater(party: MediaParty): void {
    party.listening.switching = true;
    if (!this.plan.lingers) {
      party.silence();
      return;
    }
    this.#world.ledger.count('talked on after BYE');
    setTimeout(() => {
      party.silence();
    }, LINGER_MS).unref();
  }

  async #hearEachOther(one: Speaker, other: Speaker): Promise<void> {
    const [a, b] = [this.#of(one), this.#of(other)];
    await this.#within(
      Promise.all([a.listening.hears(other), b.listening.hears(one)]),
      `${one} and ${other} hear each other`,
    );
    this.#switching(false, a, b);
  }

  #invite(role: Speaker, party: MediaParty, request: Incoming): void {
    const known = this.#dialogs.get(role);
    this.#dialogs.set(role, request.callId);
    if (role === 'bot' && known === undefined) {
      this.#callId = headerOf(request.text, 'X-Relevo-Call-Id');
    }
    this.#world.invited(request.callId, this);
    if (this.#offering.has(role)) {
      request.respond('491 Request Pending');
      return;
    }
    if (party.pressing) {
      // A codec may change with the answer, and a key with the codec.
      request.respond('100 Trying');
      setTimeout(() => {
        this.#invite(role, party, request);
      }, PRESSING_MS);
      return;
    }
    const answer = party.answer(request.text);
    if (answer === null) {
      request.respond('488 Not Acceptable Here');
      this.#world.ledger.fault(`call ${this.plan.index}: the ${role} cannot take the offer`);
      return;
    }
    // A codec may change with it: what is under way is of the one before.
    if (known !== undefined) this.#world.ledger.count('offers of the node in a call');
    request.respond('200 OK', answer);
    if (known !== undefined) return;
    this.#invited.set(role, request);
    this.#waiting.get(role)?.();
  }

  #isInvited(role: Speaker): Promise<void> {
    if (this.#invited.has(role)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(role, resolve));
  }

  /** Makes an offer; one that crosses the node's is made again. */
  async #offer(role: Speaker, direction: 'sendrecv' | 'sendonly'): Promise<void> {
    const party = this.#of(role);
    const peer = this.#world.peers[role];
    const dialog = this.#dialogs.get(role)!;
    for (let tries = 0; ; tries++) {
      this.#offering.add(role);
      const status = await this.#within(
        peer.reinvite(dialog, party.offer(direction)),
        `answer to ${direction}`,
      );
      this.#offering.delete(role);
      if (status === 200) {
        party.agree(peer.answerOf(dialog));
        return;
      }
      if ((status !== 491 && status !== 500) || tries > 20)
        throw new GaveUp(`${direction} of the ${role} was answered ${status}`);
      this.#world.ledger.count('offers that crossed');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * (1 + (tries % 4))));
    }
  }

  #isGone(role: Speaker): Promise<void> {
    if (this.#gone.has(role)) return Promise.resolve();
    return new Promise((resolve) => this.#leaving.set(role, resolve));
  }

  #party(role: Speaker): Promise<MediaParty> {
    const { plan } = this;
    const { beat, ledger } = this.#world;
    return MediaParty.open({
      call: plan.index,
      role,
      traits: plan.traits[role],
      network: plan.network,
      random: seededRandom(plan.index * 4 + role.length),
      beat,
      ledger,
      sourceOf: (other: Role, wide) =>
        other === 'stranger' ? null : (this.#parties.get(other)?.source(wide) ?? null),
    });
  }

  #of(role: Speaker): MediaParty {
    return this.#parties.get(role)!;
  }

  #switching(on: boolean, ...parties: readonly MediaParty[]): void {
    for (const party of parties) party.listening.switching = on;
  }

  /** Ends early when the soak does. */
  async #pause(ms: number): Promise<void> {
    const { over } = this.#world;
    if (over.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        over.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      over.addEventListener('abort', done);
    });
  }

  async #within<T>(wanted: Promise<T>, what: string, ms = PATIENCE_MS): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new GaveUp(`no ${what} within ${ms / 1000} s`)), ms);
    });
    try {
      return await Promise.race([wanted, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
