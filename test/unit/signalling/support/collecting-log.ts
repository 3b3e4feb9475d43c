import { pino, type Logger } from 'pino';

/** A logger that keeps its lines. */
export function collectingLog(): { readonly logger: Logger; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
  };
  return { logger: pino({ level: 'debug' }, { write }), lines };
}
