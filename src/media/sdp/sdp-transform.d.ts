/** The part of sdp-transform that is used here; the package carries no types. */
declare module 'sdp-transform' {
  export interface ParsedConnection {
    readonly version?: number;
    readonly ip?: string | number;
  }
  export interface ParsedMedia {
    readonly connection?: ParsedConnection;
    readonly direction?: string;
    readonly ptime?: number;
    readonly maxptime?: number;
    readonly fmtp?: readonly { readonly payload: number; readonly config: string | number }[];
    readonly bandwidth?: readonly { readonly type?: string; readonly limit?: number | string }[];
    readonly rtcpMux?: string;
    readonly rtcp?: { readonly port?: number; readonly ipVer?: number; readonly address?: string | number };
    readonly crypto?: readonly {
      readonly id?: number | string;
      readonly suite?: string | number;
      readonly config?: string | number;
      readonly sessionConfig?: string | number;
    }[];
    readonly rtp: readonly {
      readonly payload?: number;
      readonly codec?: string | number;
      readonly rate?: number;
      readonly encoding?: number | string;
    }[];
  }
  export interface ParsedSession {
    readonly version?: number;
    readonly connection?: ParsedConnection;
    readonly direction?: string;
    readonly media: readonly ParsedMedia[];
  }
  export function parse(sdp: string): ParsedSession;
}
