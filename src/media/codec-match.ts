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
 * sides have. Mixed parties must send G.711.
 */
export function unlikeCodecs(
  legs: ReadonlyMap<string, CodecSide>,
): Extract<MediaEvent, { kind: 'codecUnlike' }>[] {
  const found = new Map<string, Extract<MediaEvent, { kind: 'codecUnlike' }>>();
  for (const listener of legs.values()) {
    const { source, settings } = listener;
    if (!settings || (source?.kind !== 'leg' && source?.kind !== 'mix')) continue;
    const passes = (codec: CodecName): boolean =>
      CODECS[codec].made ||
      (source.kind === 'leg' && settings.passThrough.some((format) => format.codec === codec));
    for (const legId of source.kind === 'leg' ? [source.legId] : source.legIds) {
      const speaker = legs.get(legId);
      if (!speaker?.settings || passes(speaker.settings.peerCodec)) continue;
      const before = found.get(legId)?.codecs ?? speaker.codecs;
      found.set(legId, { kind: 'codecUnlike', legId, codecs: before.filter(passes) });
    }
  }
  return [...found.values()];
}
