import type { OrderResult } from '../../call/call-io.js';
import { ApiProblem } from '../problem.js';

const STATUS: Readonly<Record<string, number>> = {
  unknown_call: 404,
  unknown_transfer: 404,
  unknown_listener: 404,
  transfer_in_flight: 409,
  transfer_ended: 409,
  call_ending: 409,
  not_allowed: 403,
  listen_off: 403,
  listener_not_allowed: 403,
  trunk_full: 503,
};

const REMEDY: Readonly<Record<string, string>> = {
  unknown_call: 'List the calls with GET /v1/calls.',
  unknown_transfer: "List the call's transfers with GET /v1/calls/{id}.",
  transfer_in_flight: 'Wait for its result, or cancel it first.',
  call_ending: 'Read its result with GET /v1/calls/{id}.',
  listen_off: 'Add `listen` to the project where the law and those who are heard allow it.',
  listener_not_allowed:
    "Name a destination of the configuration, or add the target to the project's listen.allow.",
  listen_unsupported: 'Use `media: { kind: embedded }`.',
  too_many_listeners: "Stop one of them, or raise the project's listen.max.",
  trunk_full: 'Try again later, name a phone behind another trunk, or raise its max_calls.',
  unknown_listener: "List the call's listeners with GET /v1/calls/{id}/listeners.",
  not_allowed: "Name a destination of the configuration, or add the target to the project's transfer.allow.",
};

/** The problem for an order that the call refused. A code without a status of its own is a conflict. */
export function orderRefused(callId: string, refusal: Extract<OrderResult, { accepted: false }>): ApiProblem {
  const { code, detail } = refusal;
  return new ApiProblem(
    STATUS[code] ?? 409,
    code,
    detail,
    REMEDY[code] ?? `Look at the call with GET /v1/calls/${callId}.`,
  );
}
