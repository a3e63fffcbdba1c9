/** A key change as the control protocol asks for it and tells of it. Keys never travel over the socket: paths do. */
import { z } from 'zod';

const hex = (digits: number): z.ZodType<string> =>
  z.string().regex(new RegExp(`^[0-9a-fA-F]{${digits}}$`), `is not ${digits} hex digits`);

const keyId = (): z.ZodType<string> =>
  z.string().regex(/^([0-9a-fA-F]{2}){1,16}$/, 'is not hex of up to 16 octets');

/** What `l2vpnd rotate` sends. */
export interface RotateBody {
  /** Absolute paths, which the daemon reads. With static keys both are needed, with key agreement neither. */
  txKeyFile?: string | undefined;
  rxKeyFile?: string | undefined;
  txKeyId?: string | undefined;
  rxKeyId?: string | undefined;
  an?: number | undefined;
  sci?: string | undefined;
  salt?: string | undefined;
  now?: boolean | undefined;
  graceMs?: number | undefined;
  backMs?: number | undefined;
}

export const ROTATE_BODY: z.ZodType<RotateBody> = z.strictObject({
  txKeyFile: z.string().optional(),
  rxKeyFile: z.string().optional(),
  txKeyId: keyId().optional(),
  rxKeyId: keyId().optional(),
  an: z.int().min(0).max(3).optional(),
  sci: hex(16).optional(),
  salt: hex(24).optional(),
  now: z.boolean().optional(),
  graceMs: z.number().min(0).max(86_400_000).optional(),
  backMs: z.number().min(0).max(86_400_000).optional(),
});

export type RotationState = 'waiting for the peer' | 'grace time' | 'done' | 'aborted';

export interface RotationStatus {
  an: number;
  state: RotationState;
  /** Transmit was moved before the peer had the new key, and has gone back to the old one. */
  wentBack: boolean;
  /** What the configuration should say when the rotation is done. */
  file: RotatedFile;
}

/** With key agreement: this end has ordered a new SAK, being key server, or asked the one that is. */
export interface RekeyStatus {
  rekey: 'ordered' | 'asked';
}

/** The SAs of a tunnel's `macsec` as its configuration file names them. */
export interface RotatedFile {
  encodingSa: number;
  txSa: FiledSa[];
  /** The SAs of the RxSC whose key changes. */
  rxSc: { sci: string; sa: FiledSa[] };
}

export interface FiledSa {
  an: number;
  keyId: string;
  keyFile: string;
  ssci?: number;
  salt?: string;
}
