/** Countries whose ringing tone can be played; `eu` is what most of Europe and Latin America have. */
export const RINGBACK_COUNTRIES = [
  'eu',
  'ar',
  'at',
  'be',
  'br',
  'ca',
  'cl',
  'cn',
  'co',
  'de',
  'es',
  'fr',
  'ie',
  'it',
  'jp',
  'mx',
  'nz',
  'pt',
  'se',
  'uk',
  'us',
] as const;

export type RingbackCountry = (typeof RINGBACK_COUNTRIES)[number];
