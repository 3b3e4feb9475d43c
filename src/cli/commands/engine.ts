import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { createLogger, type LogLevel } from '../../common/log.js';
import { startEngine } from '../../engine/engine.js';
import type {
  EngineOptions,
  EngineTransport,
  ListenOptions,
  RequestHandlerOptions,
} from '../../engine/engine-options.js';
import { addBoundFlags, boundsOf, readWhole, type EngineBoundFlags } from './engine-bounds.js';
import type { CliIo } from '../cli-io.js';
import { CommandFailed, ExitCode } from '../exit-code.js';

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

const TRANSPORTS: readonly EngineTransport[] = ['udp', 'tcp', 'tls', 'ws', 'wss'];

interface EngineFlags extends EngineBoundFlags {
  readonly listen?: readonly ListenOptions[];
  readonly control?: { readonly address: string; readonly port: number };
  readonly secret?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly controlCert?: string;
  readonly controlKey?: string;
  readonly handler?: readonly RequestHandlerOptions[];
  readonly sessionTimer?: number;
  readonly minSe?: number;
  readonly logLevel: LogLevel;
}

/** drachtio-server's own default, so that a program that names none connects. */
const DEFAULT_SECRET = 'cymru';
const DEFAULT_CONTROL = { address: '127.0.0.1', port: 9022 };

/** `engine`: the embedded SIP engine alone, for any drachtio-srf program. */
export function engineCommand(program: Command, io: CliIo): void {
  const command = program
    .command('engine')
    .description('run the SIP engine alone: a server for any drachtio-srf program')
    .option(
      '--listen <where...>',
      'udp, tcp, tls, ws or wss:ADDRESS:PORT[@ADVERTISED]; udp and tcp on 127.0.0.1:5060 without it',
      readListen,
    )
    .option('--cert <file>', 'PEM certificate of tls and wss listeners')
    .option('--key <file>', 'its PEM key')
    .option(
      '--control <address:port>',
      'where drachtio-srf connects; 127.0.0.1:9022 without it',
      readHostPort,
    )
    .option(
      '--secret <text>',
      `what applications must know; $RELEVO_ENGINE_SECRET, else "${DEFAULT_SECRET}" on loopback`,
    )
    .option('--control-cert <file>', 'PEM certificate: applications must speak TLS')
    .option('--control-key <file>', 'its PEM key')
    .option(
      '--handler <method=url...>',
      'ask this HTTP handler what to do with new requests of a method (* for any)',
      readHandler,
    )
    .option('--session-timer <seconds>', 'ask for a session timer in every call (RFC 4028)', readWhole)
    .option('--min-se <seconds>', 'smallest session interval to take, at least 90', readWhole)
    .option('--log-level <level>', LOG_LEVELS.join(', '), readLevel, 'info');
  addBoundFlags(command).action(async (flags: EngineFlags) => {
    const engine = await startEngine(await optionsOf(flags, io), {
      log: createLogger('engine', flags.logLevel),
    });
    for (const { transport, address, port } of engine.listeners)
      io.out(`SIP      ${transport} ${address}:${port}\n`);
    io.out(`control  ${(flags.control ?? DEFAULT_CONTROL).address}:${engine.controlPort}\n`);
    await ended();
    await engine.close();
  });
}

async function optionsOf(flags: EngineFlags, io: CliIo): Promise<EngineOptions> {
  const { control = DEFAULT_CONTROL, controlCert, controlKey } = flags;
  if ((controlCert === undefined) !== (controlKey === undefined))
    throw wrongUse('--control-cert and --control-key go together', 'Give both or neither.');
  // A variable that is set to nothing is none.
  const secret = flags.secret ?? (io.env.RELEVO_ENGINE_SECRET || undefined);
  if (secret === undefined && !control.address.startsWith('127.') && control.address !== '::1')
    throw wrongUse(
      'a control address beyond loopback needs a secret',
      'Give --secret or set RELEVO_ENGINE_SECRET.',
    );
  const tls =
    controlCert !== undefined && controlKey !== undefined
      ? { cert: await readFile(controlCert, 'utf8'), key: await readFile(controlKey, 'utf8') }
      : undefined;
  return {
    listen: flags.listen
      ? flags.listen.map((one) => withCertificate(one, flags))
      : (['udp', 'tcp'] as const).map((transport) => ({ transport, address: '127.0.0.1', port: 5060 })),
    control: { ...control, secret: secret ?? DEFAULT_SECRET, ...(tls ? { tls } : {}) },
    tap: false,
    requestHandlers: flags.handler ?? [],
    sessionTimer: {
      offer: flags.sessionTimer !== undefined,
      ...(flags.sessionTimer === undefined ? {} : { defaultS: flags.sessionTimer }),
      ...(flags.minSe === undefined ? {} : { minS: flags.minSe }),
    },
    ...boundsOf(flags),
  };
}

function withCertificate(listen: ListenOptions, { cert, key }: EngineFlags): ListenOptions {
  if (listen.transport !== 'tls' && listen.transport !== 'wss') return listen;
  if (cert === undefined || key === undefined)
    throw wrongUse(`a ${listen.transport} listener needs a certificate`, 'Give --cert and --key.');
  return { ...listen, tls: { certFile: cert, keyFile: key } };
}

function wrongUse(message: string, remedy: string): CommandFailed {
  return new CommandFailed(ExitCode.usage, 'wrong_arguments', message, remedy);
}

/** Resolves at SIGINT or SIGTERM. */
async function ended(): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      resolve();
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
  });
}

function readListen(text: string, before: readonly ListenOptions[] = []): readonly ListenOptions[] {
  const parts = /^([a-z]+):(\[[0-9a-f:.]+\]|[\d.]+):(\d{1,5})(?:@(.+))?$/i.exec(text);
  const transport = TRANSPORTS.find((one) => one === parts?.[1]?.toLowerCase());
  if (!parts || !transport || Number(parts[3]) > 65_535)
    throw new InvalidArgumentError('Write it as udp:127.0.0.1:5060 or tcp:0.0.0.0:5060@203.0.113.10.');
  const advertised = parts[4] === undefined ? undefined : /^(.*?)(?::(\d{1,5}))?$/.exec(parts[4]);
  const listen: ListenOptions = {
    transport,
    address: parts[2]!.replace(/^\[|\]$/g, ''),
    port: Number(parts[3]),
    ...(advertised
      ? {
          advertise: {
            address: advertised[1]!,
            ...(advertised[2] === undefined ? {} : { port: Number(advertised[2]) }),
          },
        }
      : {}),
  };
  return [...before, listen];
}

function readHostPort(text: string): { address: string; port: number } {
  const parts = /^(\[[0-9a-f:.]+\]|[\d.]+):(\d{1,5})$/i.exec(text);
  if (!parts || Number(parts[2]) > 65_535) throw new InvalidArgumentError('Write it as 127.0.0.1:9022.');
  return { address: parts[1]!.replace(/^\[|\]$/g, ''), port: Number(parts[2]) };
}

function readHandler(
  text: string,
  before: readonly RequestHandlerOptions[] = [],
): readonly RequestHandlerOptions[] {
  const parts = /^([A-Za-z]+|\*)=(https?:\/\/.+)$/.exec(text);
  if (!parts || !URL.canParse(parts[2]!))
    throw new InvalidArgumentError('Write it as INVITE=http://127.0.0.1:8000/calls.');
  return [...before, { method: parts[1]!.toUpperCase(), url: parts[2]! }];
}

function readLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((one) => one === text);
  if (level === undefined) throw new InvalidArgumentError(`One of ${LOG_LEVELS.join(', ')}.`);
  return level;
}
