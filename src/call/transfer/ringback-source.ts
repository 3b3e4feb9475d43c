import type { MediaSource } from '../media-port.js';
import type { Project } from '../project.js';

/** Ringing tone as the project's callers know it. */
export function ringbackSource({ transfer: { ringback } }: Project): MediaSource {
  return ringback === 'eu' ? { kind: 'ringback' } : { kind: 'ringback', country: ringback };
}
