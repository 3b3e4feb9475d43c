import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { seededRandom, type Random } from '../../../../src/common/random.js';
import { rtp } from '../../media/phone.js';
import type { Ledger } from './ledger.js';
import type { MediaParty } from './media-party.js';
import { Voice } from './voice.js';

const EVERY_MS = 20;
/** Packets thrown each time. */
const SHARE = 4;
const SOCKETS = 4;

/** Throws packets of nobody in a call at the ports where the node takes RTP and RTCP: valid ones, and all that is not. */
export class Strangers {
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #targets: () => readonly MediaParty[];
  readonly #voice = new Voice(0xbad, 'stranger');
  readonly #sockets: Socket[] = [];
  #timer: NodeJS.Timeout | null = null;
  #sequence = 0;

  constructor(seed: number, ledger: Ledger, targets: () => readonly MediaParty[]) {
    this.#random = seededRandom(seed + 1);
    this.#ledger = ledger;
    this.#targets = targets;
  }

  async open(): Promise<void> {
    for (let count = 0; count < SOCKETS; count++) {
      const socket = createSocket('udp4');
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      this.#sockets.push(socket);
    }
    this.#timer = setInterval(() => {
      this.#throw();
    }, EVERY_MS);
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  #throw(): void {
    const targets = this.#targets().filter(({ traits }) => traits.family === 4);
    for (let count = 0; count < SHARE && targets.length > 0; count++) {
      const { target } = targets[Math.floor(this.#random.fraction() * targets.length)]!;
      const socket = this.#sockets[Math.floor(this.#random.fraction() * SOCKETS)]!;
      if (!target) continue;
      const toRtcp = this.#random.fraction() < 0.2;
      socket.send(this.#packet(), toRtcp ? target.rtcpPort : target.port, target.address);
      this.#ledger.count('thrown by strangers');
    }
  }

  #packet(): Buffer {
    const luck = Math.floor(this.#random.fraction() * 8);
    const sequence = this.#sequence++ & 0xffff;
    const good = rtp(
      8,
      sequence,
      sequence * 160,
      0xbad,
      this.#voice.payload(sequence, sequence * 160, 'PCMA'),
    );
    switch (luck) {
      case 0:
        return Buffer.alloc(0);
      case 1:
        return Buffer.from(this.#random.token(1 + Math.floor(this.#random.fraction() * 200)), 'hex');
      case 2: // A CSRC list and an extension longer than the packet.
        good[0] = 0x9f;
        return good.subarray(0, 20);
      case 3: // More padding than payload.
        good[0] = 0xa0;
        good[good.length - 1] = 255;
        return good;
      case 4: // BYE of somebody (RTCP).
        return Buffer.from([0x81, 203, 0, 1, 0, 0, 0x0b, 0xad]);
      case 5: // RTCP that says it is longer than it is.
        return Buffer.concat([Buffer.from([0x9f, 200, 0xff, 0xff]), Buffer.alloc(24, luck)]);
      case 6: // A key that nobody pressed.
        return rtp(101, sequence, sequence * 160, 0xbad, Buffer.from([11, 0x8a, 3, 32]), true);
      default:
        return good;
    }
  }
}
