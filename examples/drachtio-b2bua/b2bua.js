import Srf from 'drachtio-srf';

const { TARGET = 'sip:127.0.0.1:5070', CONTROL_PORT = '9022', SECRET = 'cymru', VERBOSE = '' } = process.env;

const srf = new Srf();
srf.connect({ host: '127.0.0.1', port: Number(CONTROL_PORT), secret: SECRET });
srf.on('connect', (error, hostport) => console.log(error ? `refused: ${error}` : `connected: ${hostport}`));
srf.on('error', (error) => console.error(`no engine: ${error.message}`));

srf.invite(async (req, res) => {
  try {
    const { uas, uac } = await srf.createB2BUA(req, res, TARGET, { localSdpB: req.body });
    uas.on('destroy', () => uac.destroy(() => undefined));
    uac.on('destroy', () => uas.destroy(() => undefined));
    if (VERBOSE) console.log(`joined: ${req.callingNumber} and ${TARGET}`);
  } catch (error) {
    // The caller has been given the status of the other side already.
    if (!error.status) console.error(`call failed: ${error.message}`);
  }
});
