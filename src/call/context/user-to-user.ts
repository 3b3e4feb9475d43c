import type { UuiProfile } from '../project.js';
import { fillTemplate, headerSafe, type TemplateValues } from './template.js';

function truncateUtf8(text: string, octets: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= octets) return text;
  let end = octets;
  // A continuation octet must not be cut from its start.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** The value of User-to-User (RFC 7433), or null where there is nothing to send. */
export function userToUser(uui: UuiProfile | null, values: TemplateValues): string | null {
  if (uui === null) return null;
  const { encoding, protocolDiscriminator } = uui;
  const octets = uui.maxLength - (protocolDiscriminator === null ? 0 : 1);
  const content = truncateUtf8(headerSafe(fillTemplate(uui.content, values), uui.maxLength), octets);
  if (content === '') return null;
  const purpose = uui.purpose === null ? '' : `;purpose=${uui.purpose.replace(/[^A-Za-z0-9\-._]/g, '')}`;
  if (encoding === 'hex') {
    const hex = Buffer.from(content, 'utf8').toString('hex');
    return `${protocolDiscriminator?.toLowerCase() ?? ''}${hex}${purpose};encoding=hex`;
  }
  const token = /^[A-Za-z0-9\-.!%*_+`'~]+$/.test(content);
  return `${token ? content : `"${content.replace(/["\\]/g, '\\$&')}"`}${purpose}`;
}
