import { createLogger } from '../../../src/common/log.js';
import { seededRandom } from '../../../src/common/random.js';
import type { EndpointContext } from '../../../src/media/worker/endpoint-context.js';
import { Pacer } from '../../../src/media/worker/pacer.js';
import type { StreamSettings } from '../../../src/media/worker-messages.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

/** What an endpoint without sockets lives in. */
export function endpointContext(clock: VirtualClock, seed: number): EndpointContext {
  const counters = {
    packetsReceived: 0,
    packetsRelayed: 0,
    packetsGenerated: 0,
    packetsRejected: 0,
    recordings: 0,
    recordingsFailed: 0,
  };
  const log = createLogger('test', 'silent');
  return { clock, random: seededRandom(seed), pacer: new Pacer(clock), counters, log };
}

/** PCMU and telephone-event, both ways, with a peer at this port of 127.0.0.1. */
export function plainSettings(port: number): StreamSettings {
  return {
    remoteRtp: { address: '127.0.0.1', port },
    remoteRtcp: { address: '127.0.0.1', port: port + 1 },
    rtcpMux: false,
    sendCodec: 'PCMU',
    sendPayloadType: 0,
    packetSamples: 160,
    passThrough: [],
    peerCodec: 'PCMU',
    dtmf: 'auto',
    srtp: null,
    sendEventPayloadType: 101,
    sendWideEventPayloadType: null,
    receiveWideEventPayloadType: null,
    receivePayloadTypes: [{ payloadType: 0, codec: 'PCMU' }],
    receiveEventPayloadType: 101,
    maySend: true,
    mayReceive: true,
  };
}
