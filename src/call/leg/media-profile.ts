import type { CodecName, Project, Trunk } from '../project.js';
import type { MediaProfile } from './leg-media.js';

const DEFAULT_CODECS: readonly CodecName[] = ['PCMA', 'PCMU'];

const isMade = (codec: CodecName): boolean => codec === 'PCMA' || codec === 'PCMU';

/**
 * The media of a leg by its trunk (null for the defaults), within what the project allows. `uri` is where we dial:
 * an IPv6 literal there has our offer name our IPv6 address.
 */
export function mediaProfile(trunk: Trunk | null, project: Project, uri: string | null): MediaProfile {
  const codecs = trunk?.codecs ?? DEFAULT_CODECS;
  const { codecs: allowed } = project;
  const wanted = allowed === null ? codecs : allowed.filter((codec) => codecs.includes(codec));
  // What is recorded must be decoded.
  const both = project.recording ? wanted.filter(isMade) : wanted;
  return {
    codecs: both.some(isMade) ? both : codecs,
    symmetricRtp: trunk?.symmetricRtp ?? true,
    family: uri !== null && /^sips?:(?:[^@]*@)?\[/i.test(uri) ? 6 : 4,
    dtmf: trunk?.dtmf ?? 'auto',
    srtp: trunk?.srtp ?? 'off',
    ...(trunk?.srtpKeys === 'dtls' && { srtpKeys: 'dtls' as const }),
  };
}
