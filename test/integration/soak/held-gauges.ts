/** Each is 0 when all calls are over and their transactions forgotten. */
const HELD =
  /^(?:relevo_(?:calls|legs|timers|transfers_in_flight|sip_dialogs|sip_transactions|sip_requests_pending)(?:\{.*\})?|relevo_media_ports\{state="in_use"\}) (?!0$).*$/gm;
const QUIET_MS = 60_000;

/** The gauges of calls that are not 0, as they stand in the metrics. */
export function heldGauges(metrics: string): readonly string[] {
  return metrics.match(HELD) ?? [];
}

/** The metrics once nothing is held any more, or as they stand when that takes too long. */
export async function quietMetrics(read: () => Promise<string>): Promise<string> {
  const until = performance.now() + QUIET_MS;
  for (;;) {
    const text = await read();
    if (heldGauges(text).length === 0 || performance.now() > until) return text;
    // Readings are up to a second old.
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
