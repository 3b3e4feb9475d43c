import type { LegMediaStats, MediaEvent, PacketSource } from '../../call/media-port.js';
import type { G711Name } from '../../call/project.js';
import { PromptPlayer, SILENCE, type PromptAudio } from '../prompt/prompt-audio.js';
import type { StreamSettings } from '../worker-messages.js';
import type { DirectRoute } from './direct-route.js';
import type { EndpointContext } from './endpoint-context.js';
import { FrameSender } from './frame-sender.js';
import { silentLeg, type Hearing } from './hearing.js';
import { KeySender } from './key-sender.js';
import { legFigures } from './leg-figures.js';
import { MixHearing } from './mix-hearing.js';
import type { Paced } from './pacer.js';
import { PartyReceiver, type TakePacket } from './party-receiver.js';
import { PartySender } from './party-sender.js';
import { toldAs, type PayloadKind } from './payload-type-table.js';
import { OneWayWatch } from './one-way-watch.js';
import type { OpenRecording } from './recording-desk.js';
import type { PairHandlers, SocketPair } from './socket-pair-stock.js';
import { sentTo, Taps, type Overhearer } from './taps.js';

const FRAME_MS = 20;
/** While a party that is to be heard has sent nothing yet, the prompt before goes on for so long. */
const FILL_MS = 2000;
/** A party that is joined to another hears nothing for so long before silence packets fill in for a mute one. */
const SILENCE_AFTER_MS = 200;
/** A live source so long silent is filled in with silence packets, so that nobody's media timer fires. */
const STALL_MS = 1000;

/** The RTP of one leg: takes what its party sends, and sends what its party is to hear. */
export class Endpoint implements Paced, Overhearer {
  readonly legId: string;
  readonly callId: string;
  /** For the sockets of this leg. */
  readonly handlers: PairHandlers;
  /** Those of its listeners who hear what this party is sent as well. */
  readonly taps: Taps;
  readonly #context: EndpointContext;
  readonly #emit: (event: MediaEvent) => void;
  readonly #receiver: PartyReceiver;
  readonly #sender: PartySender;
  readonly #keys: KeySender;
  readonly #frames: FrameSender;
  readonly #oneWay: OneWayWatch;
  #listeners: readonly Endpoint[] = [];
  /** Heard before everything else. */
  #interjection: { readonly player: PromptPlayer; readonly onEnd: () => void } | null = null;
  #silence = new PromptPlayer(SILENCE, true);
  #hearing: Hearing = { kind: 'nothing' };
  /** Since when it hears the leg that it hears. */
  #joinedAtMs = 0;
  #canSend = false;
  /** The party hears another one directly: nothing is made for it. */
  #resting = false;
  #closed = false;
  #heardParty: string | null = null;
  /** When the endpoint before this one was lost; null once its party was heard again. */
  #lostAtMs: number | null = null;

  constructor(
    callId: string,
    legId: string,
    symmetricRtp: boolean,
    context: EndpointContext,
    emit: (event: MediaEvent) => void,
  ) {
    this.callId = callId;
    this.legId = legId;
    this.#context = context;
    this.#oneWay = new OneWayWatch(context.oneWayAudioAfterMs);
    this.#emit = emit;
    this.#receiver = new PartyReceiver({
      callId,
      legId,
      symmetricRtp,
      context,
      onPacket: this.#passOn,
      onDigit: (digit, durationMs, kind, first) => {
        this.#digit(digit, durationMs, kind, first);
      },
      onReport: (packet, nowMs) => this.#sender.rtcp.take(packet, nowMs),
    });
    this.#sender = new PartySender(context, this.#receiver);
    this.taps = new Taps(legId, this.#sender);
    this.#keys = new KeySender(this.#sender);
    this.#frames = new FrameSender(this.#sender);
    this.handlers = {
      onRtp: this.#receiver.onRtp,
      onRtcp: this.#receiver.onRtcp,
      onError: (error) => {
        this.#receiver.logOnce({ error: error.message }, 'cannot send');
      },
    };
  }

  /** Who hears this party; replaced, never changed in place. */
  get listeners(): readonly Endpoint[] {
    return this.#listeners;
  }
  set listeners(listeners: readonly Endpoint[]) {
    this.#listeners = listeners;
    this.#detour();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes the bound sockets; from here on the endpoint owns them. */
  attach(pair: SocketPair): void {
    this.#sender.attach(pair);
    this.#updateSending();
  }

  configure(settings: StreamSettings, srtpReached?: ReadonlyMap<number, number>): void {
    const nowMs = this.#context.clock.now();
    this.#detour();
    this.#receiver.configure(settings, nowMs, srtpReached);
    this.#sender.configure(settings, nowMs);
    this.#oneWay.setAgreed(settings.maySend && settings.mayReceive && settings.remoteRtp !== null, nowMs);
    this.#updateSending();
  }

  /** Plays a prompt from now on. `onEnd` is called when one that does not loop has been sent whole. */
  hearPrompt(audio: PromptAudio, loops: boolean, onEnd: (() => void) | null): void {
    const hearing = this.#hearing;
    if (loops && hearing.kind === 'prompt' && hearing.player.loops && hearing.player.audio === audio) return;
    this.#detour();
    this.#hearing = { kind: 'prompt', player: new PromptPlayer(audio, loops), onEnd };
    this.#sender.switchSource();
    this.#pace();
  }

  hearSilence(): void {
    this.hearPrompt(SILENCE, true, null);
  }

  /** Hears another leg. Until its first packet the looping prompt before goes on, else silence. */
  hearLeg(): void {
    this.#detour();
    const rest = this.#hearing.kind === 'mix' ? this.#hearing.mixer : null;
    const nowMs = this.#context.clock.now();
    const [fillUntilMs, silentUntilMs] = [nowMs + FILL_MS, nowMs + SILENCE_AFTER_MS];
    this.#hearing = { kind: 'leg', live: null, rest, filler: this.#filler(), fillUntilMs, silentUntilMs };
    this.#joinedAtMs = nowMs;
    this.#pace();
  }

  /** Hears several legs at once, mixed frame by frame. */
  hearMix(legIds: readonly string[]): void {
    this.#detour();
    const before = this.#hearing;
    this.#hearing = new MixHearing(legIds, {
      mix: before.kind === 'mix' ? before : null,
      relayed: before.kind === 'leg' ? before.live : null,
      filler: this.#filler(),
      fillUntilMs: this.#context.clock.now() + FILL_MS,
    });
    this.#pace();
  }

  /** Hears what this leg says and what it is sent: the party of the leg notices nothing. */
  hearTap(legId: string): void {
    this.hearMix([legId, sentTo(legId)]);
  }

  overhear(
    name: string,
    timestamp: number,
    packet: Buffer,
    start: number,
    end: number,
    codec: G711Name,
  ): void {
    if (this.#hearing.kind === 'mix') this.#hearing.mixer.push(name, timestamp, packet, start, end, codec);
  }

  /** Sends digits as the leg has them: as telephone-events, as tones, or by INFO, which is signalling's. */
  sendDtmf(digits: string): void {
    this.#detour();
    switch (this.#keys.take(digits)) {
      case 'queued':
        this.#pace();
        return;
      case 'by_info':
        this.#emit({ kind: 'dtmfByInfo', legId: this.legId, digits });
        return;
      case 'refused':
        this.#context.log.warn({ legId: this.legId, digits }, 'the party takes no telephone-event; not sent');
    }
  }

  /** The party has told of a press by INFO; false where it was passed on already, as it came in RTP. */
  pressedByInfo(digit: string): boolean {
    return this.#receiver.presses.isNew(digit, 'info', this.#context.clock.now());
  }

  /** A digit of the party; who hears it and cannot take it as it came gets it in its own way. */
  #digit(digit: string, durationMs: number, kind: PayloadKind, first: boolean): void {
    const inband = kind !== 'event' && kind !== 'wideEvent';
    this.#emit({ kind: 'dtmf', legId: this.legId, digit, durationMs, ...(inband && { inband }) });
    if (!first) return;
    for (const listener of this.listeners) {
      if (listener.#hearing.kind === 'leg' && (inband || !listener.#sender.takes(kind)))
        listener.sendDtmf(digit);
    }
  }

  /** Records this party and what it hears from now on. */
  record(recording: OpenRecording | null): void {
    const nowMs = this.#context.clock.now();
    this.#detour();
    this.#sender.recording?.close(nowMs);
    this.#sender.recording = recording;
    if (this.#heardParty) recording?.mark(this.#heardParty, nowMs);
  }

  beep(): void {
    this.#detour();
    this.#sender.notice.begin();
  }

  /** The party that is heard from now on, for recordings. */
  markRecording(party: string): void {
    this.#heardParty = party;
    this.#sender.recording?.mark(party, this.#context.clock.now());
  }

  /** Plays a prompt once over whatever the party hears. */
  interject(audio: PromptAudio, onEnd: () => void): void {
    this.#detour();
    this.#interjection = { player: new PromptPlayer(audio, false), onEnd };
    this.#pace();
  }

  get source(): PacketSource {
    return this.#receiver.latch.source;
  }

  /** While it rests, what comes for the party is passed on, and nothing is sent beside it. */
  rest(on: boolean): void {
    if (on === this.#resting || this.#closed) return;
    this.#detour();
    this.#resting = on;
    this.#receiver.resting = on;
    this.#receiver.latch.signalledOnly = on;
    // What the party and who is heard sent past us meanwhile is no loss.
    this.#receiver.received.pause();
    this.#sender.switchSource();
    if (on) return;
    this.#oneWay.restart(this.#context.clock.now());
    this.#pace();
  }

  watch(timeoutMs: number): void {
    this.#receiver.watch.start(timeoutMs, this.#context.clock.now());
  }

  /** Takes the place of an endpoint that was lost so long ago: the first packet of the party is told of. */
  resuming(lostForMs: number): void {
    this.#lostAtMs = this.#context.clock.now() - lostForMs;
  }

  startGap(silentForMs = 0): void {
    this.#sender.gap.start(this.#context.clock.now() - silentForMs);
  }

  stopGap(): number {
    return this.#sender.gap.stop(this.#context.clock.now());
  }

  readonly #passOn: TakePacket = (packet, start, end, kind, ssrc, sequence, timestamp, nowMs) => {
    if (this.#lostAtMs !== null) {
      this.#emit({ kind: 'mediaResumed', legId: this.legId, gapMs: Math.round(nowMs - this.#lostAtMs) });
      this.#lostAtMs = null;
    }
    const { recording } = this.#sender;
    if (recording && (kind === 'PCMU' || kind === 'PCMA')) {
      recording.recorder.push('left', timestamp, packet, start, end, kind, nowMs);
    }
    const listeners = this.#listeners;
    const last = listeners.length - 1;
    for (let i = 0; i <= last; i++) {
      // Each listener rewrites the packet in place; all but the last get a copy.
      const own = i === last ? packet : Buffer.from(packet);
      const listener = listeners[i]!;
      // The end of a press that joined the two, such as the one that takes a call, is not for the other.
      const as = this.#receiver.eventBeganMs < listener.#joinedAtMs ? toldAs(kind) : kind;
      listener.relay(this.legId, own, start, end, as, ssrc, sequence, timestamp, nowMs);
    }
    if (last !== 0 || recording || this.#resting) return null;
    return listeners[0]!.#directFrom(this.legId, kind);
  };

  /** A short way for the next packets of the leg that this party hears; null where there can be none. */
  #directFrom(legId: string, kind: PayloadKind): DirectRoute | null {
    this.#sender.detour();
    const hearing = this.#hearing;
    const live = hearing.kind === 'leg' && hearing.live === legId;
    return live && this.#canSend && !this.#resting && !this.#sendsOwn() ? this.#sender.direct(kind) : null;
  }

  /** What this party sends or hears changes: packets go the long way until all is settled. */
  #detour(): void {
    this.#receiver.detour();
    this.#sender.detour();
  }

  /** Sends this party a packet of the leg that it hears. The packet is rewritten in place. */
  relay(
    legId: string,
    packet: Buffer,
    start: number,
    end: number,
    kind: PayloadKind,
    ssrc: number,
    sequence: number,
    timestamp: number,
    nowMs: number,
  ): void {
    const hearing = this.#hearing;
    if (hearing.kind === 'mix') {
      if (kind === 'PCMU' || kind === 'PCMA') hearing.mixer.push(legId, timestamp, packet, start, end, kind);
      if (!hearing.relays(legId)) return;
    } else if (hearing.kind !== 'leg') return;
    if (!this.#canSend) return;
    if (end === start || !this.#sender.takes(kind)) {
      this.#sender.skip(kind, ssrc, sequence);
      if (kind === 'CN' || kind === 'dropped') this.#fillSilence(nowMs);
      return;
    }
    if (this.#resting) {
      if (nowMs - this.#sender.lastAtMs > STALL_MS) this.#sender.switchSource();
    } else if (this.#keys.sounding || this.#interjection) return;
    if (hearing.kind === 'leg' && hearing.live === null) {
      hearing.live = legId;
      this.#sender.switchSource();
    }
    this.#sender.relay(packet, start, end, kind, ssrc, sequence, timestamp, nowMs);
  }

  tick(nowMs: number): boolean {
    if (this.#resting) return false;
    if (this.#interjection && this.#canSend) {
      this.#interjectFrame(this.#interjection, nowMs);
      return true;
    }
    const hearing = this.#hearing;
    if (this.#canSend && this.#keys.send(nowMs)) return true;
    if (hearing.kind === 'prompt') {
      this.#frames.play(hearing.player, nowMs);
      if (hearing.player.ended) {
        this.#hearing = { kind: 'prompt', player: this.#silence, onEnd: null };
        hearing.onEnd?.();
      }
      return true;
    }
    if (hearing.kind === 'mix') {
      if (this.#frames.mix(hearing.mixer, nowMs)) hearing.begin();
      else {
        const filler = hearing.standIn(nowMs, this.#sender.lastAtMs + 2 * FRAME_MS, this.#silence);
        if (filler !== null) this.#frames.play(filler, nowMs);
      }
      return true;
    }
    if (hearing.kind === 'leg' && hearing.live === null) {
      if (hearing.rest !== null && this.#frames.mix(hearing.rest, nowMs)) return true;
      const filler = nowMs < hearing.fillUntilMs ? hearing.filler : this.#silence;
      // Most parties speak at once: no silence is made for them. `check` comes back to those that do not.
      if (!filler.audio.audible && nowMs < hearing.silentUntilMs) return this.#keys.busy;
      this.#frames.play(filler, nowMs);
      return true;
    }
    return this.#keys.busy;
  }

  /** Regular checks, several times a second. */
  check(nowMs: number): void {
    this.#sender.recording?.recorder.flush(nowMs);
    const silentMs = this.#receiver.check(nowMs);
    if (silentMs > 0) this.#emit({ kind: 'mediaTimeout', legId: this.legId, silentMs });
    if (this.#resting) return;
    const oneWay = this.#oneWay.check(nowMs, this.#sender.lastAtMs, this.#receiver.lastAtMs);
    if (oneWay) this.#emit({ kind: 'oneWayAudio', legId: this.legId, ...oneWay });
    const hearing = this.#hearing;
    if (hearing.kind === 'leg' && hearing.live !== null && nowMs - this.#sender.lastAtMs > STALL_MS) {
      this.#fillSilence(nowMs);
    }
    this.#pace();
    if (this.#sender.rtcp.isDue(nowMs)) this.#sender.sendReport(nowMs, false);
  }

  /** Sends BYE, frees the sockets; the figures of the leg. Idempotent. */
  close(): LegMediaStats {
    if (!this.#closed) {
      this.#closed = true;
      this.#detour();
      this.#sender.close(this.#context.clock.now(), !this.#resting);
      this.#context.pacer.remove(this);
      this.#canSend = false;
      this.#keys.clear();
      this.#listeners = [];
      this.taps.clear();
    }
    return legFigures(this.#receiver, this.#sender);
  }

  #updateSending(): void {
    const before = this.#canSend;
    this.#canSend = this.#sender.able;
    if (before || !this.#canSend) return;
    // What the source sent meanwhile must not show as loss.
    this.#sender.switchSource();
    this.#pace();
  }

  /** Until the heard party speaks again, silence is made in its place. */
  #fillSilence(nowMs: number): void {
    if (this.#hearing.kind !== 'leg' || this.#hearing.live === null) return;
    this.#detour();
    this.#hearing = silentLeg(this.#silence, nowMs);
    this.#sender.switchSource();
    this.#pace();
  }

  #pace(): void {
    const hearing = this.#hearing;
    const generated = hearing.kind === 'prompt' || hearing.kind === 'mix';
    const needed = generated || (hearing.kind === 'leg' && hearing.live === null) || this.#sendsOwn();
    if (needed && !this.#closed && !this.#resting)
      this.#context.pacer.add(this, this.#sender.lastAtMs + FRAME_MS);
  }

  #sendsOwn(): boolean {
    return this.#keys.busy || this.#interjection !== null;
  }

  #interjectFrame({ player, onEnd }: { player: PromptPlayer; onEnd: () => void }, nowMs: number): void {
    this.#frames.play(player, nowMs);
    if (!player.ended) return;
    this.#interjection = null;
    onEnd();
    this.#sender.switchSource();
  }

  /** What a party hears until the next source has sound: the looping prompt of now, else silence. */
  #filler(): PromptPlayer {
    const hearing = this.#hearing;
    if (hearing.kind === 'prompt' && hearing.player.loops) return hearing.player;
    const begins =
      (hearing.kind === 'leg' && hearing.live === null) || (hearing.kind === 'mix' && !hearing.live);
    return begins ? hearing.filler : this.#silence;
  }
}
