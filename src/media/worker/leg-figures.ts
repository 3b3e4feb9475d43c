import type { LegMediaStats } from '../../call/media-port.js';
import { estimateMos } from '../../rtp/e-model.js';
import type { PartyReceiver } from './party-receiver.js';
import type { PartySender } from './party-sender.js';

const hundredths = (value: number): number => Math.round(value * 100) / 100;

/** The figures of a leg, as they stand. */
export function legFigures(receiver: PartyReceiver, sender: PartySender): LegMediaStats {
  const { received } = receiver;
  const { far } = sender.rtcp;
  const { roundTripMs, roundTripMaxMs, lost: farLost } = far;
  const farJitterMs = far.jitter === null ? null : (far.jitter * 1000) / sender.clockRate;
  // G.113 has no figures for the others that could be compared.
  const g711 = sender.settings?.peerCodec === 'PCMU' || sender.settings?.peerCodec === 'PCMA';
  const share = (lost: number, of: number): number => (of > 0 ? lost / of : 0);
  return {
    packetsReceived: received.received,
    packetsSent: sender.packets,
    bytesReceived: receiver.octets,
    bytesSent: sender.octets,
    packetsLost: received.lost,
    jitterMs: hundredths(received.jitterMs),
    packetsRejected: receiver.rejected,
    roundTripMs: roundTripMs === null ? null : hundredths(roundTripMs),
    roundTripMaxMs: roundTripMaxMs === null ? null : hundredths(roundTripMaxMs),
    farPacketsLost: farLost,
    farJitterMs: farJitterMs === null ? null : hundredths(farJitterMs),
    mos:
      g711 && received.received > 0
        ? estimateMos({
            loss: share(received.lost, received.received + received.lost),
            jitterMs: received.jitterMs,
            roundTripMs,
          })
        : null,
    farMos:
      g711 && farLost !== null && farJitterMs !== null
        ? estimateMos({ loss: share(farLost, sender.packets), jitterMs: farJitterMs, roundTripMs })
        : null,
  };
}
