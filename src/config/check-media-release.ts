import type { ParsedFile } from './parsed-file.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

/** Reports `media_release` where no audio can ever go past this node. */
export function checkMediaRelease(file: ParsedFile, source: YamlSource): void {
  for (const [name, trunk] of Object.entries(file.trunks)) {
    if (!trunk.media_release) continue;
    const why = obstacle(file, trunk.srtp);
    if (why === null) continue;
    const path: KeyPath = ['trunks', name, 'media_release'];
    source.report(path, {
      code: 'no_effect',
      severity: 'warning',
      message: `the audio always stays with this node: ${why}`,
      found: source.found(path),
      expected: 'false',
      remedy: 'leave it out, or change what stands against it',
    });
  }
}

function obstacle({ media, projects }: ParsedFile, srtp: string): string | null {
  if (media?.kind === 'rtpengine') return 'rtpengine ends calls that have no media for long';
  if (srtp === 'required') return 'keys of SRTP are not handed on to another peer';
  const all = Object.values(projects);
  if (all.length > 0 && all.every(({ recording }) => recording !== undefined)) return 'every project records';
  return null;
}
