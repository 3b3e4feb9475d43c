import type { CallHost } from '../call-host.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg } from '../leg/leg.js';
import type { MediaDirection } from '../media-port.js';

/** What the call does alike for whoever converses in it: caller, bot and agent. */
export abstract class ConversingLeg {
  protected readonly host: CallHost;

  constructor(host: CallHost) {
    this.host = host;
  }

  legRequest(leg: Leg, request: InDialogRequest): void {
    switch (request.method) {
      case 'REFER':
        this.host.refer(leg, request);
        return;
      case 'NOTIFY':
        this.host.notify(leg, request);
        return;
      default:
        this.host.relay(leg, request);
    }
  }

  legDigit(leg: Leg, digit: string, via: 'rtp' | 'info'): void {
    this.host.digit(leg, digit, via);
  }

  legDirection(leg: Leg, _direction: MediaDirection, done: () => void): void {
    this.host.bridge.directionChanged(leg, done);
  }
}
