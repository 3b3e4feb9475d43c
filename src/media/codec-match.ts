import type { MediaEvent, MediaSource } from '../call/media-port.js';
import type { CodecName } from '../call/project.js';
import { CODECS } from './sdp/codecs.js';
import type { NegotiatedSettings } from './sdp/local-audio.js';

/** A leg as far as its codecs go. */
export interface CodecSide {
  readonly legId: string;
  /** What was offered or allowed last, in order. */
  readonly codecs: readonly CodecName[];
  readonly settings: NegotiatedSettings | null;
  readonly source: MediaSource | null;
}

/**
 * The legs whose party sends what a listener can neither take nor have made into G.711, with the codecs that both
 * sides have. Mixed parties must send G.711, and so must both ends of what somebody listens to.
 */
export function unlikeCodecs(
  legs: ReadonlyMap<string, CodecSide>,
): Extract<MediaEvent, { kind: 'codecUnlike' }>[] {
  const found = new Map<string, Extract<MediaEvent, { kind: 'codecUnlike' }>>();
  for (const listener of legs.values()) {
    const { source, settings } = listener;
    const speakers = speakersOf(source, legs);
    if (!settings || !source || speakers.length === 0) continue;
    const passes = (codec: CodecName): boolean =>
      CODECS[codec].made ||
      (source.kind === 'leg' && settings.passThrough.some((format) => format.codec === codec));
    for (const legId of speakers) {
      const speaker = legs.get(legId);
      if (!speaker?.settings || passes(speaker.settings.peerCodec)) continue;
      const before = found.get(legId)?.codecs ?? speaker.codecs;
      found.set(legId, { kind: 'codecUnlike', legId, codecs: before.filter(passes) });
    }
  }
  return [...found.values()];
}

/** The legs whose packets make up what is heard. */
function speakersOf(source: MediaSource | null, legs: ReadonlyMap<string, CodecSide>): readonly string[] {
  switch (source?.kind) {
    case 'leg':
      return [source.legId];
    case 'mix':
      return source.legIds;
    case 'tap': {
      const heard = legs.get(source.legId)?.source;
      return [source.legId, ...(heard?.kind === 'tap' ? [] : speakersOf(heard ?? null, legs))];
    }
    default:
      return [];
  }
}
