import type { StreamSettings } from '../../../../src/media/worker-messages.js';

/** G.711 both ways, in the clear. */
export const AGREED: StreamSettings = {
  remoteRtp: { address: '198.51.100.7', port: 4000 },
  remoteRtcp: { address: '198.51.100.7', port: 4001 },
  rtcpMux: false,
  sendCodec: 'PCMA',
  sendPayloadType: 8,
  packetSamples: 160,
  passThrough: [],
  peerCodec: 'PCMA',
  sendEventPayloadType: 101,
  sendWideEventPayloadType: null,
  dtmf: 'auto',
  receivePayloadTypes: [{ payloadType: 8, codec: 'PCMA' }],
  receiveEventPayloadType: 101,
  receiveWideEventPayloadType: null,
  srtp: null,
  maySend: true,
  mayReceive: true,
};
