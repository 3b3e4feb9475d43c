import type { CallEnd, CallHost, Listeners } from '../call-host.js';
import type { OrderResult } from '../call-io.js';
import type { CallOrder } from '../call-record.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { Target } from '../destinations/destination-directory.js';
import type { Leg } from '../leg/leg.js';
import type { SipHeaders } from '../vocabulary.js';
import { Listener, type OpenTarget } from './listener.js';

/** Who talks while somebody listens is told so often (ms): between the 12 and 18 s of a recorder's beep. */
const BEEP_EVERY_MS = 15_000;
const BEEP = 'listeners.beep';

type ListenOrder = Extract<CallOrder, { kind: 'listen' }>;

const refused = (code: string, detail: string): OrderResult => ({ accepted: false, code, detail });

/**
 * The operators who hear one call. `start` is the one place where a listener begins; each ends by `#over`, whatever
 * ends it. An operator hears what the caller says and what the caller is sent.
 */
export class ListenDesk implements Listeners {
  readonly #host: CallHost;
  readonly #live = new Map<string, Listener>();
  readonly #ids = new Set<string>();
  /** Sessions of trunks that are held. */
  readonly #sessions = new Set<() => void>();

  constructor(host: CallHost) {
    this.#host = host;
  }

  get active(): boolean {
    return this.#live.size > 0;
  }

  start({ listenerId, to, by }: ListenOrder): OrderResult {
    const { context } = this.#host;
    const { destinations, mixes } = context.deps;
    const { project } = context;
    const { listen } = project;
    if (this.#ids.has(listenerId)) return { accepted: true };
    if (!listen) return refused('listen_off', `the project ${project.name} does not let anybody listen`);
    if (mixes === false)
      return refused('listen_unsupported', 'rtpengine joins two parties: nobody can listen to them');
    if (this.#live.size >= listen.max)
      return refused('too_many_listeners', `the call has ${this.#live.size} listeners already`);
    const free = { allow: listen.allow, key: 'listen.allow' };
    const found = destinations.resolve(to, project, context.wallMs(), free);
    if (!found.ok)
      return refused(found.code === 'not_allowed' ? 'listener_not_allowed' : found.code, found.detail);
    const left = [...found.targets];
    const first = this.#take(left);
    if (typeof first === 'string') return refused('trunk_full', first);
    const listener = new Listener(this.#host, {
      listenerId,
      to,
      by,
      next: () => {
        const next = this.#take(left);
        return typeof next === 'string' ? null : next;
      },
      heard: () => this.#heard(),
      listening: () => this.#noticed(),
      over: () => this.#over(listenerId),
    });
    this.#ids.add(listenerId);
    this.#live.set(listenerId, listener);
    listener.start(first);
    return { accepted: true };
  }

  stop(listenerId: string): OrderResult {
    const listener = this.#live.get(listenerId);
    if (!listener) return refused('unknown_listener', `${listenerId} does not listen to this call`);
    listener.stop('stopped', reasonHeader(200, 'Listening was stopped'), 'stopped on request');
    return { accepted: true };
  }

  /** Everything of one input has happened: whoever listens hears whoever plays the caller's part now. */
  follow(): void {
    for (const listener of this.#live.values()) listener.follow();
  }

  /** The call ends, or has left this node: nobody is kept on the line by it. */
  callEnding({ cause, headers = {} }: CallEnd): void {
    const why = cause === 'transferred' ? 'Call transferred' : 'Call ended';
    const said: SipHeaders = 'Reason' in headers ? { Reason: headers['Reason'] } : reasonHeader(200, why);
    for (const listener of [...this.#live.values()])
      listener.stop('call_ended', said, `the call ended (${cause})`);
  }

  /** Nothing of the call is left: sessions whose legs were never seen to end are given back. */
  close(): void {
    for (const release of [...this.#sessions]) release();
  }

  dump(): readonly object[] {
    return [...this.#live.values()].map((one) => one.dump());
  }

  /** The caller; while the caller's side hands itself over, whoever stays. */
  #heard(): Leg | null {
    const { caller, agent, bot } = this.#host.roles;
    return [caller, agent, bot].find((leg) => leg !== null && !leg.gone) ?? null;
  }

  /** Somebody listens: caller and person, not the bot, are told where the project wants that. */
  #noticed(): void {
    const { timers, project } = this.#host.context;
    if (project.listen?.notice === 'beep' && !timers.armed.includes(BEEP)) this.#beep();
  }

  #beep(): void {
    const { caller, agent } = this.#host.roles;
    for (const leg of [caller, agent]) if (leg?.up) leg.media.beep();
    this.#host.context.timers.start(BEEP, BEEP_EVERY_MS, () => this.#beep());
  }

  #over(listenerId: string): void {
    this.#live.delete(listenerId);
    const listened = [...this.#live.values()].some(({ state }) => state === 'listening');
    if (!listened) this.#host.context.timers.stop(BEEP);
  }

  /** The first target whose trunk has room, with its session; else why there is none. */
  #take(left: Target[]): OpenTarget | string {
    const { sessions } = this.#host.context.deps;
    let full = 'there is nobody left to call';
    for (let target = left.shift(); target; target = left.shift()) {
      const { name } = target.trunk;
      const refusal = sessions?.take(name) ?? null;
      if (refusal === null) return { target, release: this.#session(name) };
      full = `no session of trunk ${name} is free (${refusal})`;
    }
    return full;
  }

  #session(trunk: string): () => void {
    const release = (): void => {
      if (this.#sessions.delete(release)) this.#host.context.deps.sessions?.release(trunk);
    };
    this.#sessions.add(release);
    return release;
  }
}
