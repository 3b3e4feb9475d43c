import { side } from '../support/phone-cast.js';
import { startBaresip, startLinphone } from '../support/softphone.js';
import { describeThroughRtpengine } from '../support/through-rtpengine.js';

describeThroughRtpengine('Interop: SRTP through rtpengine, keys in SDP', {
  cases: [
    [
      'baresip calls with SRTP required, linphone is the agent in plain RTP',
      side(startBaresip, 'required', 'required'),
      side(startLinphone, 'off', 'off'),
      { caller: 'sdes', agent: 'plain' },
    ],
    [
      'linphone calls with SRTP required, baresip is the agent with SRTP, keys of its own',
      side(startLinphone, 'required', 'required'),
      side(startBaresip, 'optional', 'optional'),
      { caller: 'sdes', agent: 'sdes' },
    ],
    [
      'baresip calls with SRTP and A-law, baresip is the agent with SRTP and u-law',
      side(startBaresip, 'required', 'required', 'PCMA'),
      side(startBaresip, 'required', 'required', 'PCMU'),
      { caller: 'sdes', agent: 'sdes' },
    ],
    [
      'optional here, and plain RTP there: linphone calls, baresip is the agent with SRTP required',
      side(startLinphone, 'off', 'optional'),
      side(startBaresip, 'required', 'required'),
      { caller: 'plain', agent: 'sdes' },
    ],
  ],
  holds: [
    ['baresip with SRTP', side(startBaresip, 'required', 'required')],
    ['linphone with SRTP', side(startLinphone, 'required', 'required')],
  ],
  refusals: [
    ['in plain RTP where SRTP is required', side(startBaresip, 'off', 'required')],
    ['with SRTP where it is off', side(startBaresip, 'required', 'off')],
  ],
});
