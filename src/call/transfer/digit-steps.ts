/** A pause in dialling (RFC 2806 2.2, ms). */
const PAUSE_MS = 1_000;
/** How long media takes to send one digit and the silence after it (ms). */
const DIGIT_MS = 240;

export type DigitStep =
  | { readonly kind: 'digits'; readonly digits: string; readonly takesMs: number }
  | { readonly kind: 'pause'; readonly takesMs: number };

/** Takes digits after the answer apart: `p` and `,` wait a second, such as `p201`. */
export function digitSteps(text: string): readonly DigitStep[] {
  return (text.match(/[p,]+|[0-9*#A-D]+/gi) ?? []).map((run) =>
    /^[p,]/i.test(run)
      ? { kind: 'pause', takesMs: run.length * PAUSE_MS }
      : { kind: 'digits', digits: run.toUpperCase(), takesMs: run.length * DIGIT_MS },
  );
}
