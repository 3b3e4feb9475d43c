import type { TransferOutcome } from '../vocabulary.js';

/** What a final status of the target says of the attempt. A 3xx is not followed. */
export function outcomeOfStatus(status: number): TransferOutcome {
  if (status >= 200 && status < 300) return 'completed';
  if (status >= 300 && status < 400) return 'unavailable';
  switch (status) {
    case 486:
    case 600:
      return 'busy';
    case 480:
    case 408:
      return 'no_answer';
    case 603:
    case 403:
    case 607:
    case 608:
      return 'declined';
    case 404:
    case 410:
    case 484:
    case 604:
      return 'bad_destination';
    case 488:
    case 606:
      return 'media_failed';
    default:
      return status >= 500 && status < 600 ? 'unavailable' : 'failed';
  }
}

const STATUS: Readonly<Record<TransferOutcome, readonly [number, string]>> = {
  completed: [200, 'OK'],
  completed_unconfirmed: [200, 'OK'],
  busy: [486, 'Busy Here'],
  no_answer: [480, 'Temporarily Unavailable'],
  declined: [603, 'Decline'],
  bad_destination: [404, 'Not Found'],
  unavailable: [503, 'Service Unavailable'],
  media_failed: [488, 'Not Acceptable Here'],
  refer_rejected: [503, 'Service Unavailable'],
  no_outcome: [503, 'Service Unavailable'],
  timeout: [408, 'Request Timeout'],
  cancelled: [487, 'Request Terminated'],
  caller_gone: [487, 'Request Terminated'],
  not_allowed: [603, 'Decline'],
  failed: [500, 'Server Internal Error'],
};

/** The status that tells an outcome inside SIP (the sipfrag of a NOTIFY). */
export function statusOfOutcome(outcome: TransferOutcome): { status: number; reason: string } {
  const [status, reason] = STATUS[outcome];
  return { status, reason };
}
