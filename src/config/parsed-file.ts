import type { ConfigInput } from './schema/root.js';
import type { BotInput, DestinationInput, TrunkInput } from './schema/peers.js';
import type { ProjectInput } from './schema/projects.js';

/** What could be read of a file: sections that are broken beyond use are null, such entries are left out. */
export interface ParsedFile {
  readonly listen: ConfigInput['listen'] | null;
  readonly engine: ConfigInput['engine'] | null;
  readonly media: ConfigInput['media'] | null;
  readonly api: ConfigInput['api'] | null;
  readonly limits: ConfigInput['limits'] | null;
  readonly log: ConfigInput['log'] | null;
  readonly observe: ConfigInput['observe'] | null;
  readonly policy: ConfigInput['policy'] | null;
  readonly trunks: Readonly<Record<string, TrunkInput>>;
  readonly bots: Readonly<Record<string, BotInput>>;
  readonly destinations: Readonly<Record<string, DestinationInput>>;
  readonly projects: Readonly<Record<string, ProjectInput>>;
  /** Every name that the file gives, of broken entries too: a reference to one of them is no further error. */
  readonly names: {
    readonly trunks: readonly string[];
    readonly bots: readonly string[];
    readonly destinations: readonly string[];
    readonly projects: readonly string[];
  };
}
