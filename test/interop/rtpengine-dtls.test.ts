import { side } from '../support/phone-cast.js';
import { startBaresip, startLinphone } from '../support/softphone.js';
import { describeThroughRtpengine } from '../support/through-rtpengine.js';

describeThroughRtpengine('Interop: DTLS-SRTP through rtpengine', {
  cases: [
    [
      'baresip calls with DTLS, baresip is the agent in plain RTP',
      side(startBaresip, 'dtls', 'dtls'),
      side(startBaresip, 'off', 'off'),
      { caller: 'dtls', agent: 'plain' },
    ],
    [
      'linphone calls in plain RTP, baresip is the agent with DTLS',
      side(startLinphone, 'off', 'off'),
      side(startBaresip, 'dtls', 'dtls'),
      { caller: 'plain', agent: 'dtls' },
    ],
    [
      'baresip calls with DTLS, linphone is the agent with SRTP required',
      side(startBaresip, 'dtls', 'dtls'),
      side(startLinphone, 'required', 'required'),
      { caller: 'dtls', agent: 'sdes' },
    ],
    [
      'baresip calls with DTLS, baresip is the agent with DTLS',
      side(startBaresip, 'dtls', 'dtls'),
      side(startBaresip, 'dtls', 'dtls'),
      { caller: 'dtls', agent: 'dtls' },
    ],
    [
      'linphone calls with DTLS, baresip is the agent with SRTP required',
      side(startLinphone, 'dtls', 'dtls'),
      side(startBaresip, 'required', 'required'),
      { caller: 'dtls', agent: 'sdes' },
    ],
  ],
  holds: [['baresip with DTLS', side(startBaresip, 'dtls', 'dtls')]],
  refusals: [
    ['in plain RTP where DTLS is required', side(startBaresip, 'off', 'dtls')],
    ['with a key in SDP where DTLS is required', side(startBaresip, 'required', 'dtls')],
    ['with DTLS where keys come from SDP', side(startBaresip, 'dtls', 'optional')],
  ],
});
