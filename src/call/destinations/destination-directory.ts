import type { Clock } from '../../common/clock.js';
import type {
  AllowedTarget,
  CallPlan,
  CodecName,
  Destination,
  GroupDestination,
  IdentityPolicy,
  Project,
  Trunk,
  UuiProfile,
} from '../project.js';
import type { LegOfCall } from '../signalling-port.js';
import { isAllowedTarget } from './allowed-target.js';
import { deniedBy } from './denied-number.js';
import { MethodMemory, type LearnedMethods } from './method-memory.js';
import { formatNumber } from './number-format.js';
import { isOpen } from './opening-hours.js';
import { TransferSlots } from './transfer-slots.js';
import { parseSipTarget, writeSipTarget, type SipTarget } from './sip-target.js';

/** One place that can be dialled now. */
export interface Target {
  /** The destination's name; for a free target the URI or number itself. */
  readonly destination: string;
  readonly uri: string;
  readonly trunk: Trunk;
  /** Next hops in failover order; empty sends to the URI itself. */
  readonly proxies: readonly string[];
  readonly ringTimeoutMs: number;
  readonly auth: { readonly username: string; readonly password: string } | null;
  readonly codecs: readonly CodecName[];
  /** Digits to play once it answered (`;postd=`); null for none. */
  readonly thenDial: string | null;
  readonly identity: IdentityPolicy;
  /** The destination's own profile, or the project's. */
  readonly uui: UuiProfile | null;
  /** The groups that led here, outermost first: each counts this attempt for max_concurrent. */
  readonly via: readonly string[];
  /** Targets in a row with the same mark ring together; null rings alone. */
  readonly together: string | null;
  /** The leg of another call of this node whose place is taken; nothing is dialled then. */
  readonly join?: LegOfCall;
}

/** A destination that was passed over, and why. */
export interface SkippedDestination {
  readonly destination: string;
  readonly detail: string;
}

export type Resolution =
  | {
      readonly ok: true;
      readonly name: string;
      readonly targets: readonly Target[];
      readonly skipped: readonly SkippedDestination[];
    }
  /** `code`: `not_allowed` (checked before any SIP), `bad_destination`, `unavailable` (closed or full). */
  | {
      readonly ok: false;
      readonly code: 'not_allowed' | 'bad_destination' | 'unavailable';
      readonly detail: string;
      readonly skipped?: readonly SkippedDestination[];
    };

/** What a directory knows beside the plan, as plain data. Times are Unix milliseconds. */
export interface DirectoryState {
  readonly busy: Readonly<Record<string, number>>;
  readonly lastUsedAt: Readonly<Record<string, number>>;
  readonly turns: Readonly<Record<string, number>>;
  /** Transfers under way, by project and by trunk. */
  readonly slots: Readonly<Record<string, number>>;
  readonly methods: LearnedMethods;
}

/** The patterns for targets that are no destination, and the key at which they stand. */
export interface FreeTargets {
  readonly allow: readonly AllowedTarget[];
  readonly key: string;
}

interface Walk {
  readonly project: Project;
  readonly nowMs: number;
  readonly seen: Set<string>;
  readonly targets: Target[];
  readonly skipped: SkippedDestination[];
  /** A destination was passed over because its trunk denies the number. */
  denied: boolean;
}

/**
 * Where calls can be handed to, with what only the whole thread knows: who is busy, whose turn it is, and which
 * trunk refused a REFER. Shared by all calls of a thread.
 */
export class DestinationDirectory {
  readonly methods = new MethodMemory();
  readonly slots = new TransferSlots();
  #plan: CallPlan;
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #busy = new Map<string, number>();
  readonly #lastUsedAt = new Map<string, number>();
  readonly #turn = new Map<string, number>();

  constructor(plan: CallPlan, clock: Pick<Clock, 'wallMs'>) {
    this.#plan = plan;
    this.#clock = clock;
  }

  /** Takes a reloaded plan; counters go on. */
  swapPlan(plan: CallPlan): void {
    this.#plan = plan;
  }

  /** `nowMs` is the time of the calls' clock, which the learned methods go by. */
  state(nowMs: number): DirectoryState {
    return {
      busy: Object.fromEntries(this.#busy),
      lastUsedAt: Object.fromEntries(this.#lastUsedAt),
      turns: Object.fromEntries(this.#turn),
      slots: this.slots.counts(),
      methods: this.methods.learned(nowMs),
    };
  }

  /** Takes over what another directory knew. */
  restore({ busy, lastUsedAt, turns, slots, methods }: DirectoryState, nowMs: number): void {
    for (const [name, count] of Object.entries(busy)) this.#busy.set(name, count);
    for (const [name, at] of Object.entries(lastUsedAt)) this.#lastUsedAt.set(name, at);
    for (const [name, turn] of Object.entries(turns)) this.#turn.set(name, turn);
    this.slots.restore(slots);
    this.methods.relearn(methods, nowMs);
  }

  /** An attempt at, or a call with, this destination (or group) began. */
  began(name: string): void {
    this.#busy.set(name, (this.#busy.get(name) ?? 0) + 1);
    this.#lastUsedAt.set(name, this.#clock.wallMs());
  }

  ended(name: string): void {
    const left = (this.#busy.get(name) ?? 0) - 1;
    if (left > 0) this.#busy.set(name, left);
    else this.#busy.delete(name);
    this.#lastUsedAt.set(name, this.#clock.wallMs());
  }

  /** How many attempts and calls are with this destination now. */
  busy(name: string): number {
    return this.#busy.get(name) ?? 0;
  }

  /**
   * Finds the places to dial, in order. `wanted` is a destination's name, `sip:NAME@anything`, the URI or number
   * of a destination, or a free target that a pattern of `transfer.allow` (or of `free`) admits; null is the
   * project's default.
   */
  resolve(
    wanted: string | null,
    project: Project,
    nowMs: number,
    free: FreeTargets = { allow: project.transfer.allow, key: 'transfer.allow' },
  ): Resolution {
    const asked = wanted ?? project.transfer.to;
    if (asked === null || asked === '') {
      return {
        ok: false,
        code: 'bad_destination',
        detail: 'no destination was named and the project has no default',
      };
    }
    const known = this.#find(asked);
    if (known) return this.#resolveKnown(known, project, nowMs);
    return this.#resolveFree(asked, project, free);
  }

  #resolveKnown(destination: Destination, project: Project, nowMs: number): Resolution {
    const walk: Walk = { project, nowMs, seen: new Set(), targets: [], skipped: [], denied: false };
    this.#walk(destination.name, [], null, walk);
    const { targets, skipped } = walk;
    if (targets.length > 0) return { ok: true, name: destination.name, targets, skipped };
    return {
      ok: false,
      code: walk.denied ? 'not_allowed' : 'unavailable',
      detail: skipped.at(-1)?.detail ?? `${destination.name} has nobody to ring`,
      skipped,
    };
  }

  #find(asked: string): Destination | null {
    const { destinations } = this.#plan;
    if (Object.hasOwn(destinations, asked)) return destinations[asked]!;
    const target = parseSipTarget(asked);
    if (target?.kind === 'uri' && Object.hasOwn(destinations, target.user)) return destinations[target.user]!;
    for (const destination of Object.values(destinations)) {
      if (target && isAddressOf(destination, target)) return destination;
    }
    return null;
  }

  #resolveFree(asked: string, project: Project, { allow, key }: FreeTargets): Resolution {
    const target = parseSipTarget(asked);
    const allowed = target && allow.find((entry) => isAllowedTarget(entry, target));
    if (!target || !allowed) {
      const detail = `${printable(asked)} is neither a destination nor admitted by ${key} of ${project.name}`;
      return { ok: false, code: 'not_allowed', detail };
    }
    const trunk = this.#plan.trunks[allowed.trunk];
    if (!trunk) {
      return { ok: false, code: 'bad_destination', detail: `trunk ${allowed.trunk} is not configured` };
    }
    const denied = deniedBy(target.kind === 'number' ? target.number : target.user, trunk);
    if (denied !== null)
      return { ok: false, code: 'not_allowed', detail: deniedDetail(asked, trunk, denied) };
    const byNumber = !/^sips?:/i.test(allowed.to);
    const number = target.kind === 'number' ? target.number : target.user;
    const dialled = byNumber
      ? dialNumber(number, trunk)
      : { uri: target.kind === 'uri' ? writeSipTarget(target) : '', proxies: [] };
    if (dialled === null)
      return { ok: false, code: 'bad_destination', detail: `trunk ${trunk.name} has no host` };
    const thenDial = target.kind === 'number' ? target.thenDial : null;
    const name = printable(asked);
    const only = makeTarget({
      destination: name,
      dialled,
      trunk,
      ringTimeoutMs: project.transfer.timers.ringMs,
      thenDial,
      identity: trunk.identity,
      uui: project.transfer.uui,
      via: [],
      together: null,
    });
    return { ok: true, name, targets: [only], skipped: [] };
  }

  #walk(name: string, via: readonly string[], together: string | null, walk: Walk): void {
    const destination = Object.hasOwn(this.#plan.destinations, name)
      ? this.#plan.destinations[name]
      : undefined;
    if (!destination || walk.seen.has(name)) return;
    walk.seen.add(name);
    if (destination.type === 'group') {
      this.#walkGroup(destination, via, walk);
      return;
    }
    const trunk = this.#plan.trunks[destination.trunk];
    if (!trunk) {
      skip(walk, name, `trunk ${destination.trunk} of ${name} is not configured`);
      return;
    }
    const { written, thenDial, dialled } = dial(destination, trunk);
    const denied = deniedBy(written, trunk);
    if (denied !== null || dialled === null) {
      walk.denied ||= denied !== null;
      skip(
        walk,
        name,
        denied === null
          ? `trunk ${trunk.name} of ${name} has no host`
          : deniedDetail(`${name} (${written})`, trunk, denied),
      );
      return;
    }
    const target = makeTarget({
      destination: name,
      dialled,
      trunk,
      ringTimeoutMs: destination.ringTimeoutMs ?? walk.project.transfer.timers.ringMs,
      thenDial,
      identity: destination.identity ?? trunk.identity,
      uui: destination.uui ?? walk.project.transfer.uui,
      via,
      together,
    });
    walk.targets.push(target);
  }

  #walkGroup(group: GroupDestination, via: readonly string[], walk: Walk): void {
    const inside = [...via, group.name];
    if (group.hours && !isOpen(group.hours, walk.nowMs)) {
      skip(walk, group.name, `${group.name} is closed`);
    } else if (group.maxConcurrent !== null && this.busy(group.name) >= group.maxConcurrent) {
      skip(walk, group.name, `${group.name} is full (${group.maxConcurrent} at once)`);
    } else {
      const together = group.strategy === 'simultaneous' ? group.name : null;
      for (const member of this.#order(group)) this.#walk(member, inside, together, walk);
    }
    // The overflow does not count against the group that it relieves.
    for (const next of group.overflow) this.#walk(next, via, null, walk);
  }

  #order(group: GroupDestination): readonly string[] {
    const { members } = group;
    if (group.strategy === 'round-robin' && members.length > 0) {
      const turn = (this.#turn.get(group.name) ?? 0) % members.length;
      this.#turn.set(group.name, turn + 1);
      return [...members.slice(turn), ...members.slice(0, turn)];
    }
    if (group.strategy === 'least-recent') {
      const usedAt = (name: string): number => this.#lastUsedAt.get(name) ?? 0;
      return [...members].sort((a, b) => usedAt(a) - usedAt(b));
    }
    return members;
  }
}

function skip(walk: Walk, destination: string, detail: string): void {
  walk.skipped.push({ destination, detail });
}

/** Nothing of what was asked for reaches a log or a header raw. */
function printable(text: string): string {
  let out = '';
  for (const char of text) if (char >= ' ' && char !== '\u007f') out += char;
  return out.slice(0, 200);
}

function isAddressOf(destination: Destination, target: SipTarget): boolean {
  if (destination.type === 'group') return false;
  if (destination.type === 'queue') {
    const own = parseSipTarget(destination.address);
    return (
      own?.kind === 'uri' && target.kind === 'uri' && own.user === target.user && own.host === target.host
    );
  }
  const own = destination.type === 'phone' ? destination.number : destination.extension;
  const dialled = target.kind === 'number' ? target.number : target.user;
  return dialled !== '' && dialled === own.split(';')[0];
}

type Dialled = Pick<Target, 'uri' | 'proxies'>;

/** What is dialled for a destination, and the digits that follow the answer: `then_dial`, or `;postd=`. */
function dial(
  destination: Exclude<Destination, GroupDestination>,
  trunk: Trunk,
): { written: string; thenDial: string | null; dialled: Dialled | null } {
  if (destination.type === 'queue') {
    const parsed = parseSipTarget(destination.address);
    return {
      written: parsed?.kind === 'uri' ? parsed.user : '',
      thenDial: destination.thenDial,
      dialled: { uri: destination.address, proxies: trunk.hosts },
    };
  }
  const whole = destination.type === 'phone' ? destination.number : destination.extension;
  const [written = '', params = ''] = whole.split(/;(.*)/s);
  const thenDial = destination.thenDial ?? /postd=([0-9*#A-D,p]+)/i.exec(params)?.[1] ?? null;
  // An extension is a name of the PBX: no number format applies to it.
  const dialled = dialNumber(
    written,
    destination.type === 'phone' ? trunk : { ...trunk, numberFormat: 'as-is' },
  );
  return { written, thenDial, dialled };
}

function dialNumber(number: string, trunk: Trunk): Dialled | null {
  const host = trunk.hosts[0];
  const parsed = host === undefined ? null : parseSipTarget(host);
  if (parsed?.kind !== 'uri') return null;
  const user = formatNumber(number, trunk.numberFormat, trunk.dialPlan);
  return { uri: writeSipTarget({ ...parsed, user }), proxies: trunk.hosts };
}

function deniedDetail(asked: string, trunk: Trunk, pattern: string): string {
  return `${printable(asked)} is denied on trunk ${trunk.name} by ${pattern}`;
}

function makeTarget({
  dialled,
  trunk,
  ...rest
}: Omit<Target, 'uri' | 'proxies' | 'auth' | 'codecs'> & { readonly dialled: Dialled }): Target {
  return { ...rest, ...dialled, trunk, auth: trunk.auth, codecs: trunk.codecs };
}
