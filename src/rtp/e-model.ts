/*
 * ITU-T G.107 (06/2015) with its default values for everything that RTP does not tell. What is left of formula 7-1:
 *
 *   R = 93.2 - Id - Ie,eff
 *
 * Id for an echo-free connection, as the two straight lines that fit G.107 closely up to 400 ms one way:
 *   Id = 0.024 d + 0.11 (d - 177.3) where d > 177.3
 * Ie,eff by formula 7-29, with random loss (BurstR = 1); for G.711 with loss concealment G.113 Appendix I has Ie = 0,
 * Bpl = 25.1:
 *   Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl)
 * MOS by Annex B, formula B-4.
 */
const R_DEFAULT = 93.2;
const KNEE_MS = 177.3;
const LOSS_ROBUSTNESS = 25.1;
/** One packet of 20 ms, and the look-ahead of a receiver's buffer, which is about twice the jitter. */
const PACKET_MS = 20;
const BUFFER_PER_JITTER = 2;

export interface Transmission {
  /** Share of packets lost, 0 to 1. */
  readonly loss: number;
  readonly jitterMs: number;
  /** null where it is not known: then it is taken for 0. */
  readonly roundTripMs: number | null;
}

/** Mean opinion score (1 to 4.5) that G.711 is likely to get, to two decimals. */
export function estimateMos({ loss, jitterMs, roundTripMs }: Transmission): number {
  const delayMs = (roundTripMs ?? 0) / 2 + PACKET_MS + BUFFER_PER_JITTER * jitterMs;
  const delayed = 0.024 * delayMs + (delayMs > KNEE_MS ? 0.11 * (delayMs - KNEE_MS) : 0);
  const lossPercent = 100 * Math.min(1, Math.max(0, loss));
  const impaired = (95 * lossPercent) / (lossPercent + LOSS_ROBUSTNESS);
  const rating = R_DEFAULT - delayed - impaired;
  if (rating <= 0) return 1;
  const mos = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6;
  return Math.round(Math.min(4.5, Math.max(1, mos)) * 100) / 100;
}
