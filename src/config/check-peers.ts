import type { TrunkInput } from './schema/peers.js';
import type { UuiInput } from './schema/values.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

/** National numbers cannot be written without knowing the country. */
export function checkDialPlan(trunk: TrunkInput, path: KeyPath, source: YamlSource): void {
  if (trunk.number_format !== 'national' || trunk.dial_plan) return;
  if (source.found([...path, 'dial_plan']) !== 'nothing') return;
  source.report([...path, 'number_format'], {
    code: 'missing_key',
    message: '`national` needs `dial_plan`, which is missing',
    found: 'nothing',
    expected: 'dial_plan: { country_code: "54", national_prefix: "0" }',
    remedy: 'add `dial_plan` beside it',
  });
}

/** The protocol discriminator is an octet of the content, which only the hexadecimal form can show (RFC 7434). */
export function checkUui(uui: UuiInput | undefined, path: KeyPath, source: YamlSource): void {
  if (uui?.protocol_discriminator === undefined || uui.encoding === 'hex') return;
  const at = [...path, 'protocol_discriminator'];
  source.report(at, {
    code: 'bad_value',
    message: 'a protocol discriminator stands only in hexadecimal content',
    found: source.found(at),
    expected: '`encoding: hex`, or no protocol_discriminator',
  });
}
