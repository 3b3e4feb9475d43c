import type { CallPlan, Trunk } from '../../call/project.js';
import type { IncomingInvite } from '../../call/signalling-port.js';
import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import { firstValue, readHeaders, readNameAddress, userOf } from '../header-reading.js';
import type { Credentials } from '../leg-context.js';
import type { SipLink } from '../sip-link.js';
import { canonicalAddress } from '../source-table.js';
import type { RegisterRequest, RegisterResult } from './register-exchange.js';
import type { RegistrarAddresses } from './registrar-addresses.js';
import type { Claim, OutgoingRoute } from './registration-port.js';
import { Registration, type RegistrationView } from './registration.js';

export interface RegistrationsOptions {
  readonly plan: CallPlan;
  /** Answers challenges. */
  readonly link: SipLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly addresses: RegistrarAddresses;
}

interface Entry {
  readonly trunk: string;
  /** Everything that makes it this registration: another one takes its place where a reload changes it. */
  readonly key: string;
  readonly hosts: readonly string[];
  readonly username: string | null;
  readonly hasRandomContact: boolean;
  readonly registration: Registration;
}

/** The registrations of all trunks: started and ended with the plan, and what they mean for calls of either direction. */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #entries = new Map<string, Entry>();
  /** Removed by a reload, taking their binding away. */
  readonly #leaving = new Set<Registration>();
  #linked = false;
  #stopped = false;

  constructor(options: RegistrationsOptions) {
    this.#options = options;
    this.setPlan(options.plan);
  }

  /** What a reload left as it was goes on undisturbed. */
  setPlan(plan: CallPlan): void {
    if (this.#stopped) return;
    for (const [name, entry] of [...this.#entries]) {
      const trunk = plan.trunks[name];
      if (trunk && keyOf(trunk) === entry.key) continue;
      this.#entries.delete(name);
      this.#leave(entry.registration);
    }
    for (const trunk of Object.values(plan.trunks)) {
      if (trunk.registration && trunk.hosts.length > 0 && !this.#entries.has(trunk.name)) this.#add(trunk);
    }
    this.#options.addresses.setHosts(
      new Map([...this.#entries.values()].map(({ trunk, hosts }) => [trunk, hosts])),
    );
  }

  #leave(registration: Registration): void {
    this.#leaving.add(registration);
    registration.stop(() => {
      this.#leaving.delete(registration);
    });
  }

  #add(trunk: Trunk): void {
    const { clock, random, log, addresses } = this.#options;
    const { name, hosts, auth, registration: settings } = trunk;
    if (!settings) return;
    const registration = new Registration({
      trunk: name,
      settings,
      hosts,
      clock,
      random,
      log,
      send: (request, done) => {
        this.#send(request, auth, done);
      },
      answeredBy: (address) => {
        addresses.learn(name, address);
      },
    });
    this.#entries.set(name, {
      trunk: name,
      key: keyOf(trunk),
      hosts,
      username: auth?.username ?? null,
      hasRandomContact: settings.contactUser === null,
      registration,
    });
    if (this.#linked) registration.start();
  }

  #send(
    { uri, hop, headers }: RegisterRequest,
    credentials: Credentials | null,
    done: (result: RegisterResult) => void,
  ): void {
    const options = {
      method: 'REGISTER',
      headers: { ...headers },
      proxy: hop,
      ...(credentials ? { credentials } : {}),
    };
    this.#options.link.request(uri, options, (failure, sent) => {
      if (failure || !sent) {
        const reason = failure instanceof Error ? failure.message : (failure ?? 'not sent');
        done({ status: 0, reason, headers: {}, sourceAddress: '' });
        return;
      }
      sent.on('response', ({ status, reason, msg, source_address: sourceAddress }) => {
        if (status >= 200) done({ status, reason, headers: readHeaders(msg.raw), sourceAddress });
      });
    });
  }

  onLinkUp(): void {
    this.#linked = true;
    if (this.#stopped) return;
    for (const { registration } of this.#entries.values()) registration.start();
  }

  onLinkLost(): void {
    this.#linked = false;
    for (const { registration } of this.#entries.values()) registration.onLinkLost();
    for (const registration of [...this.#leaving]) registration.onLinkLost();
  }

  /** Takes every binding away; resolves when that is over, after a few seconds at the latest. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const all = [...[...this.#entries.values()].map(({ registration }) => registration), ...this.#leaving];
    await Promise.all(all.map((registration) => new Promise<void>((done) => registration.stop(done))));
    this.#options.addresses.close();
  }

  /** By trunk: whether a binding holds now. */
  registered(): Readonly<Record<string, boolean>> {
    return Object.fromEntries(
      [...this.#entries].map(([name, { registration }]) => [name, registration.isRegistered]),
    );
  }

  /** By trunk. */
  views(): Readonly<Record<string, RegistrationView>> {
    return Object.fromEntries(
      [...this.#entries].map(([name, { registration }]) => [name, registration.view()]),
    );
  }

  /** An INVITE to a Contact of ours: whose trunk it comes by, and the number that was called. */
  claim(
    { source_address: source }: { readonly source_address: string },
    invite: IncomingInvite,
  ): Claim | null {
    if (invite.called === '') return null;
    const entries = [...this.#entries.values()].filter(
      ({ registration }) => registration.contactUser === invite.called,
    );
    // A random name is known to the registrar alone; a name that could be guessed needs the right source.
    const known = this.trunksAt(source);
    const entry = entries.find(({ trunk, hasRandomContact }) => hasRandomContact || known.includes(trunk));
    return entry ? { trunk: entry.trunk, called: calledOf(invite) } : null;
  }

  /** The trunks whose registrar has this address. */
  trunksAt(address: string): readonly string[] {
    return this.#entries.size === 0 ? [] : this.#options.addresses.trunksAt(canonicalAddress(address));
  }

  /** The host that has our binding comes first, by the way that its registrar wants. */
  routeOf(proxies: readonly string[], auth: Credentials | null): OutgoingRoute {
    const unchanged = { proxies, serviceRoute: [] };
    if (this.#entries.size === 0 || proxies.length === 0) return unchanged;
    const wanted = proxies.join(' ');
    for (const { hosts, username, registration } of this.#entries.values()) {
      if (hosts.join(' ') !== wanted || username !== (auth?.username ?? null)) continue;
      const { route } = registration;
      if (!route) return unchanged;
      return {
        proxies: [route.host, ...proxies.filter((host) => host !== route.host)],
        serviceRoute: route.serviceRoute,
      };
    }
    return unchanged;
  }
}

const keyOf = ({ hosts, auth, registration }: Trunk): string =>
  JSON.stringify([hosts, auth, registration ?? null]);

/** The number behind our Contact: P-Called-Party-ID (RFC 7315), else To. */
function calledOf({ headers, called }: IncomingInvite): string {
  for (const name of ['p-called-party-id', 'to']) {
    const user = userOf(readNameAddress(firstValue(headers, name))?.uri ?? '');
    if (user !== '') return user;
  }
  return called;
}
