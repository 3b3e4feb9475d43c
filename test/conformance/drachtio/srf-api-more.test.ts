import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { deferred } from './support/deferred.js';
import { Fixture } from './support/fixture.js';
import { SDP } from './support/sip-text.js';

interface Message {
  readonly method: string;
  readonly status: number;
  get(name: string): string | undefined;
  has(name: string): boolean;
}
interface Reply {
  send(
    status: number,
    options?: { headers?: Record<string, string>; body?: string },
    sent?: (error: unknown) => void,
    acknowledged?: (prack: Message) => void,
  ): void;
}
interface Dialog {
  destroy(): Promise<unknown>;
}
interface App {
  createUAS(request: Message, reply: Reply, options: { localSdp: string }): Promise<Dialog>;
  createUAC(
    uri: string,
    options: {
      localSdp: string;
      headers?: Record<string, string>;
      auth?: { username: string; password: string };
    },
    progress?: { cbProvisional?: (response: Message) => void },
  ): Promise<Dialog>;
  invite(handler: (request: Message, reply: Reply) => void): void;
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const field = (credentials: string, name: string): string =>
  new RegExp(`\\b${name}="?([^",]*)"?`).exec(credentials)?.[1] ?? '';

/** Is this the digest of alice's password (RFC 7616 3.4)? */
function isRight(credentials: string): boolean {
  const [realm, nonce, uri, response] = ['realm', 'nonce', 'uri', 'response'].map((name) =>
    field(credentials, name),
  );
  const ha1 = md5(`alice:${realm}:wonderland`);
  const ha2 = md5(`INVITE:${uri}`);
  const qop = field(credentials, 'qop');
  const middle =
    qop === '' ? nonce : `${nonce}:${field(credentials, 'nc')}:${field(credentials, 'cnonce')}:${qop}`;
  return response === md5(`${ha1}:${middle}:${ha2}`);
}

describe('more of the API of drachtio-srf between two engines', () => {
  let near: Fixture;
  let far: Fixture;
  let alice: App;
  let target: string;

  beforeEach(async () => {
    near = await Fixture.start();
    far = await Fixture.start();
    target = `sip:bob@127.0.0.1:${far.udpPort}`;
    alice = await near.srf();
  });
  afterEach(async () => {
    await near.close();
    await far.close();
  });

  async function bob(handler: (app: App, request: Message, reply: Reply) => void): Promise<void> {
    await far.srf((srf) => {
      const app = srf as unknown as App;
      app.invite((request, reply) => handler(app, request, reply));
    });
  }

  for (const [status, challenge, answer] of [
    [401, 'WWW-Authenticate', 'Authorization'],
    [407, 'Proxy-Authenticate', 'Proxy-Authorization'],
  ] as const) {
    it(`createUAC with auth: ${status} is answered with the right digest, in the same call`, async () => {
      const seen: { callId: string | undefined; credentials: string | undefined }[] = [];
      await bob((app, request, reply) => {
        const credentials = request.get(answer);
        seen.push({ callId: request.get('Call-ID'), credentials });
        if (credentials !== undefined && isRight(credentials)) {
          void app.createUAS(request, reply, { localSdp: SDP });
          return;
        }
        const headers = {
          [challenge]: 'Digest realm="looking glass", nonce="abc123", algorithm=MD5, qop="auth"',
        };
        reply.send(status, { headers });
      });
      const auth = { username: 'alice', password: 'wonderland' };
      const dialog = await alice.createUAC(target, { localSdp: SDP, auth });
      assert.equal(seen.length, 2);
      assert.equal(seen[0]?.callId, seen[1]?.callId);
      await dialog.destroy();
    });
  }

  it('createUAC with auth: credentials that are refused reject it with the status, and are not sent again', async () => {
    let asked = 0;
    await bob((_app, _request, reply) => {
      const headers = {
        'WWW-Authenticate': `Digest realm="r", nonce="n${++asked}", algorithm=MD5, qop="auth"`,
      };
      reply.send(401, { headers });
    });
    const auth = { username: 'alice', password: 'wrong' };
    await assert.rejects(
      alice.createUAC(target, { localSdp: SDP, auth }),
      (error: { status?: number }) => error.status === 401,
    );
    assert.equal(asked, 2);
  });

  it('a reliable 183: the caller side sends PRACK by itself, and the callee side hears of it before it answers', async () => {
    const pracked = deferred<Message>();
    await bob((app, request, reply) => {
      const options = { headers: { Require: '100rel' }, body: SDP };
      reply.send(183, options, undefined, (prack) => {
        pracked.resolve(prack);
        void app.createUAS(request, reply, { localSdp: SDP });
      });
    });
    const provisional: { status: number; reliable: boolean }[] = [];
    const dialog = await alice.createUAC(
      target,
      { localSdp: SDP, headers: { Supported: '100rel' } },
      {
        cbProvisional: (response) =>
          provisional.push({ status: response.status, reliable: response.has('RSeq') }),
      },
    );
    const prack = await pracked.promise;
    assert.equal(prack.method, 'PRACK');
    assert.match(prack.get('RAck') ?? '', /^\d+ \d+ INVITE$/);
    assert.deepEqual(provisional, [{ status: 183, reliable: true }]);
    await dialog.destroy();
  });
});
