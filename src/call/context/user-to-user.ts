import type { TransferSettings } from '../project.js';
import { fillTemplate, headerSafe, type TemplateValues } from './template.js';

/** RFC 7433 asks for 128 octets at least to be carried; ISDN carries no more. */
const MAX_OCTETS = 128;

function truncateUtf8(text: string, octets: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= octets) return text;
  let end = octets;
  // A continuation octet must not be cut from its start.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** The value of User-to-User (RFC 7433), or null where the project sends none. */
export function userToUser(uui: TransferSettings['uui'], values: TemplateValues): string | null {
  if (uui === null) return null;
  const content = truncateUtf8(headerSafe(fillTemplate(uui.content, values)), MAX_OCTETS);
  if (content === '') return null;
  const purpose = uui.purpose === null ? '' : `;purpose=${uui.purpose.replace(/[^A-Za-z0-9\-._]/g, '')}`;
  if (uui.encoding === 'hex') return `${Buffer.from(content, 'utf8').toString('hex')}${purpose};encoding=hex`;
  const token = /^[A-Za-z0-9\-.!%*_+`'~]+$/.test(content);
  return `${token ? content : `"${content.replace(/["\\]/g, '\\$&')}"`}${purpose}`;
}
