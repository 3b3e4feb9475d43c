import type {
  IncomingInvite,
  LegId,
  LegOfCall,
  SignallingCommand,
  SignallingEvent,
} from '../call/signalling-port.js';
import type { SipHeaders } from '../call/vocabulary.js';
import type { Command } from './leg-context.js';

export interface JoinedCallsOptions {
  /** IPv4 address at which the media workers of this machine reach each other. */
  readonly mediaAddress: string | null;
  /** Tells a call; false where there is no such call. */
  readonly emit: (callId: string, event: SignallingEvent) => boolean;
}

/** A request that crossed to the other call and waits for its answer there. */
interface Crossing {
  readonly from: End;
  readonly requestId: string;
  readonly method: string;
  /** A re-INVITE without an offer: its 2xx carries one, and the answer comes in the ACK. */
  readonly offerless: boolean;
}

/** One call's end of a seam between two calls. */
interface End {
  readonly callId: string;
  readonly legId: LegId;
  readonly seam: Seam;
  other: End | null;
  /** No event is due here any more. */
  gone: boolean;
}

interface Seam {
  state: 'asked' | 'answered' | 'over';
  /** Requests that wait for an answer, by the id that the answering call knows them by. */
  readonly crossing: Map<string, Crossing>;
  /** Re-INVITEs without offer whose 2xx is out: id that the asking call knows → id that the answering one knows. */
  readonly unacked: Map<string, string>;
}

/** Legs of ours that came in number far apart from those that came from the wire (thousands). */
const FIRST_LEG = 501;
const LEG_STRIDE = 1000;

/**
 * Two calls of this node, joined: a leg of the one and a leg of the other are the two ends of one dialog that
 * never leaves the process. Each call keeps its own machine, trunk, limits and record, and speaks to its end as to
 * any leg; the audio goes over loopback between the two media endpoints, whichever workers have them.
 */
export class JoinedCalls {
  readonly #options: JoinedCallsOptions;
  readonly #ends = new Map<LegId, End>();
  #nextLeg = FIRST_LEG;
  #nextRequest = 0;

  constructor(options: JoinedCallsOptions) {
    this.#options = options;
  }

  /** Ends that still hold anything. */
  get size(): number {
    return this.#ends.size;
  }

  /** Are these two calls joined, directly or by calls in between? */
  connected(one: string, other: string): boolean {
    const seen = new Set([one]);
    for (const callId of seen) {
      if (callId === other) return true;
      for (const end of this.#ends.values()) {
        if (end.callId === callId && end.other && !end.gone) seen.add(end.other.callId);
      }
    }
    return false;
  }

  /** An INVITE that takes the place of a leg of another call. */
  join(callId: string, command: Command<'invite'>, of: LegOfCall): void {
    const seam: Seam = { state: 'asked', crossing: new Map(), unacked: new Map() };
    const asking: End = { callId, legId: command.legId, seam, other: null, gone: false };
    const legId = `${of.callId}.${this.#nextLeg}`;
    this.#nextLeg += LEG_STRIDE;
    const asked: End = { callId: of.callId, legId, seam, other: asking, gone: false };
    asking.other = asked;
    this.#ends.set(asking.legId, asking);
    this.#ends.set(legId, asked);
    const invite = this.#invite(command, asking, of);
    const taken = this.#emit(asked, {
      kind: 'incomingReplaces',
      legId,
      replacesLegId: of.legId,
      earlyOnly: false,
      invite,
      joinedBy: callId,
    });
    if (!taken) this.#refuse(asked, 481, 'Call/Transaction Does Not Exist', {});
  }

  /** Carries out a command on one of these legs; false where it is none of them. */
  execute(command: SignallingCommand): boolean {
    const end = this.#ends.get(command.legId);
    if (!end?.other) return false;
    const { other, seam } = end;
    switch (command.kind) {
      case 'provisional':
        if (seam.state !== 'asked') return true;
        this.#emit(other, {
          kind: 'provisional',
          legId: other.legId,
          status: command.status,
          reason: command.status === 183 ? 'Session Progress' : 'Ringing',
          sdp: this.#local(command.sdp),
          headers: lowerCase(command.headers),
        });
        return true;
      case 'accept':
        this.#accept(end, other, command);
        return true;
      case 'reject':
        this.#refuse(end, command.status, command.reason ?? 'Declined', command.headers);
        return true;
      case 'cancel':
        // An answer that is on its way already gets the BYE of the asking call.
        if (seam.state !== 'asked') return true;
        this.#end(end, {
          kind: 'rejected',
          legId: end.legId,
          status: 487,
          reason: 'Request Terminated',
          headers: {},
        });
        this.#end(other, { kind: 'cancelled', legId: other.legId });
        return true;
      case 'bye':
        this.#bye(end, other, command.headers);
        return true;
      case 'request':
        this.#request(end, other, command);
        return true;
      case 'respond':
        this.#respond(command);
        return true;
      case 'ack':
        this.#ack(other, command);
        return true;
      case 'invite':
      case 'claim':
      case 'notify':
        return true;
    }
  }

  /** The call is gone: whoever it was joined with is told. */
  abandon(callId: string): number {
    const left = [...this.#ends.values()].filter((end) => end.callId === callId);
    for (const end of left) {
      const { other } = end;
      if (other) this.#bye(end, other, { Reason: 'SIP;cause=500;text="Internal error"' });
    }
    return left.length;
  }

  #accept(end: End, other: End, command: Command<'accept'>): void {
    const { seam } = end;
    if (seam.state !== 'asked') return;
    seam.state = 'answered';
    this.#emit(end, { kind: 'established', legId: end.legId, dialog: dialogOf(end, other) });
    this.#emit(end, { kind: 'acked', legId: end.legId, requestId: null, sdp: null });
    this.#emit(other, {
      kind: 'accepted',
      legId: other.legId,
      sdp: this.#local(command.sdp),
      headers: lowerCase(command.headers),
      dialog: dialogOf(other, end),
      peer: { allow: null, supported: null, userAgent: null },
      wantsAck: false,
    });
  }

  #refuse(end: End, status: number, reason: string, headers: SipHeaders): void {
    const { other, seam } = end;
    if (seam.state !== 'asked' || !other) return;
    this.#forget(end);
    this.#end(other, { kind: 'rejected', legId: other.legId, status, reason, headers: lowerCase(headers) });
  }

  #bye(end: End, other: End, headers: SipHeaders): void {
    this.#end(end, { kind: 'gone', legId: end.legId });
    this.#end(other, { kind: 'bye', legId: other.legId, headers: lowerCase(headers), byStack: null });
  }

  #request(end: End, other: End, command: Command<'request'>): void {
    const { method, body, contentType, headers } = command;
    this.#nextRequest += 1;
    const requestId = `${other.legId}<j${this.#nextRequest}`;
    const offerless = method === 'INVITE' && body === null;
    end.seam.crossing.set(requestId, { from: end, requestId: command.requestId, method, offerless });
    this.#emit(other, {
      kind: 'request',
      legId: other.legId,
      requestId,
      method,
      headers: lowerCase(headers),
      body: method === 'INVITE' || method === 'UPDATE' ? this.#local(body) : body,
      contentType: contentType ?? (method === 'INVITE' && body !== null ? 'application/sdp' : null),
    });
  }

  #respond(command: Command<'respond'>): void {
    const end = this.#ends.get(command.legId);
    const crossing = end?.seam.crossing.get(command.requestId);
    if (!end || !crossing || command.status < 200) return;
    const { from, method, offerless } = crossing;
    end.seam.crossing.delete(command.requestId);
    const offers = method === 'INVITE' || method === 'UPDATE';
    const wantsAck = offerless && command.status < 300 && command.body !== null;
    if (wantsAck) end.seam.unacked.set(crossing.requestId, command.requestId);
    this.#emit(from, {
      kind: 'response',
      legId: from.legId,
      requestId: crossing.requestId,
      status: command.status,
      reason: command.reason ?? '',
      headers: lowerCase(command.headers),
      body: offers ? this.#local(command.body) : command.body,
      wantsAck,
    });
    if (method === 'INVITE' && command.status < 300 && !wantsAck) {
      this.#emit(end, { kind: 'acked', legId: end.legId, requestId: command.requestId, sdp: null });
    }
  }

  #ack(other: End, command: Command<'ack'>): void {
    if (command.requestId === null) return;
    const requestId = other.seam.unacked.get(command.requestId);
    if (requestId === undefined) return;
    other.seam.unacked.delete(command.requestId);
    this.#emit(other, { kind: 'acked', legId: other.legId, requestId, sdp: this.#local(command.sdp) });
  }

  #emit(end: End, event: SignallingEvent): boolean {
    return end.gone ? false : this.#options.emit(end.callId, event);
  }

  /** The last event of this end. */
  #end(end: End, event: SignallingEvent): void {
    if (end.gone) return;
    this.#forget(end);
    this.#options.emit(end.callId, event);
  }

  #forget(end: End): void {
    end.gone = true;
    end.seam.state = 'over';
    this.#ends.delete(end.legId);
  }

  #invite(command: Command<'invite'>, asking: End, of: LegOfCall): IncomingInvite {
    const { user, displayName } = command.from;
    return {
      sourceAddress: asking.callId,
      sourcePort: 0,
      transport: 'join',
      requestUri: command.uri,
      called: of.legId,
      caller: user,
      callerDisplayName: displayName,
      sipCallId: `${asking.legId}@joined.invalid`,
      headers: lowerCase(command.headers),
      sdp: this.#local(command.sdp),
      peer: { allow: null, supported: null, userAgent: null },
    };
  }

  /** The address that stands in our SDP may be one that only the world outside can reach (NAT). */
  #local(sdp: string | null): string | null {
    const { mediaAddress } = this.#options;
    return sdp === null || mediaAddress === null
      ? sdp
      : sdp.replace(/^c=IN IP4 [^\s]+/gm, `c=IN IP4 ${mediaAddress}`);
  }
}

function dialogOf(own: End, peer: End): Extract<SignallingEvent, { kind: 'established' }>['dialog'] {
  const sipCallId = `${[own.legId, peer.legId].sort().join('+')}@joined.invalid`;
  return {
    sipCallId,
    localTag: own.legId,
    remoteTag: peer.legId,
    remoteTarget: `sip:${peer.legId}@joined.invalid`,
  };
}

function lowerCase(headers: SipHeaders): SipHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
