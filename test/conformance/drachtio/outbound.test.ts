import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Srf from 'drachtio-srf';
import { deferred } from './support/deferred.js';
import { Fixture, SECRET } from './support/fixture.js';
import type { RawUa } from './support/raw-ua.js';
import type { SrfApp, SrfDialog, SrfHandler } from './support/srf-types.js';
import { header, headers, SDP } from './support/sip-text.js';

/** An HTTP server that answers what `answer` says, and remembers what it was asked. */
class Handler {
  readonly asked: URLSearchParams[] = [];
  readonly #server: Server;
  answer: () => object | 'silence' = () => ({});

  constructor() {
    this.#server = createServer((request, response) => {
      this.asked.push(new URL(request.url ?? '/', 'http://h').searchParams);
      const answer = this.answer();
      if (answer === 'silence') return;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer));
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe('request handlers and outbound connections of the embedded engine (recording 27)', () => {
  let handler: Handler;
  let fixture: Fixture;
  let a: RawUa;
  const listening: (() => void)[] = [];

  beforeEach(async () => {
    handler = new Handler();
    const url = await handler.listen();
    fixture = await Fixture.start({ requestHandlers: [{ method: 'INVITE', url, timeoutMs: 500 }] });
    a = await fixture.ua();
  });
  afterEach(async () => {
    for (const close of listening.splice(0)) close();
    handler.close();
    await fixture.close();
  });

  /** A drachtio-srf application that listens; returns its port. */
  const listen = async (onInvite: (app: SrfApp) => SrfHandler): Promise<number> => {
    const app = new Srf() as unknown as SrfApp;
    app.invite(onInvite(app));
    app.on('error', () => undefined);
    const server = app.listen({ host: '127.0.0.1', port: 0, secret: SECRET });
    await new Promise<void>((resolve) => {
      server.on('listening', resolve);
    });
    listening.push(() => {
      server.close();
    });
    return server.address().port;
  };

  it('route: connects to the application, which authenticates, and hands it the call', async () => {
    const made = deferred<SrfDialog>();
    const port = await listen((app) => (req, res) => {
      app.createUAS(req, res, { localSdp: SDP }).then(made.resolve, made.reject);
    });
    handler.answer = () => ({ action: 'route', data: { uri: `127.0.0.1:${port}` } });
    a.send(a.invite());
    const ok = await a.nextResponse(200, 'INVITE');
    a.send(a.inDialog('ACK', 1, ok));
    const dialog = await made.promise;
    const ended = deferred<undefined>();
    dialog.on('destroy', () => {
      ended.resolve(undefined);
    });
    a.send(a.inDialog('BYE', 2, ok));
    await a.nextResponse(200, 'BYE');
    await ended.promise;
    assert.deepEqual(Object.fromEntries(handler.asked[0]!), {
      method: 'INVITE',
      domain: '127.0.0.1',
      protocol: 'udp',
      source_address: '127.0.0.1',
      fromUser: 'A',
      toUser: '1234',
      uriUser: '1234',
      contentType: 'application/sdp',
      uri: `sip:1234@127.0.0.1:${fixture.udpPort}`,
    });
  });

  it('reject: answers as told', async () => {
    handler.answer = () => ({ action: 'reject', data: { status: 503, reason: 'Max Calls Exceeded' } });
    a.send(a.invite());
    assert.match(await a.nextResponse(503, 'INVITE'), /^SIP\/2\.0 503 Max Calls Exceeded\r\n/);
  });

  it('redirect: answers 302 with the contacts', async () => {
    handler.answer = () => ({ action: 'redirect', data: { contacts: ['sip:x@192.0.2.1', '192.0.2.2'] } });
    a.send(a.invite());
    const moved = await a.nextResponse(302, 'INVITE');
    assert.deepEqual(headers(moved, 'Contact'), ['<sip:x@192.0.2.1>', '<sip:192.0.2.2>']);
  });

  it('proxy: forwards the call', async () => {
    const b = await fixture.ua();
    handler.answer = () => ({
      action: 'proxy',
      data: { destination: [`127.0.0.1:${b.port}`], recordRoute: true },
    });
    a.send(a.invite());
    const invite = await b.nextRequest('INVITE');
    assert.equal(headers(invite, 'Record-Route').length, 1);
    b.send(b.response(invite, 486, 'Busy Here'));
    await a.nextResponse(486, 'INVITE');
  });

  it('route by tag: narrows the choice to the applications that gave it', async () => {
    const gold = await fixture.raw([], false);
    await gold.ask(`authenticate|${SECRET}|gold,eu`);
    await gold.ask('route|invite');
    const plain = await fixture.raw(['invite']);
    handler.answer = () => ({ action: 'route', data: { tag: 'gold' } });
    for (let call = 0; call < 3; call++) {
      a.send(a.invite());
      await gold.nextSip('INVITE');
    }
    assert.equal(
      plain.unread(({ tokens }) => tokens[1] === 'sip'),
      0,
    );
    handler.answer = () => ({ action: 'route', data: { tag: 'nobody' } });
    a.send(a.invite());
    await a.nextResponse(503, 'INVITE');
  });

  it('answers 503 when the handler says nothing, or nonsense, or names an application that is not there', async () => {
    for (const answer of [
      'silence',
      { action: 'dance' },
      { action: 'route', data: { uri: '127.0.0.1:1' } },
    ] as const) {
      handler.answer = () => answer;
      a.send(a.invite());
      await a.nextResponse(503, 'INVITE');
    }
  });

  it('takes a CANCEL while the handler thinks', async () => {
    handler.answer = () => 'silence';
    const invite = a.invite();
    a.send(invite);
    await a.nextResponse(100, 'INVITE');
    a.send(a.sameHop('CANCEL', invite));
    await a.nextResponse(200, 'CANCEL');
    assert.match(header(await a.nextResponse(487, 'INVITE'), 'To'), /;tag=/);
  });
});
