export type LoginAlgorithm = 'SHA-512-256' | 'SHA-256' | 'MD5';

/** A password, or the H(username:realm:password) that take its place, in hexadecimal, by algorithm. */
export type LoginSecret = string | Readonly<Partial<Record<LoginAlgorithm, string>>>;

/** Who must log in to send us calls by a trunk (RFC 3261 22, RFC 8760). */
export interface TrunkLogin {
  readonly realm: string;
  /** By user name. */
  readonly users: Readonly<Record<string, LoginSecret>>;
  /** Offered in this order. */
  readonly algorithms: readonly LoginAlgorithm[];
  readonly qop: readonly ('auth' | 'auth-int')[];
  /** `strangers`: sources in `allow` need no login; others may log in. */
  readonly requiredFor: 'everyone' | 'strangers';
  /** Requests within the dialog that are challenged too. */
  readonly inDialog: 'none' | 'refer' | 'all';
}

/** We register at the hosts of a trunk (RFC 3261 10). */
export interface TrunkRegistration {
  /** What we ask for, in seconds. */
  readonly expiresS: number;
  /** Address of record: To and From. */
  readonly aor: string;
  /** Request-URI: the domain. */
  readonly registrar: string;
  /** User part of our Contact; null for a random one, which then names the trunk of incoming calls. */
  readonly contactUser: string | null;
}
